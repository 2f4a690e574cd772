"""Every kind of input that a case can get is drawn by some schedule, or is named as not drawn, with the reason."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any, get_args

import pytest

from domain.dispatches.outside_reports import is_reported
from schemas.casework.acts import Act
from schemas.casework.cases import Case, Payment, Step, StepState
from schemas.casework.inputs import (
    TOLD_BY_SYSTEM,
    BankFeedback,
    BankState,
    CaseInput,
    OfficerReport,
    OperatorReport,
    PlaceReport,
    VisitStage,
)
from schemas.casework.searches import PlaceState
from schemas.levels import Action, Level, Outcome, SupportOutcome
from schemas.risk.signals import TransferState
from tests.simulation.laws import handmade
from tests.simulation.laws.handmade import IN_DANGER, NOON, POLICY, RESIDENTS
from tests.simulation.laws.known import known
from tests.simulation.reports.kinds import FROM_OUTSIDE, NOT_DRAWN, REPORTS
from tests.simulation.reports.seen import SeenCase
from tests.simulation.schedule import Schedule, drawn
from tests.simulation.simulated.providers import PROVINCE_FAULTS
from tests.simulation.simulated.province import PROVINCE
from tests.simulation.themes import themes

SEEDS = range(1, 4001)
REPORTED_TIMES = 60  # of each kind that is drawn


def case_with_all() -> Case:
    """A case with a payment, and a step of each action that waits for its result."""
    made = handmade.observed({0: [(2, handmade.alert(IN_DANGER, Level.RED, 2))], 1: []})
    case = known(made).folds[0].cases[IN_DANGER]
    paid = Payment(transfer="bank:1", payee="a1", amount_fen=1_000, at=NOON, state=TransferState.PENDING)
    due = NOON + timedelta(minutes=1)
    steps = [
        Step(id=f"red.{action.value}", action=action, state=StepState.SENT, due=due, transfer=paid.transfer)
        for action in Action
    ]
    return case.model_copy(update={"steps": steps, "payments": [paid]})


@cache
def drawn_inputs() -> tuple[CaseInput, ...]:
    """Inputs of all kinds of reports that the schedules of SEEDS draw."""
    kinds = {what["kind"] for seed in SEEDS for _, do, what in themes(seed) if do == "report"}
    case = case_with_all()
    seen = [SeenCase(n, NOON, RESIDENTS[IN_DANGER], case, POLICY.hash) for n in range(1, REPORTED_TIMES)]
    return tuple(each for kind in sorted(kinds) for one in seen for each in REPORTS[kind](one))


def kinds_of(union: Any, field: str) -> set[str]:  # noqa: ANN401 - an annotated union
    """The names that the members of a discriminated union have in `field`."""
    members: Iterable[Any] = get_args(get_args(union)[0])
    return {name for member in members for name in get_args(member.model_fields[field].annotation)}


def test_every_kind_of_input_is_drawn_or_named_with_a_reason() -> None:
    made = {given.kind for given in drawn_inputs()}
    every = kinds_of(CaseInput, "kind")
    assert len(every) > 15
    assert every - made == {name for name in NOT_DRAWN if name in every}
    assert all(len(reason) > 20 for reason in NOT_DRAWN.values())


def test_every_act_is_drawn_or_named_with_a_reason() -> None:
    made = {given.act.do for given in drawn_inputs() if isinstance(given, OperatorReport)}
    every = kinds_of(Act, "do")
    assert len(every) > 30
    assert every - made == {name for name in NOT_DRAWN if name in every}


def test_what_is_named_as_not_drawn_exists() -> None:
    assert set(NOT_DRAWN) <= kinds_of(CaseInput, "kind") | kinds_of(Act, "do")


def test_banks_officers_and_persons_report_everything_that_they_can() -> None:
    inputs, acts = drawn_inputs(), [given.act for given in drawn_inputs() if isinstance(given, OperatorReport)]
    assert {given.state for given in inputs if isinstance(given, BankFeedback)} == set(BankState)
    assert {given.state for given in inputs if isinstance(given, PlaceReport)} == set(PlaceState) - {PlaceState.OPEN}
    stages = {given.stage for given in inputs if isinstance(given, OfficerReport)}
    assert stages == set(VisitStage) - TOLD_BY_SYSTEM
    assert {act.outcome for act in acts if act.do == "outcome"} == set(Outcome)
    assert {act.outcome for act in acts if act.do == "support"} == set(SupportOutcome)


def test_what_parties_outside_report_is_what_the_product_lets_them_report() -> None:
    case = case_with_all()
    seen = [SeenCase(n, NOON, RESIDENTS[IN_DANGER], case, POLICY.hash) for n in range(1, 9)]
    made = [each for make in FROM_OUTSIDE.values() for one in seen for each in make(one)]
    assert made
    assert all(is_reported(each) for each in made)


def test_the_other_province_meets_every_fault() -> None:
    told = [what for seed in SEEDS for _, do, what in themes(seed) if do == "provider"]
    assert {fault for what in told for fault in what["faults"]} == set(PROVINCE_FAULTS)
    assert {what["channel"] for what in told} == {PROVINCE}


def test_banks_and_carriers_answer_what_was_never_sent_in_enough_schedules() -> None:
    """One in sixteen of all has a story of them; other reports seldom have such an answer."""
    unsent = {"unasked_answer", "unsent_receipt"}
    told = [sum(do == "report" and what["kind"] in unsent for _, do, what in themes(seed)) > 3 for seed in SEEDS]
    assert 0.05 < sum(told) / len(SEEDS) < 0.075


def test_about_half_of_the_schedules_have_no_reports_and_stay_as_they_were() -> None:
    without = [seed for seed in SEEDS if not themes(seed)]
    assert 0.4 < len(without) / len(SEEDS) < 0.6
    assert not any(step.do == "report" for step in drawn(without[0]).steps)


@pytest.mark.parametrize("seed", [7, 91000000])
def test_a_schedule_with_reports_is_kept_in_a_file_and_read_again(seed: int) -> None:
    schedule = drawn(seed)
    assert Schedule.read(schedule.json()) == schedule
