"""A supervisor gives a case to an operator: nobody else may, and never over a claim that was not seen. A conversation
ends with its operator's claim.
"""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.casework.acts import Act, AssignAct, CallAgainAct, ClaimAct, NoteAct, OutcomeAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.codes.any_code import AnyCode
from schemas.codes.people import CaseAssigned, CaseClaimed, CaseReassigned, TalkBrokenOff, TalkEnded
from schemas.codes.refusals import CaseSettled, HasCase, MayNotAssign, NotHolder, ReassignNeedsReason
from schemas.levels import Action, Outcome
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, Line, at_the_desk

CHIEF = "chief"
TO_LI = AssignAct(to="li")
MINUTE = timedelta(minutes=1)
TALK = NoteAct(what="conversation")


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


# ---------------------------------------------------------------- a conversation ends with the claim


def talking(by: str = "li") -> Line:
    """A red case whose operator talks to the resident."""
    line = at_the_desk()
    line.act(ClaimAct(do="claim"), by=by)
    line.act(TALK, by=by)
    assert line.state() is CaseState.IN_CONVERSATION
    return line


def test_an_operator_who_leaves_a_conversation_and_never_reports_leaves_no_conversation_behind() -> None:
    line = talking()
    line.pass_to(31 * MINUTE)
    assert (line.here.claimed_by, line.here.returned_from) == (None, "li")
    assert line.state() is CaseState.CONTACTING
    assert TalkBrokenOff() in line.facts(FactKind.STATE)


def test_while_the_claim_lasts_the_conversation_lasts() -> None:
    line = talking()
    line.pass_to(29 * MINUTE)
    assert (line.here.claimed_by, line.state()) == ("li", CaseState.IN_CONVERSATION)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (ClaimAct(do="unclaim"), TalkBrokenOff()),
        (ClaimAct(do="unclaim", ran_out=True), TalkBrokenOff()),
        (CallAgainAct(when=NOON + timedelta(hours=2)), TalkEnded()),
        (OutcomeAct(outcome=Outcome.UNREACHABLE), TalkEnded()),
    ],
)
def test_each_act_that_ends_the_claim_ends_the_conversation(act: Act, why: object) -> None:
    line = talking()
    line.act(act, by="li")
    assert line.here.claimed_by is None
    assert line.state() is CaseState.CONTACTING
    assert line.facts(FactKind.STATE)[-1] == why


def test_a_case_that_is_given_to_another_operator_is_in_conversation_only_once_they_talk() -> None:
    line = talking()
    line.act(AssignAct(to="han", holder="li", reason="li has left"), by="chief", role=StaffRole.SUPERVISOR)
    assert (line.here.claimed_by, line.state()) == ("han", CaseState.CONTACTING)
    line.act(TALK, by="han")
    assert line.state() is CaseState.IN_CONVERSATION


def test_who_talks_and_is_given_the_case_goes_on_talking() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"), by="li")
    line.act(TALK, by="han")
    line.act(AssignAct(to="han", holder="li", reason="han talks"), by="chief", role=StaffRole.SUPERVISOR)
    assert (line.here.claimed_by, line.state()) == ("han", CaseState.IN_CONVERSATION)


def test_a_conversation_that_was_noted_without_a_claim_ends_once_nobody_has_reported_in_time() -> None:
    line = at_the_desk()
    line.act(TALK, by="li")
    line.pass_to(20 * MINUTE)
    assert line.state() is CaseState.IN_CONVERSATION
    line.pass_to(30 * MINUTE)
    assert line.state() is not CaseState.IN_CONVERSATION


ACTS = st.sampled_from(
    [
        *(ClaimAct(do="claim"), ClaimAct(do="unclaim"), ClaimAct(do="unclaim", ran_out=True), TALK),
        *(NoteAct(what="conversation_ended"), NoteAct(what="busy"), OutcomeAct(outcome=Outcome.UNREACHABLE)),
        *(OutcomeAct(outcome=Outcome.NOT_PERSUADED), CallAgainAct(when=NOON + timedelta(hours=3))),
    ]
)
DOES = st.tuples(st.sampled_from(["li", "han"]), ACTS, st.integers(0, 25))


@settings(max_examples=40)
@given(st.lists(DOES, max_size=6))
def test_whatever_operators_do_no_conversation_outlasts_its_claim(done: list[tuple[str, Act, int]]) -> None:
    line = at_the_desk()
    for by, act, minutes in done:
        line.act(ClaimAct(do="claim"), by=by)
        line.act(act, by=by)
        line.pass_to(minutes * MINUTE)
        if line.here.claimed_by is None and line.here.desk_call is not None and line.here.desk_call.by == by:
            assert line.state() is not CaseState.IN_CONVERSATION, act
    line.pass_to(31 * MINUTE)
    assert line.here.claimed_by is not None or line.state() is not CaseState.IN_CONVERSATION
