"""What is lost is told: signals, alerts, decisions, dispatches, contacts; and what does not add up."""

from dataclasses import replace

import orjson
import pytest

from schemas.levels import Level
from tests.simulation.laws import handmade
from tests.simulation.laws.altered import CALL, SMS, VISIT, appended, events, with_log, with_store, without, words
from tests.simulation.laws.handmade import BEGAN, CAREFUL, IN_DANGER
from tests.simulation.laws.observed import AcceptedSignal, LogRecord, Observed


def test_a_signal_that_is_not_where_it_was_acknowledged_is_lost(good: Observed) -> None:
    lost = AcceptedSignal("bank", "bank:t2", "signals", 1, 1, 0, BEGAN)
    told = words(replace(good, accepted=[*good.accepted, lost]), "nothing_lost")
    assert "signal bank:t2 of bank, accepted at 0.000 s, is not at signals/1/1/0" in told


def test_a_danger_that_casework_was_never_told_of_is_lost() -> None:
    inputs = handmade.usual()
    inputs[0] = [(2, handmade.alert(IN_DANGER, Level.YELLOW, 2)), *inputs[0][1:]]
    told = words(handmade.observed(inputs), "nothing_lost")
    assert f"resident {IN_DANGER}: the signals carrier:c1, bank:t1 together make red" in told
    assert "1 alerts of lower levels" in told


def test_a_report_that_is_not_passed_on_is_lost(good: Observed) -> None:
    passed_on = good.records("case-inputs", 0)[-1].value or b""
    same = appended(good, "outside-inputs", 0, passed_on)
    assert not words(same, "nothing_lost")
    lost = appended(same, "outside-inputs", 0, b'{"id": "receipt-9"}')
    assert words(lost, "nothing_lost") == "report receipt-9 (outside-inputs/0/1) is not on case-inputs"


def test_a_danger_without_any_alert_is_lost() -> None:
    inputs = handmade.usual()
    inputs[1] = []
    assert "make yellow, but case-inputs has no alert of it" in words(handmade.observed(inputs), "nothing_lost")


def test_an_alert_without_a_case_is_lost(good: Observed) -> None:
    told = words(with_store(good, 1, cases={}), "nothing_lost")
    assert f"alert a:{CAREFUL}:1 (case-inputs/1/0, at 3.000 s) has no case" in told


def test_an_input_without_its_event_is_lost(good: Observed) -> None:
    third = events(good, f"{IN_DANGER}-1")[2]
    told = words(without(good, "case-events", 0, f'"{third.id}"'), "nothing_lost")
    assert f"makes version 3 of case {IN_DANGER}-1, and the journal has no event of it" in told


def test_a_decision_whose_dispatch_was_never_published_is_lost(good: Observed) -> None:
    told = words(without(good, "dispatches.red", 0, f'"{CALL}"'), "nothing_lost")
    assert f"dispatch {CALL} of case {IN_DANGER}-1 (decided in version" in told
    assert "is not on dispatches.red: no channel knows of it" in told


def test_a_dispatch_in_another_partition_is_told(good: Observed) -> None:
    record = next(r for r in good.records("dispatches.red", 0) if f'"{SMS}"'.encode() in (r.value or b""))
    moved = appended(without(good, "dispatches.red", 0, f'"{SMS}"'), "dispatches.red", 1, record.value or b"")
    assert "belongs on dispatches.red/0, but is at dispatches.red/1/0" in words(moved, "nothing_lost")


def test_a_dispatch_that_no_channel_has_reported_is_lost(good: Observed) -> None:
    inputs = [(r.at - BEGAN, r.value or b"") for r in good.records("case-inputs", 0)]
    silent = [(at, value) for at, value in inputs if f'"{VISIT}"'.encode() not in value and b"red.visit" not in value]
    never = with_log(
        good, "case-inputs", 0, lambda _: [LogRecord(n, BEGAN + at, None, v) for n, (at, v) in enumerate(silent)]
    )
    told = words(never, "nothing_lost")
    assert f"dispatch {VISIT}" in told
    assert "no channel has reported it, though its provider was asked to send it" in told


def test_a_dispatch_reported_as_sent_that_no_provider_has_is_lost(good: Observed) -> None:
    contacts = [each for each in good.contacts if each.dispatch != SMS]
    told = words(replace(good, contacts=contacts), "nothing_lost")
    assert f"dispatch {SMS}" in told
    assert "was reported as sent, and no provider has carried it out" in told


def test_a_record_that_nobody_can_read_lies_among_the_dead_letters(good: Observed) -> None:
    silent = with_log(good, "dead-letters", 0, lambda _: [])
    assert "was refused, and is not among the dead letters" in words(silent, "nothing_lost")


def test_a_valid_input_among_the_dead_letters_is_lost(good: Observed) -> None:
    letter = orjson.loads(good.records("dead-letters", 0)[0].value or b"{}")
    wrong = orjson.dumps(letter | {"id": "case-inputs/1/0", "where": letter["where"] | {"partition": 1, "offset": 0}})
    told = words(appended(good, "dead-letters", 0, wrong), "nothing_lost")
    assert "case-inputs/1/0 lies among the dead letters, though nothing is wrong with it" in told


@pytest.mark.parametrize("tally", [{}, {"web|raised": 2}, {"web|raised": 1, "web|duplicate": 1}])
def test_signals_and_outcomes_that_do_not_add_up_are_told(good: Observed, tally: dict[str, int]) -> None:
    told = words(with_store(good, 1, tally=tally), "conservation")
    assert told == f"source web: 1 signals are on the lanes, and {sum(tally.values())} have an outcome"


def test_what_is_refused_is_counted_as_dead_lettered(good: Observed) -> None:
    poisoned = appended(good, "signals", 1, b"\x00poison")
    assert "source unknown: 1 signals are on the lanes, and 0 have an outcome" in words(poisoned, "conservation")
    counted = with_store(poisoned, 1, tally={"web|raised": 1, "unknown|dead_lettered": 1})
    assert words(counted, "conservation") == ""


def test_a_store_built_anew_knows_nothing_of_signals_that_are_no_longer_kept(good: Observed) -> None:
    gone = replace(with_store(good, 1, tally={}), begins={"signals": {1: 1}})
    assert words(gone, "conservation") != ""
    assert words(replace(gone, lost_at=[BEGAN]), "conservation") == ""
