"""The journal's steps when a carrier gives an id again: a receipt counts for the latest message only."""

import sqlite3

import pytest

from schemas.channels.receipts import SmsState
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.journal_steps import Outbound

NOW, DAY = 1000.0, 86_400.0


@pytest.fixture
def db() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.executescript(steps.SCHEMA)
    return made


def sent(db: sqlite3.Connection, message: str, now: float, remote: str = "42") -> bool:
    """Send a message, to which the carrier gives the id."""
    order = Outbound(message, "+86100000001", 8, False, ((1, b"x"),), False, now + 600)
    steps.take(db, order, now)
    steps.intend(db, message, [1], "c0")
    return steps.sent(db, message, 1, remote, remote, now, now + 300)


def receipt(db: sqlite3.Connection, now: float, remote: str = "42", state: SmsState = SmsState.DELIVERED) -> bool:
    return steps.receive(db, "c0", remote, state, "DELIVRD", now)


def results(db: sqlite3.Connection) -> dict[str, str | None]:
    return dict(db.execute("SELECT id, result FROM messages"))


def early(db: sqlite3.Connection) -> list[str]:
    return [remote for (remote,) in db.execute("SELECT remote FROM early ORDER BY at")]


def test_a_receipt_counts_for_the_latest_message_with_its_id(db: sqlite3.Connection) -> None:
    sent(db, "b", NOW)
    sent(db, "a", NOW + DAY)
    assert receipt(db, NOW + DAY + 1)
    assert results(db) == {"a": "delivered", "b": None}


def test_a_carrier_is_not_asked_about_a_message_whose_id_it_gave_again(db: sqlite3.Connection) -> None:
    sent(db, "a", NOW)
    sent(db, "b", NOW + DAY)
    asked = steps.questions(db, "c0", NOW + 2 * DAY, again=600, most=10)
    assert [each.message for each in asked] == ["b"]


@pytest.mark.parametrize(("after", "counts"), [(0, True), (120, True), (121, False), (DAY, False)])
def test_a_receipt_before_the_answer_counts_for_two_minutes(db: sqlite3.Connection, after: float, counts: bool) -> None:
    receipt(db, NOW)
    assert sent(db, "a", NOW + after) is counts
    assert results(db) == {"a": "delivered" if counts else None}
    assert early(db) == []


def test_receipts_that_nobody_waits_for_are_forgotten(db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_EARLY", 3, raising=False)
    for number in range(5):
        receipt(db, NOW + number, str(number))
    assert early(db) == ["2", "3", "4"]
    receipt(db, NOW + 123, "5")
    assert early(db) == ["3", "4", "5"]
    steps.forget_early(db, NOW + 124)
    assert early(db) == ["4", "5"]
    steps.forget_early(db, NOW + 1000)
    assert early(db) == []
