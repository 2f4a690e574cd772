"""Violations of the laws of compacted topics, and of answers to what was not sent."""

from dataclasses import replace

import pytest

import domain.casework.results
from schemas.casework.inputs import ContactResult
from schemas.levels import Action, Level, Result
from schemas.risk.evidence import Evidence, EvidenceKind, WatchEntry, WatchStatus
from tests.simulation.laws import handmade
from tests.simulation.laws.altered import appended, with_log, words
from tests.simulation.laws.handmade import BEGAN, IN_DANGER
from tests.simulation.laws.observed import Change, LogRecord, Observed, Trouble

REPORTED = WatchEntry(subject="account:a1", standing=WatchStatus.REPORTED, at=handmade.moment(5), uid="police:1")
CONFIRMED = WatchEntry(subject="account:a1", standing=WatchStatus.CONFIRMED, at=handmade.moment(3), uid="police:2")
GIVEN_UP = Change("places", "p", "p, change 1", "office-1", BEGAN + 1).told(BEGAN + 3, done=False)
MADE = Change("places", "p", "p, change 2", "office-2", BEGAN + 4).told(BEGAN + 5, done=True)


def written(change: Change, offset: int, seconds: float) -> LogRecord:
    return LogRecord(offset, BEGAN + seconds, change.name.encode(), f'{{"name":"{change.text}"}}'.encode())


def changed(good: Observed, *records: LogRecord) -> Observed:
    logs = {**good.logs, "places": {0: records}}
    tables = {"places": {"p": records[-1].value or b""}}
    return replace(good, logs=logs, changes=(GIVEN_UP, MADE), tables=tables)


def test_an_older_state_that_was_written_last_breaks_newest_is_last(good: Observed) -> None:
    law = "newest_is_last"
    assert not words(appended(good, "watchlist", 0, REPORTED, CONFIRMED), law)
    assert "offset 1 (0.000 s) is the last, and that at 0" in words(
        appended(good, "watchlist", 0, CONFIRMED, REPORTED), law
    )


def test_a_late_record_that_stays_breaks_acknowledged_changes_stay(good: Observed) -> None:
    law, made = "acknowledged_changes_stay", written(MADE, 0, 4.9)
    late = changed(good, made, written(GIVEN_UP, 1, 6))
    assert "which office-1 had given up at 3.000 s" in words(late, law)
    assert not words(changed(good, made, written(GIVEN_UP, 1, 6), written(MADE, 2, 7)), law)
    assert "Redis has nothing" in words(replace(changed(good, made), tables={}), law)


@pytest.mark.parametrize(("died", "excused"), [(6.5, True), (8.0, False), (5.0, False)])
def test_only_a_process_that_dies_at_once_may_leave_its_late_record(
    good: Observed, died: float, *, excused: bool
) -> None:
    late = changed(good, written(MADE, 0, 4.9), written(GIVEN_UP, 1, 6))
    killed = replace(late, troubles=[*late.troubles, Trouble("office-1", BEGAN + died, BEGAN + died)])
    assert bool(words(killed, "acknowledged_changes_stay")) is not excused


@pytest.mark.parametrize(
    ("lost", "restored", "excused"),
    [
        *((3.0, 5.5, True), (6.5, 9.5, True), (1.0, 4.5, False), (8.0, 11.0, False)),
        *((1.0, 6.5, True), (1.0, 5.5, False)),  # the worker that restored it was cut off
    ],
)
def test_a_late_record_may_stay_if_redis_is_restored_from_it(
    good: Observed, lost: float, restored: float, *, excused: bool
) -> None:
    late = changed(good, written(MADE, 0, 4.9), written(GIVEN_UP, 1, 6))
    troubles = [*late.troubles, Trouble("redis", BEGAN + lost, BEGAN + lost)]
    replaced = replace(late, troubles=troubles, restored_at=[BEGAN + restored])
    assert bool(words(replaced, "acknowledged_changes_stay")) is not excused


PAID = Evidence(
    id="t1~suspect_payee",
    kind=EvidenceKind.SUSPECT_PAYEE,
    at=handmade.moment(1),
    partition=0,
    offset=1,
    watch_at=handmade.moment(1),
)
LIFTED = PAID.model_copy(update={"watch_at": handmade.moment(2), "withdrawn": True})


@pytest.mark.parametrize(
    ("troubles", "excused"),
    [
        ([("w1", 2.0, 5.9), ("w1", 6.5, 6.5)], True),
        ([("w1", 2.0, 5.9), ("w1", 7.5, 7.5)], False),  # it had a second to look what is newer
        ([("w1", 2.0, 5.9), ("w1", 6.2, 9.0), ("w1", 9.5, 9.5)], True),  # it was cut off before
        ([("w1", 2.0, 5.9), ("redis", 6.5, 6.5), ("w1", 9.5, 9.5)], True),  # whom could it have asked?
        ([("w1", 2.0, 5.9), ("redis", 6.5, 6.5), ("w1", 12.5, 12.5)], False),
        ([("w1", 2.0, 5.9)], False),  # nobody killed it
        ([("w1", 6.5, 6.5)], False),  # it did not stand still
        ([("w1", 2.0, 3.0), ("w1", 6.5, 6.5)], False),  # it stood still long before, and could look
        ([("w1", 2.0, 5.9), ("w2", 6.5, 6.5)], False),
    ],
)
def test_only_a_worker_that_stood_still_and_is_killed_at_once_may_leave_older_evidence(
    good: Observed, troubles: list[tuple[str, float, float]], *, excused: bool
) -> None:
    records = [
        LogRecord(number, BEGAN + at, f"{IN_DANGER}-t1".encode(), piece.model_dump_json().encode(), by)
        for number, (at, by, piece) in enumerate([(4.0, "w2", LIFTED), (6.0, "w1", PAID)])
    ]
    struck = [Trouble(who, BEGAN + began, BEGAN + ended) for who, began, ended in troubles]
    left = with_log(replace(good, troubles=struck, restored_at=[BEGAN + 10]), "evidence", 0, lambda _: records)
    assert bool(words(left, "newest_is_last")) is not excused


def test_a_receipt_that_is_booked_for_an_unsent_call_breaks_answers_only_what_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    law, dispatch = "answers_only_what_was_sent", f"{IN_DANGER}-1:red.call:1:phone"
    told = {"resident": IN_DANGER, "case": f"{IN_DANGER}-1", "dispatch": dispatch, "step": "red.call", "attempt": 1}
    receipt = ContactResult(
        id=f"{dispatch}:busy", at=handmade.moment(3), **told, action=Action.ROBOT_CALL, result=Result.BUSY
    )
    inputs = {0: [(2, handmade.alert(IN_DANGER, Level.RED, 2)), (3, receipt)], 1: []}
    assert not words(handmade.observed(inputs), law)
    monkeypatch.setattr(domain.casework.results, "_went_out", lambda *_: True)
    assert "which was not sent before, and changes results" in words(handmade.observed(inputs), law)
