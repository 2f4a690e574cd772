"""What a dissuaded resident told a person about the week since, recorded by a form of the case page."""

from schemas.casework.events import FactKind
from schemas.codes.week import WeekAnswerTold
from schemas.levels import Action, WeekAnswer
from tests.console.harness.case_forms import done, latest, red, send
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line

SOON = 'ask_after = "20s"'


async def test_an_operator_records_what_the_resident_answered_once_they_were_asked(
    console: Stage, line: Line, operator: Client
) -> None:
    await line.policy(lambda text: text.replace('ask_after = "7d"', SOON))
    resident, case = await red(line)
    early = await send(operator, await latest(console, case), "week_answer", answer="nothing_paid")
    assert early.status_code == 409, "nobody has asked yet"
    await done(console, operator, case, "note", what="conversation")
    await done(console, operator, case, "outcome", outcome="dissuaded")
    await line.advance(minutes=1)
    question = (await latest(console, case)).week
    assert question is not None
    assert (question.action, question.answer) == (Action.WEEK_SMS, None)
    assert "一周后询问的回答" in (await operator.get(f"/cases/{case.id}")).text
    without = await send(operator, await latest(console, case), "week_answer", note="没说")
    assert without.status_code == 422
    assert "请选择结果" in without.text
    await done(console, operator, case, "week_answer", answer="contacted_again", note="又来电话")
    await line.settle()
    answered = (await latest(console, case)).week
    assert answered is not None
    assert answered.answer is WeekAnswer.CONTACTED_AGAIN
    told = [fact for fact in await line.facts(resident, FactKind.EVIDENCE) if isinstance(fact.what, WeekAnswerTold)]
    assert [(fact.what, fact.by) for fact in told] == [
        (WeekAnswerTold(WeekAnswer.CONTACTED_AGAIN, operator.account.login, "又来电话"), operator.account.login)
    ]
