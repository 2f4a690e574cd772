"""Replies of telephones: from a delivery to Quanzu, once and without a number; of a stranger's nothing is kept."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest

from domain.carriers.account import GatewayFile
from domain.carriers.replies import LONGEST_REPLY, ReplyPart, TelephoneMessage
from streams.gateways import receipts
from streams.gateways.sms import journal_replies as steps
from streams.gateways.sms import replies as passing
from streams.gateways.sms.journal import FILE, Journal
from streams.gateways.sms.journal_replies import ReplyDelivery, ReplyTaking, telephone_hash
from streams.gateways.sms.replies import Replies
from tests.streams.gateways.sms.wire import carrier_account

NOW, KEY, FORMER, DAY = 1000.0, b"k" * 32, b"f" * 32, 86_400.0
PHONE, DISPATCH = "+86100000001", "d1:1:sms"


@pytest.fixture
def db() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.executescript(steps.SCHEMA)
    steps.note_written_to(made, "phone", DISPATCH, NOW)
    return made


def take(
    db: sqlite3.Connection,
    text: str,
    part: ReplyPart | None = None,
    now: float = NOW,
    seen: str = "",
    phone: str = "phone",
) -> ReplyTaking:
    given = ReplyDelivery((phone,), seen or f"{text} {part}", "joint", text, part)
    return steps.receive_reply(db, given, now, 600)


def due(db: sqlite3.Connection, now: float = NOW) -> list[tuple[str, str]]:
    return [(each.dispatch, each.text) for each in steps.due_replies(db, now, 100)]


def test_a_reply_names_the_latest_dispatch_that_went_to_its_telephone(db: sqlite3.Connection) -> None:
    steps.note_written_to(db, "phone", "d2:1:sms", NOW + 1)
    assert take(db, "好的") is ReplyTaking.STORED
    assert due(db) == [("d2:1:sms", "好的")]


def test_of_a_telephone_that_was_not_written_to_nothing_is_kept(db: sqlite3.Connection) -> None:
    assert take(db, "hello", phone="another") is ReplyTaking.UNKNOWN
    assert due(db) == []
    assert db.execute("SELECT count(*) FROM reply_parts").fetchone() == (0,)


def test_a_delivery_that_comes_again_counts_once_within_its_time(db: sqlite3.Connection) -> None:
    answers = [take(db, "TD", now=NOW + after) for after in (0, 600, 601)]
    assert answers == [ReplyTaking.STORED, ReplyTaking.REPEATED, ReplyTaking.STORED]
    assert len(due(db, NOW + 601)) == 2


def test_the_parts_of_a_long_reply_are_joined_in_any_order(db: sqlite3.Connection) -> None:
    for number, text in ((3, "c"), (1, "a"), (1, "a"), (2, "b")):
        assert due(db) == []
        take(db, text, ReplyPart(7, 3, number))
    assert due(db) == [(DISPATCH, "abc")]
    assert db.execute("SELECT count(*) FROM reply_parts WHERE text IS NOT NULL").fetchone() == (0,)


def test_a_part_that_never_comes_is_marked_after_two_minutes(db: sqlite3.Connection) -> None:
    take(db, "c", ReplyPart(7, 3, 3))
    take(db, "a", ReplyPart(7, 3, 1), now=NOW + 100)
    assert steps.join_late(db, NOW + steps.JOIN_SECONDS) == 0
    assert steps.join_late(db, NOW + steps.JOIN_SECONDS + 1) == 1
    assert due(db, NOW + 200) == [(DISPATCH, "a…c")]


def test_a_flood_does_not_fill_the_disk(db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_KEPT", 3)
    found = [take(db, f"{number}") for number in range(5)]
    assert found == [*[ReplyTaking.STORED] * 3, *[ReplyTaking.FULL] * 2]


def test_no_telephone_keeps_out_the_replies_of_others(db: sqlite3.Connection) -> None:
    steps.note_written_to(db, "another", "d2:1:sms", NOW)
    found = [take(db, f"{number}") for number in range(steps.MOST_OF_ONE)]
    found += [take(db, "a", ReplyPart(7, 2, 1)), take(db, "救命", phone="another")]
    assert found == [*[ReplyTaking.STORED] * steps.MOST_OF_ONE, ReplyTaking.DROPPED, ReplyTaking.STORED]


def test_the_parts_of_one_telephone_that_wait_are_limited_and_cut(db: sqlite3.Connection) -> None:
    for number in range(2 * steps.MOST_OF_ONE):
        take(db, f"{number}" + "x" * 70_000, ReplyPart(number, 2, 1))
    kept = db.execute("SELECT count(*), max(length(text)) FROM reply_parts").fetchone()
    assert kept == (steps.MOST_OF_ONE, LONGEST_REPLY)


def test_of_deliveries_that_were_taken_the_latest_are_recognised(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST_SEEN", 3)
    for number in range(5):
        take(db, f"{number}", now=NOW + number)
        steps.passed_on(db, db.execute("SELECT id FROM replies").fetchone()[0])
    assert db.execute("SELECT count(*) FROM reply_parts").fetchone() == (3,)
    assert [take(db, f"{number}", now=NOW + 9) for number in (4, 0)] == [ReplyTaking.REPEATED, ReplyTaking.STORED]


async def test_a_reply_for_which_there_is_no_room_has_to_be_delivered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST_KEPT", 0)
    async with asyncio.timeout(20), passing_on(tmp_path, []) as (replies, _told, journal):
        await journal.run(lambda db: steps.note_written_to(db, telephone_hash(KEY, PHONE), DISPATCH, 1e11))
        assert not await replies.take(carrier_account(), TelephoneMessage("A1", PHONE, "10690000", "TD"))


def test_what_is_old_is_forgotten_and_what_was_never_taken_is_counted(db: sqlite3.Connection) -> None:
    take(db, "x")
    assert steps.forget_replies(db, NOW + 1) == 1
    assert take(db, "y", now=NOW + 2) is ReplyTaking.UNKNOWN
    left = "SELECT seen FROM reply_parts UNION SELECT id FROM replies UNION SELECT phone FROM written_to"
    assert db.execute(left).fetchall() == []


@contextlib.asynccontextmanager
async def passing_on(folder: Path, statuses: list[int]) -> AsyncIterator[tuple[Replies, list[dict[str, str]], Journal]]:
    """Run it against a server that answers with the statuses in turn, then with 200."""
    told: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/receipts/sms/replies"
        told.append(orjson.loads(request.content))
        return httpx.Response(statuses.pop(0) if statuses else 200)

    made = {"data": str(folder), "key_file": "none", "receipts": "https://intake.example/receipts/sms"}
    file = GatewayFile.model_validate(made | {"carrier": [carrier_account().model_dump(mode="json")]})
    journal = Journal(folder)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        replies = Replies(file, [KEY, FORMER], journal, client)
        running = asyncio.create_task(replies.run())
        try:
            yield replies, told, journal
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await journal.close()


async def until_none_waits(journal: Journal) -> None:
    while True:
        if not await journal.run(lambda db: steps.due_replies(db, 1e12, 1)):
            return
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("statuses", "tried"), [([], 1), ([503, 500], 3), ([404], 2), ([400], 1), ([422], 1)], ids=str)
async def test_a_reply_is_passed_on_until_quanzu_takes_it_or_calls_it_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statuses: list[int], tried: int
) -> None:
    for each in ("LOOK_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(passing, each, 0.01)
    monkeypatch.setattr(receipts, "DENIED_AGAIN_SECONDS", 0.01)
    async with asyncio.timeout(20), passing_on(tmp_path, statuses) as (replies, told, journal):
        written = telephone_hash(FORMER, PHONE)  # the key has changed since
        await journal.run(lambda db: steps.note_written_to(db, written, DISPATCH, 1e11))
        assert await replies.take(carrier_account(), TelephoneMessage("A1", "100000001", "10690000", "TD"))
        assert await replies.take(carrier_account(), TelephoneMessage("A1", "100000001", "10690000", "TD"))
        await until_none_waits(journal)
        assert [(each["dispatch"], each["text"]) for each in told] == [(DISPATCH, "TD")] * tried
        assert len({each["id"] for each in told}) == 1
        assert all("phone" not in each for each in told)


async def test_a_reply_that_is_answered_404_waits_a_minute(tmp_path: Path) -> None:
    async with asyncio.timeout(20), passing_on(tmp_path, [404]) as (replies, told, journal):
        await journal.run(lambda db: steps.note_written_to(db, telephone_hash(KEY, PHONE), DISPATCH, 1e11))
        began = time.time()
        assert await replies.take(carrier_account(), TelephoneMessage("A1", PHONE, "10690000", "TD"))
        while not told or await journal.run(lambda db: bool(steps.due_replies(db, began + 55, 1))):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert await journal.run(lambda db: len(steps.due_replies(db, time.time() + 61, 1))) == 1


async def test_neither_the_number_nor_a_passed_on_text_is_on_the_disk_or_in_a_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(20), passing_on(tmp_path, []) as (replies, told, journal):
        await journal.run(lambda db: steps.note_written_to(db, telephone_hash(KEY, PHONE), DISPATCH, 1e11))
        await replies.take(carrier_account(), TelephoneMessage(None, PHONE, "10690000", "my card is lost"))
        await until_none_waits(journal)
        assert len(told) == 1
    raw = (tmp_path / FILE).read_bytes()
    assert b"100000001" not in raw
    assert b"my card" not in raw
    assert "my card" not in caplog.text
    assert "100000001" not in caplog.text
