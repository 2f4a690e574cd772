"""One excludes others while it works; a lease is one's until it ends; and only one module writes SET NX."""

import asyncio
import re
import time
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from console.commands.running import in_words
from streams.casework.claims import CaseClaims
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state import locks
from streams.state.case_store import CaseStore, connect
from tests.domain.builders import NOON
from tests.simulation.fake_redis.server import SimRedis, client

ROOT = Path(__file__).parents[3]
PRODUCT = ("streams", "agents", "console", "simulators")
SET_NX = re.compile(r"\.set\([^\n]*nx=True")
LIFE = 'pipe.set(key("life", tp.partition), uuid.uuid4().hex, nx=True)'  # no lease: a name that is given once


async def test_of_two_one_waits_until_the_other_is_done(settings: Settings) -> None:
    redis, order = connect(settings), []

    async def work(name: str) -> None:
        async with locks.locked(redis, "a-lock"):
            order.append(f"{name} begins")
            await asyncio.sleep(0.05)
            order.append(f"{name} ends")

    await asyncio.gather(work("one"), work("two"))
    first, second = order[0].split()[0], order[2].split()[0]
    assert order == [f"{first} begins", f"{first} ends", f"{second} begins", f"{second} ends"]
    assert await redis.exists("a-lock") == 0
    await redis.aclose()


async def test_a_lock_that_another_keeps_is_not_waited_for_without_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "WRITE_SECONDS", 0.1)
    redis = connect(settings)
    await redis.set("kept-lock", "another")
    with pytest.raises(TimeoutError):
        async with locks.locked(redis, "kept-lock"):
            pytest.fail("another has it")
    assert await redis.get("kept-lock") == b"another"
    await redis.aclose()


def test_a_command_tells_of_a_lost_lock_without_a_traceback() -> None:
    assert in_words(locks.LockLostError("look, and make it again")) == "look, and make it again"


@pytest.mark.parametrize("ended", [False, True])
async def test_a_write_under_a_lock_has_no_effect_once_the_lock_has_ended(settings: Settings, ended: bool) -> None:
    redis = connect(settings)
    await redis.set("a-record", "before")
    async with locks.locked(redis, "a-record-lock"):
        with pytest.raises(locks.LockLostError) if ended else nullcontext():
            async with locks.fenced(redis, "a-record-lock") as pipe:
                pipe.set("a-record", "after")
                if ended:  # another has it now
                    await redis.set("a-record-lock", "another")
    assert await redis.get("a-record") == (b"before" if ended else b"after")
    if ended:
        assert await redis.get("a-record-lock") == b"another"
    await redis.delete("a-record", "a-record-lock")
    await redis.aclose()


async def test_who_has_no_lock_any_more_writes_nothing(settings: Settings) -> None:
    redis = connect(settings)
    async with locks.locked(redis, "a-gone-lock"):
        await redis.delete("a-gone-lock")
        with pytest.raises(locks.LockLostError):
            async with locks.fenced(redis, "a-gone-lock"):
                pytest.fail("the lock is gone")
    async with locks.fenced(redis, "a-gone-lock") as pipe:  # whoever needs no lock
        pipe.set("a-record", "new")
    assert await redis.getdel("a-record") == b"new"
    await redis.aclose()


class LosesAnAnswer:
    """A link on which the next answer is lost."""

    def __init__(self) -> None:
        self.loses = True

    async def out(self) -> None:
        """Every request arrives."""

    async def back(self) -> None:
        if self.loses:
            self.loses = False
            raise TimeoutError


async def test_a_lease_is_taken_though_the_answer_is_lost_and_the_client_asks_again() -> None:
    """Before, a receipt was refused as a repetition, although it had never been taken."""
    server, link = SimRedis(time.time), LosesAnAnswer()
    redis: Any = client(lambda: server, link)
    await redis.ping()
    link.loses = True
    async with locks.taken(redis, "a-nonce", 60_000) as first:
        assert first
        assert not link.loses
    async with locks.taken(redis, "a-nonce", 60_000) as first:
        assert not first


async def test_a_claim_is_the_operators_own_though_the_answer_is_lost_and_the_client_asks_again(
    settings: Settings,
) -> None:
    """Before, it was taken for another's: the case was in nobody's hands for 10 minutes, and offered to nobody."""
    server, link = SimRedis(time.time), LosesAnAnswer()
    redis: Any = client(lambda: server, link)
    await redis.ping()
    desk, case = CaseClaims(settings, CaseStore(redis), Mock(), Mock(), Clock(1.0, 0.0, NOON)), "raaaaaaaaaaaaaaaa-1"
    link.loses = True
    assert await desk.take(case, "li")
    assert not link.loses
    assert not await desk.take(case, "li")  # from another page
    assert not await desk.take(case, "wang")
    assert await desk.holder(case) == "li"
    assert [await desk.keep(case, name) for name in ("l", "li|", "lin", "li", "li")] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert await desk.take("raaaaaaaaaaaaaaaa-2", "li")
    await desk.release("raaaaaaaaaaaaaaaa-2", "l")
    assert await desk.holder("raaaaaaaaaaaaaaaa-2") == "li"
    await desk.release("raaaaaaaaaaaaaaaa-2", "li")
    assert await desk.holder("raaaaaaaaaaaaaaaa-2") is None


