"""A supervisor gives a case to an operator: nobody else may, and never over a claim that was not seen."""

import pytest

from schemas.casework.events import FactKind
from schemas.casework.inputs import AssignAct, ClaimAct
from schemas.codes.any_code import AnyCode
from schemas.codes.people import CaseAssigned, CaseClaimed, CaseReassigned
from schemas.codes.refusals import CaseSettled, HasCase, MayNotAssign, NotHolder, ReassignNeedsReason
from schemas.levels import Action, Outcome
from schemas.people.staff import StaffRole
from tests.domain.builders import Line, at_the_desk

CHIEF = "chief"
TO_LI = AssignAct(to="li")


def assign(line: Line, act: AssignAct = TO_LI, role: StaffRole | None = StaffRole.SUPERVISOR) -> AnyCode | None:
    """Return why it is refused, or None."""
    decision = line.act(act, by=CHIEF, role=role)
    return next((fact.what for fact in decision.facts if fact.kind is FactKind.REFUSED), None)


def test_an_assigned_case_is_the_operators_and_not_opened_until_they_claim_it() -> None:
    line = at_the_desk()
    assert assign(line) is None
    assert (line.here.claimed_by, line.here.assigned_by, line.here.assigned) == ("li", CHIEF, True)
    line.act(ClaimAct(do="claim"), by="li")
    assert (line.here.claimed_by, line.here.assigned) == ("li", False)
    assert line.facts(FactKind.CLAIMED) == [CaseAssigned(CHIEF, "li"), CaseClaimed("li")]


@pytest.mark.parametrize("role", [None, StaffRole.OPERATOR, StaffRole.RELEASE_DESK])
def test_only_a_supervisor_assigns(role: StaffRole | None) -> None:
    line = at_the_desk()
    assert assign(line, role=role) == MayNotAssign()
    assert line.here.claimed_by is None


def test_a_claim_that_the_supervisor_did_not_see_is_not_overridden() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"), by="han")
    assert assign(line) == HasCase("han")
    assert assign(line, AssignAct(to="li", holder="wang", reason="he is away")) == HasCase("han")
    assert line.here.claimed_by == "han"


def test_a_case_is_taken_from_its_holder_only_with_a_reason_that_the_journal_keeps() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"), by="han")
    assert assign(line, AssignAct(to="li", holder="han")) == ReassignNeedsReason("han")
    assert assign(line, AssignAct(to="li", holder="han", reason="he is away")) is None
    assert line.here.claimed_by == "li"
    assert line.facts(FactKind.CLAIMED)[-1] == CaseReassigned(CHIEF, "han", "li", "he is away")


def test_who_lost_the_case_meanwhile_is_not_its_holder_and_who_has_it_is_given_nothing() -> None:
    line = at_the_desk()
    assert assign(line, AssignAct(to="li", holder="han", reason="he is away")) == NotHolder("han")
    line.act(ClaimAct(do="claim"), by="li")
    assert assign(line, AssignAct(to="li", holder="li", reason="he has it")) == HasCase("li")


def test_the_same_assignment_twice_counts_once() -> None:
    line = at_the_desk()
    assert assign(line) is None
    assert assign(line) == HasCase("li")
    assert len(line.facts(FactKind.CLAIMED)) == 1


def test_who_never_opens_the_case_loses_it_like_any_other_holder() -> None:
    line = at_the_desk()
    assign(line)
    (call,) = (step for step in line.here.steps if step.action is Action.OPERATOR_CALL)
    assert call.due is not None
    assert call.due > line.now, "there is time to open it"
    line.act(ClaimAct(do="unclaim", ran_out=True), by="li")
    assert (line.here.claimed_by, line.here.assigned, line.here.returned_from) == (None, False, "li")


def test_a_supervisor_who_keeps_a_case_has_opened_it() -> None:
    line = at_the_desk()
    assert assign(line, AssignAct(to=CHIEF)) is None
    assert (line.here.claimed_by, line.here.assigned) == (CHIEF, False)


def test_a_settled_case_is_given_to_nobody() -> None:
    line = at_the_desk()
    line.outcome(Outcome.FALSE_ALARM)
    assert assign(line) == CaseSettled(Outcome.FALSE_ALARM)
