"""Inputs that name a payment as its feed does are of the case's payment."""

import pytest

from domain.casework.payments import by_own_names
from schemas.casework.acts import LossAvoidedClaim, OutcomeAct
from schemas.casework.inputs import OfficerReport, PlaceReport, VisitStage
from schemas.casework.searches import PlaceState
from schemas.levels import EvidenceClass, Level, Outcome
from tests.domain.builders import NOON
from tests.domain.casework.test_triage import case
from tests.domain.payments.test_same_payment import fed, in_turn, told

HERE = case(Level.RED).model_copy(update={"payments": in_turn(told(), fed())})
VISIT = {"dispatch": "d-1", "step": "red.visit", "attempt": 1, "stage": VisitStage.ACCEPTED}
GIVEN = {"id": "i-1", "at": NOON, "resident": HERE.resident, "case": HERE.id, "by": "anna"}
CLAIM = LossAvoidedClaim(transfer="bank:1", evidence=EvidenceClass.C, amount_fen=100)
TALKED: dict[str, object] = {**GIVEN, "outcome": OutcomeAct(outcome=Outcome.DISSUADED, kept=[CLAIM])}


@pytest.mark.parametrize(
    "report",
    [
        PlaceReport.model_validate({**TALKED, "search": "s-1", "number": "p1", "state": PlaceState.FOUND}),
        OfficerReport.model_validate({**TALKED, **VISIT}),
    ],
    ids=["at a place of a search", "of a visit"],
)
def test_what_an_officer_says_was_kept_is_of_the_cases_payment(report: PlaceReport | OfficerReport) -> None:
    named = by_own_names(HERE, report)
    assert isinstance(named, PlaceReport | OfficerReport)
    assert named.outcome is not None
    assert [each.transfer for each in named.outcome.kept] == ["reported:1"]
