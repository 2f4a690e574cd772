"""A store that is not what the inputs give is told, and so is all that stands still."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.casework.cases import Case
from schemas.risk.evidence import PriorLoss
from tests.simulation.laws.altered import events, laws_broken, less, with_log, with_store, words
from tests.simulation.laws.handmade import BEGAN, CAREFUL, ENDED, IN_DANGER, NOON
from tests.simulation.laws.observed import LogRecord, Observed, Store


def other_version(store: Store, name: str) -> dict[str, str]:
    case = Case.model_validate_json(store.cases[name])
    return {**store.cases, name: case.model_copy(update={"version": case.version - 1}).model_dump_json()}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda store: {"cases": other_version(store, IN_DANGER)}, f"case of {IN_DANGER} differs in version"),
        (lambda store: {"cases": {}}, f"case of {IN_DANGER} is not stored"),
        (
            lambda store: {"earlier": {"x": store.cases[IN_DANGER]}},
            "earlier case x is stored, and no input",
        ),
        (lambda store: {"applied": {}}, f"a:{IN_DANGER}:1 is not known as applied"),
        (lambda store: {"applied": {**store.applied, "x": 1.0}}, "x is known as applied, and should not be"),
        (lambda store: {"deadlines": {}}, f"deadline of {IN_DANGER}-1|red.call: the inputs give 17"),
        (lambda store: {"queue": {"x": 1.0}}, "place in the queue of x: the inputs give nothing"),
        (lambda store: {"held": {IN_DANGER}}, f"{IN_DANGER} is known as held, and should not be"),
        (lambda store: {"awaited": {"x"}}, "x is known as awaited, and should not be"),
        (lambda store: {"ledger": {"cases": 2}}, "sum of money cases: the inputs give 1, the store has 2"),
        (lambda store: {"counts": {**store.counts, "contact|sms|sent": 9}}, "count contact|sms|sent"),
        (lambda store: {"settled": {"x": NOON.isoformat()}}, "time when last settled of x"),
        (
            lambda store: {"lost": {"x": PriorLoss(at=NOON, scam_type="loan").model_dump_json()}},
            "loss that shields x: the inputs give nothing",
        ),
        (lambda store: {"state": {**store.state, "policy": "f" * 16}}, f"policy {'f' * 16} is in force"),
    ],
)
def test_a_store_that_is_not_what_the_inputs_give_is_told(
    good: Observed, change: Callable[[Store], dict[str, object]], told: str
) -> None:
    wrong = with_store(good, 0, **change(good.store(0)))
    assert told in words(wrong, "store_equals_fold")
    assert "partition 0: " in words(wrong, "store_equals_fold")


def test_an_input_that_is_known_as_applied_without_its_case_is_told(good: Observed) -> None:
    """Hole 1: the fold declares an input as applied that nobody has decided on."""
    before = events(good, f"{CAREFUL}-1")[-2].case
    lost = with_store(good, 1, cases={CAREFUL: before.model_dump_json()})
    assert "the inputs give version" in words(lost, "store_equals_fold")


def test_ids_of_very_old_inputs_may_be_forgotten(good: Observed) -> None:
    later = replace(good, ended_at=ENDED + timedelta(days=10).total_seconds())
    assert words(with_store(later, 0, applied={}), "store_equals_fold") == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"state": {}}, "partition 0 has no store at the end"),
        ({"state": {"offset": "3"}}, "partition 0 stands at input 3, and case-inputs ends at"),
        ({"outbox": {"3/x": "{}"}}, "3/x is still in the outbox"),
        ({"screened": {}}, "signals-urgent/0 was screened up to -1, and ends at 0"),
        ({"deadlines": {}}, f"case {IN_DANGER}-1 is open (contacting), and no deadline of it is stored"),
    ],
)
def test_a_store_that_stands_still_is_told(good: Observed, change: dict[str, object], told: str) -> None:
    assert told in words(with_store(good, 0, **change), "not_stuck")


def test_a_step_that_waits_without_a_deadline_is_told(good: Observed) -> None:
    wrong = with_store(good, 0, deadlines=less(good.store(0).deadlines, f"{IN_DANGER}-1|red.visit"))
    assert f"step red.visit of case {IN_DANGER}-1 is sent, and has neither ended nor a deadline" in words(
        wrong, "not_stuck"
    )


def shifted(good: Observed, seconds: float, *, from_offset: int = 3) -> Observed:
    """With the inputs of partition 0, from one on, appended later."""
    return with_log(
        good,
        "case-inputs",
        0,
        lambda records: [replace(r, at=r.at + seconds) if r.offset >= from_offset else r for r in records],
    )


def test_a_deadline_that_fires_late_is_told(good: Observed) -> None:
    healed = replace(good, healed_at=BEGAN - 100)
    assert laws_broken(shifted(healed, 1)) == set()
    told = words(shifted(with_log(healed, "case-events", 0, _later(5)), 5), "not_stuck")
    assert f"the deadline of step red.call of case {IN_DANGER}-1 fired at" in told
    assert "and was owed by" in told


def _later(seconds: float) -> Callable[[list[LogRecord]], list[LogRecord]]:
    return lambda records: [replace(r, at=r.at + seconds) if r.offset >= 2 else r for r in records]


def test_a_deadline_that_fires_before_it_is_due_is_told(good: Observed) -> None:
    assert words(shifted(good, -1), "no_deadline_early") == ""
    assert "of case" in words(shifted(good, -10), "no_deadline_early")


def test_a_deadline_may_be_late_while_faults_last(good: Observed) -> None:
    late = shifted(with_log(good, "case-events", 0, _later(5)), 5)
    assert words(replace(late, healed_at=ENDED - 10), "not_stuck") == ""
