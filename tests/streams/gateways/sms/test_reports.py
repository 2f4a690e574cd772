"""Reports: questions about missing receipts, and results on their way to Quanzu."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.carriers.account import GatewayFile
from schemas.channels.receipts import SmsState
from streams.gateways import receipts
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms import reports as reporting
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.dialect import Unit
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.journal_steps import Outbound
from streams.gateways.sms.replies import Replies
from streams.gateways.sms.reports import Reports
from tests.streams.gateways.sms.wire import carrier_account

NOW = time.time() - 3600  # every question is due


class Silent(CarrierLink):
    """A carrier that never says what became of a message."""

    async def query(self, remote: str) -> int | None:
        await asyncio.Event().wait()
        return None


class Telling(CarrierLink):
    """A carrier that says at once that a message arrived."""

    async def query(self, remote: str) -> int | None:
        return 2


def carrier(kind: type[CarrierLink], name: str) -> CarrierLink:
    async def deliver(_unit: Unit) -> bool:
        return True

    return kind(carrier_account(name), "secret", None, deliver, lambda: None)


@contextlib.asynccontextmanager
async def reports(journal: Journal, folder: Path, peer: httpx.MockTransport | None = None) -> AsyncIterator[Reports]:
    account = carrier_account().model_dump(mode="json")
    made = {"data": str(folder), "key_file": "none", "receipts": "https://intake.example/receipts/sms"}
    file = GatewayFile.model_validate(made | {"carrier": [account]})
    async with httpx.AsyncClient(transport=peer or httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        replies = Replies(file, [b"k" * 32], journal, client)
        yield Reports(file, (b"k" * 32,), journal, client, asyncio.Event(), replies)


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def submitted(journal: Journal, message: str, carrier: str, now: float = NOW) -> None:
    """Note that a carrier has a message, whose receipt is missing."""
    order = Outbound(message, "+86100000001", 8, False, ((1, b"x"),), False, now + 600)
    await journal.run(partial(steps.take, order=order, now=now))
    await journal.run(partial(steps.intend, message=message, numbers=[1], carrier=carrier))
    note = partial(steps.sent, message=message, number=1, named=message, remote=message, now=now, ask_at=now + 300)
    await journal.run(note)


async def until_none(journal: Journal, found: Callable[[sqlite3.Connection], object]) -> None:
    """Wait until a question to the journal finds nothing more."""
    while True:
        if not await journal.run(found):
            return
        await asyncio.sleep(0.01)


def unresolved(db: sqlite3.Connection) -> list[str]:
    """Return the messages whose receipt is missing."""
    return [message for (message,) in db.execute("SELECT message FROM segments WHERE receipt IS NULL")]


async def test_a_carrier_that_does_not_answer_delays_no_question_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "LOOK_SECONDS", 0.01)
    journal = Journal(tmp_path)
    await submitted(journal, "d1", "silent")
    await submitted(journal, "d2", "telling", NOW + 1)
    carriers = {"silent": carrier(Silent, "silent"), "telling": carrier(Telling, "telling")}
    async with reports(journal, tmp_path) as made, running(made.ask(carriers)), asyncio.timeout(5):
        await until_none(journal, lambda db: "d2" in unresolved(db))
    assert await journal.run(unresolved) == ["d1"]
    await journal.close()


async def told(folder: Path, statuses: list[int]) -> list[int]:
    """Report a result to a server that answers with the statuses in turn, until the gateway has nothing to tell.
    Returns the statuses that were left.
    """

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(statuses.pop(0))

    journal = Journal(folder)
    await submitted(journal, "d1", "c0")
    note = partial(steps.receive, carrier="c0", remote="d1", state=SmsState.DELIVERED, word="DELIVRD", now=NOW)
    await journal.run(note)
    pending = partial(steps.unreported_results, now=time.time() + 3600, most=1, without=())
    async with reports(journal, folder, httpx.MockTransport(answer)) as made, running(made.run()), asyncio.timeout(5):
        await until_none(journal, pending)
    await journal.close()
    return statuses


@pytest.mark.parametrize(
    ("statuses", "left"),
    [([404, 403, 503, 200, 200], [200]), ([413, 200], []), ([400, 200], [200]), ([422, 200], [200])],
)
async def test_a_result_is_dropped_only_if_intake_itself_calls_it_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statuses: list[int], left: list[int]
) -> None:
    for each in ("LOOK_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(reporting, each, 0.01)
    monkeypatch.setattr(receipts, "DENIED_AGAIN_SECONDS", 0.01)
    assert await told(tmp_path, list(statuses)) == left


async def test_a_result_that_quanzu_does_not_answer_holds_up_no_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "LOOK_SECONDS", 0.01)
    came, journal = asyncio.Event(), Journal(tmp_path)

    async def answer(request: httpx.Request) -> httpx.Response:
        if b'"d1"' in request.content:
            came.set()
            await asyncio.Event().wait()
        return httpx.Response(200)

    async def receive(message: str) -> None:
        await submitted(journal, message, "c0")
        note = partial(steps.receive, carrier="c0", remote=message, state=SmsState.DELIVERED, word="DELIVRD", now=NOW)
        await journal.run(note)

    await receive("d1")
    pending = partial(steps.unreported_results, now=time.time(), most=1, without={"d1"})
    async with reports(journal, tmp_path, httpx.MockTransport(answer)) as made, running(made.run()), asyncio.timeout(5):
        await came.wait()
        await receive("d2")
        await until_none(journal, pending)
    await journal.close()


async def test_results_that_quanzu_never_took_are_told_of_when_they_are_dropped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path)
    for number in range(3):
        await submitted(journal, f"d{number}", "c0", NOW - 8 * 86_400)
    note = partial(steps.receive, carrier="c0", state=SmsState.DELIVERED, word="DELIVRD", now=NOW)
    for number in range(2):
        await journal.run(partial(note, remote=f"d{number}"))
    async with reports(journal, tmp_path) as made, running(made.ask({})), asyncio.timeout(5):
        await until_none(journal, partial(steps.states, message="d0"))
    await journal.close()
    assert [each.getMessage()[:10] for each in caplog.records if each.levelname == "ERROR"] == ["2 results "]
