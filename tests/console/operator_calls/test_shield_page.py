"""The shield after a loss on the pages: until when it lasts, and what came of the support, recorded by a form."""

import pytest

from console.web.kit.pages import date_time, environment
from console.web.live.row import Row
from domain.casework.triage import QueueBand, Weight
from schemas.casework.cases import StepState
from schemas.casework.events import FactKind
from schemas.codes.people import SupportTold
from schemas.levels import Action, SupportOutcome
from tests.console.harness.case_forms import done, latest, red, send
from tests.console.harness.stage import Client, Stage
from tests.domain.casework.shield.test_shielding import after_loss
from tests.end_to_end.harness.rig import Line


async def test_the_page_says_until_when_and_the_support_is_recorded(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    assert "保护期至" not in (await operator.get(f"/cases/{case.id}")).text
    assert (await send(operator, case, "support", outcome="accepted")).status_code == 409, "no loss is known"
    await done(console, operator, case, "note", what="conversation")
    await done(console, operator, case, "outcome", outcome="already_defrauded", lost="5000")
    await line.settle()
    loss = (await latest(console, case)).prior_loss
    assert loss is not None
    assert loss.shielded_until is not None
    assert f"保护期至 {date_time(loss.shielded_until)}" in (await operator.get(f"/cases/{case.id}")).text
    await done(console, operator, case, "support", outcome="declined", note="不用再打")
    await line.settle()
    told = [fact for fact in await line.facts(resident, FactKind.NOTE) if isinstance(fact.what, SupportTold)]
    assert [fact.what for fact in told] == [SupportTold(SupportOutcome.DECLINED, operator.account.login, "不用再打")]
    calls = [step for step in (await latest(console, case)).steps if step.action is Action.SUPPORT_CALL]
    assert {step.state for step in calls} == {StepState.WITHDRAWN}


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "保护期至 05-31"), ("en", "Shielded until 05-31"), ("ko", "05-31 12:00까지 보호")]
)
async def test_the_queue_says_until_when(language: str, words: str) -> None:
    case = after_loss().here
    assert case.prior_loss is not None
    row = Row(case, "", "", Weight(QueueBand.OFFERED, 0.0, case.opened_at, case.updated_at - case.updated_at, None))
    template = environment(language).get_template("queue_row.html")
    shown = {"row": row, "case": case, "step": None, "due": None, "scam": "", "place": "", "people": {}}
    assert words in template.render(**shown, shield=case.prior_loss.shielded_until)
    assert words not in template.render(**shown, shield=None)
