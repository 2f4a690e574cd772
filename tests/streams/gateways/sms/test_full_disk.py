"""A journal whose disk refuses for a while: what was on the wire is noted later, and nobody ends."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

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
from streams.gateways.sms.pdu import ShortMessage
from streams.gateways.sms.sender import Sender
from tests.streams.gateways.sms.test_reports import NOW, carrier, reports, running, submitted, unresolved
from tests.streams.gateways.sms.wire import carrier_account

Found = TypeVar("Found")
LATER = NOW + 7200


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
    await journal.run(partial(steps.take, order=order, nonce="n", now=NOW))
    sender = Sender(file, journal, {"c0": link})
    sender.add(order)
    return sender


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
    async with running(sender.run()), asyncio.timeout(5):
        await until_state(journal, state)


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
        while await Journal.run(journal, partial(steps.untold, now=LATER, most=1, without=())):  # noqa: ASYNC110
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
