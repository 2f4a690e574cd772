"""Reports: questions about missing receipts, and results on their way to Quanzu."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import httpx
import pytest

from domain.carriers.account import GatewayFile
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms import reports as reporting
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.journal_steps import Outbound
from streams.gateways.sms.pdu import Pdu
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
    async def deliver(_pdu: Pdu) -> int:
        return 0

    return kind(carrier_account(name), "secret", None, deliver, lambda: None)


@contextlib.asynccontextmanager
async def reports(journal: Journal, folder: Path, quanzu: httpx.MockTransport | None = None) -> AsyncIterator[Reports]:
    account = carrier_account().model_dump(mode="json")
    made = {"data": str(folder), "key_file": "none", "receipts": "https://intake.example/receipts/sms"}
    file = GatewayFile.model_validate(made | {"carrier": [account]})
    async with httpx.AsyncClient(transport=quanzu or httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        yield Reports(file, b"k" * 32, journal, client, asyncio.Event())


@contextlib.asynccontextmanager
async def asking(made: Reports, carriers: Mapping[str, CarrierLink]) -> AsyncIterator[None]:
    task = asyncio.create_task(made.ask(carriers))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def submitted(journal: Journal, message: str, carrier: str, now: float = NOW) -> None:
    """Note that a carrier has a message, whose receipt is missing."""
    order = Outbound(message, "+86100000001", 8, False, ((1, b"x"),), False, now + 600)
    await journal.run(partial(steps.take, order=order, nonce=message, now=now))
    await journal.run(partial(steps.intend, message=message, numbers=[1], carrier=carrier))
    note = partial(steps.sent, message=message, number=1, named=message, remote=message, now=now, ask_at=now + 300)
    await journal.run(note)


async def until_result(journal: Journal, message: str) -> str:
    while True:
        found = await journal.run(
            lambda db: db.execute("SELECT result FROM messages WHERE id = ?", (message,)).fetchone()
        )
        if found[0]:
            return str(found[0])
        await asyncio.sleep(0.01)


async def test_a_carrier_that_does_not_answer_delays_no_question_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "LOOK_SECONDS", 0.01)
    journal = Journal(tmp_path)
    await submitted(journal, "d1", "silent")
    await submitted(journal, "d2", "telling", NOW + 1)
    carriers = {"silent": carrier(Silent, "silent"), "telling": carrier(Telling, "telling")}
    async with reports(journal, tmp_path) as made, asking(made, carriers), asyncio.timeout(5):
        assert await until_result(journal, "d2") == "delivered"
    await journal.close()
