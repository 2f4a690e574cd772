"""The law of the question a week later stays silent when all goes well, and tells each thing that breaks it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.casework.acts import OutcomeAct
from schemas.casework.inputs import Deadline, OperatorReport, VictimReport
from schemas.levels import Level, Outcome, OutcomeGround
from schemas.people.staff import StaffRole
from tests.simulation.laws import handmade
from tests.simulation.laws.altered import contact, laws_broken, words
from tests.simulation.laws.handmade import IN_DANGER, moment
from tests.simulation.laws.observed import Observed

CASE = f"{IN_DANGER}-1"
QUESTION = f"{CASE}:week.week_sms:1:sms"
LAW = "asked_once_while_dissuaded"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Observed:
    """A red case of a resident who is dissuaded after 50 s, asked 10 s later, and reports a loss after 100 s."""
    plan = handmade.POLICY.plan.model_copy(update={"ask_after": timedelta(seconds=10)})
    monkeypatch.setattr(handmade, "POLICY", handmade.POLICY.model_copy(update={"plan": plan}))
    told = {"resident": IN_DANGER, "case": CASE, "by": "operator li", "role": StaffRole.OPERATOR, "seen": 999}
    act = OutcomeAct(outcome=Outcome.DISSUADED, ground=OutcomeGround.CALLED_BACK, note="she called back")
    said = OperatorReport.model_validate({"id": "form:9", "at": moment(50), **told, "act": act})
    due = moment(60)
    fires = Deadline(id="d:week", at=due, resident=IN_DANGER, case=CASE, step="week.week_sms", due=due)
    lost = VictimReport(id="v1", at=moment(100), resident=IN_DANGER, amount_fen=100_000)
    alert = handmade.alert(IN_DANGER, Level.RED, 2)
    inputs = [(2, alert), (50, said), (60, fires), (100, lost)]
    return handmade.observed({0: inputs, 1: handmade.usual()[1]})


def test_a_question_to_a_dissuaded_resident_breaks_no_law(asked: Observed) -> None:
    assert QUESTION in {each.dispatch for each in asked.contacts}
    assert LAW not in laws_broken(asked)


def test_a_question_after_a_loss_is_told(asked: Observed) -> None:
    others = [each for each in asked.contacts if each.dispatch != QUESTION]
    told = words(replace(asked, contacts=[*others, contact(QUESTION, 300)]), LAW)
    assert "was carried out at 300.000 s, but the resident may not be asked since 100.010 s" in told