async def test_a_lock_is_held_though_the_answer_is_lost_and_the_client_asks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before, its holder waited 8 s for itself, and gave up; the lock then lasted 7 s more."""
    monkeypatch.setattr(locks, "WRITE_SECONDS", 1.0)
    server, link = SimRedis(time.time), LosesAnAnswer()
    redis: Any = client(lambda: server, link)
    await redis.ping()
    for waits in (False, True):
        if waits:
            await redis.set("a-lock", "another", px=100)
        link.loses = True
        async with locks.locked(redis, "a-lock"):
            assert not link.loses
            assert await redis.get("a-lock") != b"another"
        assert await redis.exists("a-lock") == 0


class HoldsUpAnAnswer:
    """A link on which the answer to the next request is held up, while later ones pass."""

    def __init__(self) -> None:
        self.holds_up, self.held_up = False, asyncio.Event()

    async def out(self) -> None:
        """Every request arrives."""

    async def back(self) -> None:
        if self.holds_up:
            self.holds_up = False
            self.held_up.set()
            await asyncio.sleep(60)


async def given_up(redis: Any, link: HoldsUpAnAnswer, work: Coroutine[Any, Any, object]) -> None:  # noqa: ANN401
    """Begin the work, and cancel it once Redis has carried out its first request and the answer is on its way."""
    await redis.ping()
    link.holds_up = True
    task = asyncio.create_task(work)
    await link.held_up.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_lock_whose_taking_was_cancelled_is_free_for_the_next() -> None:
    """Before, it lasted for 15 s, and who waited for it gave up after 8."""
    server, link = SimRedis(time.time), HoldsUpAnAnswer()
    redis: Any = client(lambda: server, link)

    async def work() -> None:
        async with locks.locked(redis, "a-lock"):
            pytest.fail("it was cancelled before")

    await given_up(redis, link, work())
    assert not await redis.exists("a-lock")


async def test_a_receipt_whose_taking_was_cancelled_is_no_repetition_when_it_is_sent_again() -> None:
    """Before, its nonce stayed, and it was refused although nobody had taken it."""
    server, link = SimRedis(time.time), HoldsUpAnAnswer()
    redis: Any = client(lambda: server, link)

    async def work() -> None:
        async with locks.taken(redis, "a-nonce", 60_000):
            pytest.fail("it was cancelled before")

    await given_up(redis, link, work())
    async with locks.taken(redis, "a-nonce", 60_000) as first:
        assert first


async def test_a_claim_that_was_cancelled_leaves_the_case_to_others(settings: Settings) -> None:
    """Before, it was in nobody's hands for 10 minutes, and offered to nobody."""
    server, link = SimRedis(time.time), HoldsUpAnAnswer()
    redis: Any = client(lambda: server, link)
    desk, case = CaseClaims(settings, CaseStore(redis), Mock(), Mock(), Clock(1.0, 0.0, NOON)), "raaaaaaaaaaaaaaaa-1"
    await given_up(redis, link, desk.take(case, "li"))
    assert await desk.take(case, "wang")


async def test_who_fails_after_the_lease_has_ended_leaves_that_of_another(settings: Settings) -> None:
    """Before, it was deleted, and a third one did the same work beside the second."""
    redis = connect(settings)

    async def work() -> None:
        async with locks.taken(redis, "a-late-turn", 60_000):
            await redis.set("a-late-turn", "another")
            raise RuntimeError("it fails")

    with pytest.raises(RuntimeError):
        await work()
    assert await redis.getdel("a-late-turn") == b"another"
    await redis.aclose()


async def test_who_waits_in_vain_is_told_who_holds_the_lock_and_who_is_too_slow_that_it_was_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = connect(settings)
    monkeypatch.setattr(locks, "WRITE_SECONDS", 0.1)
    await redis.set("a-named-lock", "an erasure, process 7 on a-machine|token")
    with pytest.raises(locks.LockBusyError, match="a-named-lock is held by an erasure, process 7 on a-machine"):
        async with locks.locked_by(redis, "a-named-lock", "a copy"):
            pytest.fail("another has it")
    await redis.delete("a-named-lock")
    monkeypatch.setattr(locks, "WRITE_SECONDS", 2.0)
    with pytest.raises(locks.LockBusyError, match=r"^a copy, process \d+ on .* did not end its work under the lock"):
        async with locks.locked_by(redis, "a-named-lock", "a copy"):
            await asyncio.sleep(60)
    assert await redis.exists("a-named-lock") == 0
    await redis.aclose()


