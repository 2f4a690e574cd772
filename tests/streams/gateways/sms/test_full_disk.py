"""A journal whose disk refuses for a while: what was on the wire is noted later, and nobody ends."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from prometheus_client import REGISTRY

from domain.carriers.account import GatewayFile
from domain.carriers.outcome import SegmentState, SubmitAnswer
from domain.carriers.routing import Reachable
from schemas.channels.receipts import SmsState
from streams.gateways.sms import journal as journals
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms import reports as reporting
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.connection import LostError, NotWrittenError
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.journal_replies import telephone_hash
from streams.gateways.sms.pdu import Command, Pdu, ShortMessage
from streams.gateways.sms.sender import Sender
from tests.streams.gateways.sms.test_reports import NOW, carrier, reports, running, submitted, unresolved
from tests.streams.gateways.sms.wire import carrier_account, delivery

Found = TypeVar("Found")
LATER, KEY = NOW + 7200, b"k" * 32


class FullDisk(Journal):
    """A journal that refuses the next `refusals` changes."""

    refusals = 0

    async def run(self, change: Callable[[sqlite3.Connection], Found]) -> Found:
        if self.refusals:
            self.refusals -= 1
            await asyncio.sleep(0)
            raise sqlite3.OperationalError("database or disk is full")
        return await super().run(change)


@pytest.fixture
async def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FullDisk]:
    monkeypatch.setattr(journals, "DISK_SECONDS", 0.01, raising=False)
    monkeypatch.setattr(reporting, "LOOK_SECONDS", 0.01)
    made = FullDisk(tmp_path / "journal")
    yield made
    await made.close()


class Filling(CarrierLink):
    """A carrier that meets each segment with the next of `fates`, and whose answer the disk refuses to note, twice."""

    disk: FullDisk
    fates: list[SubmitAnswer | Exception]

    def reachable(self) -> Reachable:
        return Reachable(self.account, bound=True, slow=False, free=True, trial_due=True)

    async def submit(self, message: ShortMessage) -> tuple[SubmitAnswer, str]:
        self.disk.refusals = 2
        fate = self.fates.pop(0)
        if isinstance(fate, Exception):
            raise fate
        return fate, "A1"


async def until_state(journal: FullDisk, state: SegmentState) -> None:
    while True:
        with contextlib.suppress(sqlite3.Error):
            if await Journal.run(journal, partial(steps.states, message="d1")) == [state]:
                return
        await asyncio.sleep(0.01)


async def sending(journal: FullDisk, folder: Path, fates: list[SubmitAnswer | Exception], expires: float) -> Sender:
    """Return a sender with one waiting message and one carrier."""
    link = carrier(Filling, "c0")
    assert isinstance(link, Filling)
    link.disk, link.fates = journal, fates
    made = {"data": str(folder), "key_file": "none", "receipts": "https://intake.example/receipts/sms"}
    file = GatewayFile.model_validate(made | {"carrier": [carrier_account().model_dump(mode="json")]})
    order = steps.Outbound("d1", "+86100000001", 8, False, ((1, b"x"),), False, expires)
    await journal.run(partial(steps.take, order=order, now=NOW))
    sender = Sender(file, journal, {"c0": link}, KEY)
    sender.add(order)
    return sender


def written_to(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return db.execute("SELECT phone, dispatch FROM written_to").fetchall()


@pytest.mark.parametrize(
    ("fates", "state"),
    [
        ([SubmitAnswer.LATER, SubmitAnswer.TAKEN], SegmentState.SENT),
        ([NotWrittenError(), SubmitAnswer.TAKEN], SegmentState.SENT),
        ([SubmitAnswer.REFUSED], SegmentState.REFUSED),
        ([LostError()], SegmentState.DOUBT),
    ],
)
async def test_what_a_carrier_answered_is_noted_once_the_disk_takes_it(
    journal: FullDisk, tmp_path: Path, fates: list[SubmitAnswer | Exception], state: SegmentState
) -> None:
    sender = await sending(journal, tmp_path, list(fates), LATER)
    assert await journal.run(written_to) == []  # a reply to a message that still waits is to an earlier one
    async with running(sender.run()), asyncio.timeout(5):
        await until_state(journal, state)
    assert await Journal.run(journal, written_to) == [(telephone_hash(KEY, "+86100000001"), "d1")]


async def test_a_message_that_expires_while_the_disk_refuses_is_reported(journal: FullDisk, tmp_path: Path) -> None:
    sender = await sending(journal, tmp_path, [], NOW)
    journal.refusals = 2
    async with running(sender.run()), asyncio.timeout(5):
        await until_state(journal, SegmentState.EXPIRED)


async def test_a_result_is_reported_once_and_the_reports_go_on(journal: FullDisk, tmp_path: Path) -> None:
    await submitted(journal, "d1", "c0")
    await journal.run(
        partial(steps.receive, carrier="c0", remote="d1", state=SmsState.DELIVERED, word="DELIVRD", now=NOW)
    )
    journal.refusals = 3
    async with reports(journal, tmp_path) as made, running(made.run()), asyncio.timeout(5):
        while await Journal.run(journal, partial(steps.unreported_results, now=LATER, most=1, without=())):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_questions_go_on_after_a_refusal_of_the_disk(journal: FullDisk, tmp_path: Path) -> None:
    await submitted(journal, "d1", "telling")

    class Refusing(CarrierLink):
        async def query(self, remote: str) -> int | None:
            journal.refusals = 2
            return 2

    journal.refusals = 2
    async with (
        reports(journal, tmp_path) as made,
        running(made.ask({"telling": carrier(Refusing, "telling")})),
        asyncio.timeout(5),
    ):
        while await Journal.run(journal, unresolved):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_flood_of_faulty_deliveries_is_counted_and_logged_once_in_a_while(
    journal: FullDisk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def counted() -> list[float]:
        name = "quanzu_sms_delivery_faults_total"
        faults = ("unreadable", "nameless", "not_stored")
        return [REGISTRY.get_sample_value(name, {"carrier": "c0", "fault": each}) or 0 for each in faults]

    before, account, link = counted(), carrier_account(), carrier(CarrierLink, "c0")
    receipt, unnamed = delivery(b"id:1 stat:DELIVRD"), delivery(b"stat:DELIVRD")
    receipt, unnamed = (
        Pdu(each.command, 1, body=each.body.replace(b"10690000\0\0", b"10690000\0\4")) for each in (receipt, unnamed)
    )
    journal.refusals = 1_000
    async with reports(journal, tmp_path) as made:
        for _ in range(5):
            assert await made.deliver(account, link, Pdu(Command.DELIVER_SM, 1, body=b"\0"))
            assert await made.deliver(account, link, unnamed)
            assert not await made.deliver(account, link, receipt)
            assert not await made.deliver(account, link, delivery())
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [5, 5, 10]
    assert len(caplog.records) == 4
    journal.refusals = 0
