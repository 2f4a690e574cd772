"""The key that encrypts callers' numbers changes twice while they call: nobody is listed twice, lost or unreadable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from domain.access.key_rings import KeyPurpose, key_id, with_accepted, with_in_force, without_key
from schemas.channels.incoming_calls import IncomingCallReport, IncomingCallResult
from streams.channels.operator_calls.incoming import IncomingBoard
from streams.messaging import topics
from streams.runtime.settings import Settings
from streams.security.installation_keys import ring
from streams.security.key_files import change_ring, load_keys, make_keys, random_key
from streams.state.shared_state import Shared
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW

CALLERS = [f"+86199000013{number:02d}" for number in range(20)]
ROUNDS = 2  # to the Chinese algorithms, and back
PAUSE = 0.2  # between two steps of a rotation; callers call meanwhile


class Load:
    """Two processes of intake, to which people report calls in vain until `over`."""

    def __init__(self, rig: Rig) -> None:
        self.boards = [IncomingBoard(rig.settings, rig.redis, rig.producer) for _ in range(2)]
        self.settings, self.over = rig.settings, asyncio.Event()
        self.calls, self.numbers, self.keys = dict.fromkeys(CALLERS, 0), count(1), set[str]()

    async def call(self, board: IncomingBoard, caller: str, result: IncomingCallResult) -> None:
        """One call that ends, and for which a call back is owed unless it was answered."""
        told = {"call": f"c{next(self.numbers):020x}", "at": NOW, "sequence": 2, "state": "ended", "caller": caller}
        told |= {"result": result, "answered": True} if result is IncomingCallResult.ANSWERED else {"result": result}
        told |= {"call_back": result is not IncomingCallResult.ANSWERED}
        self.keys.add(key_id(ring(self.settings, KeyPurpose.CALLERS).current))
        assert await board.take(IncomingCallReport.model_validate(told), NOW)

    async def calls_until_over(self, board: IncomingBoard) -> None:
        """Every caller calls again and again, and nobody answers."""
        while not self.over.is_set():
            for caller in CALLERS:
                await self.call(board, caller, IncomingCallResult.NOT_SERVED)
                self.calls[caller] += 1

    async def rotates(self, folder: Path) -> None:
        """Change the key in force to an SM4 key, then to an AES key again."""
        for number in range(ROUNDS):
            new = random_key(sm=number % 2 == 0)
            await asyncio.sleep(PAUSE)
            change_ring(folder, KeyPurpose.CALLERS, partial(with_accepted, new=new))
            await asyncio.sleep(PAUSE)
            change_ring(folder, KeyPurpose.CALLERS, partial(with_in_force, named=key_id(new)))
        await asyncio.sleep(PAUSE)
        self.over.set()


@asynccontextmanager
async def loaded(settings: Settings) -> AsyncIterator[Load]:
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.CALL_BACKS])
        await Shared(rig.settings, rig.redis, [], lease_seconds=1).ensure()
        yield Load(rig)


async def test_callers_wait_once_and_are_readable_while_the_key_changes_twice(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "secrets"
    make_keys(folder)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "keys-intake"))
    async with loaded(settings) as load:
        await asyncio.gather(*map(load.calls_until_over, load.boards), load.rotates(folder))
        assert len(load.keys) == ROUNDS + 1
        for board in load.boards:
            found = await board.call_backs(NOW)
            assert {board.number(each.sealed): each.calls for each in found} == load.calls
            assert len(found) == len(CALLERS)
        print(f"{sum(load.calls.values())} calls of {len(CALLERS)} callers, {len(load.keys)} keys")
        await _former_keys_are_needed_no_more(load, folder)


async def _former_keys_are_needed_no_more(load: Load, folder: Path) -> None:
    """Each calls once more, then the former keys are removed."""
    board = load.boards[0]
    for caller in CALLERS:
        await load.call(board, caller, IncomingCallResult.NOT_SERVED)
    for former in load_keys(folder)[KeyPurpose.CALLERS].keys[1:]:
        change_ring(folder, KeyPurpose.CALLERS, partial(without_key, named=key_id(former)))
    assert {board.number(each.sealed) for each in await board.call_backs(NOW)} == set(CALLERS)


async def test_who_is_served_after_a_rotation_waits_no_more(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, new = tmp_path / "secrets", random_key()
    make_keys(folder)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "keys-intake"))
    async with loaded(settings) as load:
        await load.call(load.boards[0], CALLERS[0], IncomingCallResult.NOT_SERVED)
        change_ring(folder, KeyPurpose.CALLERS, partial(with_accepted, new=new))
        change_ring(folder, KeyPurpose.CALLERS, partial(with_in_force, named=key_id(new)))
        await load.call(load.boards[1], CALLERS[0], IncomingCallResult.ANSWERED)
        assert await load.boards[0].call_backs(NOW) == []