async def test_who_waits_within_a_lock_for_another_names_the_other_ones_holder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = connect(settings)
    monkeypatch.setattr(locks, "WRITE_SECONDS", 1.0)

    async def within(inner: AbstractAsyncContextManager[None], before: float, after: float) -> None:
        async with locks.locked_by(redis, "an-outer-lock", "a copy"):
            await asyncio.sleep(before)  # so the outer lock's time ends first
            async with inner:
                pass
            await asyncio.sleep(after)

    await redis.set("an-inner-lock", "an erasure, process 7 on a-machine|token")
    named = "^a copy, process .* has the lock an-outer-lock and waits: the lock an-inner-lock is held by an erasure, "
    with pytest.raises(locks.LockBusyError, match=named):
        await within(locks.locked(redis, "an-inner-lock"), 0.3, 0)
    await redis.set("an-inner-lock", "0123456789abcdef")
    with pytest.raises(locks.LockBusyError, match="an-inner-lock is held by somebody whose work is not named"):
        await within(locks.locked_by(redis, "an-inner-lock", "its second step"), 0.3, 0)
    await redis.delete("an-inner-lock")
    with pytest.raises(locks.LockBusyError, match="did not end its work under the lock an-outer-lock"):
        await within(locks.locked(redis, "an-inner-lock"), 0, 60)
    await redis.aclose()


async def test_a_timeout_of_the_work_under_a_lock_is_not_called_a_busy_lock(settings: Settings) -> None:
    redis = connect(settings)
    with pytest.raises(TimeoutError, match="Kafka did not answer") as raised:
        async with locks.locked_by(redis, "an-outer-lock", "a copy"):
            raise TimeoutError("Kafka did not answer")
    assert type(raised.value) is TimeoutError
    inner = locks.LockBusyError("the lock another is held by an erasure")
    with pytest.raises(locks.LockBusyError, match="the lock another is held by an erasure"):
        async with locks.locked_by(redis, "an-outer-lock", "a copy"):
            raise inner
    await redis.aclose()


async def test_a_lease_is_taken_once_and_kept_by_its_token_alone(settings: Settings) -> None:
    redis = connect(settings)
    assert await locks.take(redis, "a-lease", 60_000, "mine")
    assert not await locks.take(redis, "a-lease", 60_000, "another")
    assert await locks.keep(redis, "a-lease", "mine", 60_000)
    assert not await locks.keep(redis, "a-lease", "another", 60_000)
    await redis.delete("a-lease")
    await redis.aclose()


async def test_a_lease_that_was_taken_while_the_clock_of_redis_was_ahead_lasts_no_longer_than_a_lease(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "WRITE_SECONDS", 0.1)
    redis = connect(settings)
    for name in ("early-lease", "early-lock"):
        await redis.set(name, "of a worker that died", px=3_600_000)
    assert not await locks.take(redis, "early-lease", 50)
    await asyncio.sleep(0.06)
    assert await locks.take(redis, "early-lease", 50)
    with pytest.raises(TimeoutError):
        async with locks.locked(redis, "early-lock"):
            pytest.fail("a lease has not passed yet")
    assert await redis.pttl("early-lock") <= locks.LEASE_SECONDS * 1000
    await redis.aclose()


async def test_what_is_done_once_may_be_tried_again_only_if_it_failed(settings: Settings) -> None:
    redis, free = connect(settings), []

    async def turn(fails: bool) -> None:
        async with locks.taken(redis, "a-turn", 60_000) as first:
            free.append(first)
            if fails:
                raise RuntimeError("it fails")

    with pytest.raises(RuntimeError):
        await turn(fails=True)
    await turn(fails=False)
    with pytest.raises(RuntimeError):
        await turn(fails=True)
    assert free == [True, True, False]
    assert await redis.exists("a-turn"), "it is still the first one's"
    await redis.delete("a-turn")
    await redis.aclose()


def test_set_nx_is_written_in_one_module() -> None:
    found = {
        str(file.relative_to(ROOT)): line.strip()
        for part in PRODUCT
        for file in sorted((ROOT / part).rglob("*.py"))
        for line in file.read_text("utf-8").splitlines()
        if SET_NX.search(line)
    }
    assert found.pop("streams/screening/positions.py") == LIFE
    assert list(found) == ["streams/state/locks.py"]
