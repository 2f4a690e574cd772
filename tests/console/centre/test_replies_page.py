"""A reply to a text message on the screens: a mark in the queue, and its masked words in the case's history."""

from schemas.casework.cases import Case
from schemas.casework.inputs import ResidentReply
from schemas.codes.replies import ReplySender
from schemas.people.residents import Resident
from streams.messaging import case_inputs
from streams.messaging.topics import home
from tests.console.harness.case_forms import SECONDS, done, red
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line

MARK = '<b class="replied">有短信回复</b>'
SIGN = {"zh": "可能是骗子授意", "en": "a scammer may have dictated it", "ko": "사기범이 시켰을 수 있습니다"}


async def replied(line: Line, resident: Resident, case: Case, text: str) -> Case:
    """Let the telephone reply to the case's flash SMS. Returns the case after it."""
    name = f"{case.id}:red.flash:1:sms"
    given = ResidentReply(
        id=f"{name}:reply:1",
        at=line.house.clock.now(),
        resident=resident.id,
        dispatch=name,
        sender=ReplySender.RESIDENT,
        text=text,
    )
    partition = home(resident.id, line.house.settings.partitions)
    await line.house.line.producer.send_all([case_inputs.record(given, partition)])
    await line.settle()
    return await line.case(resident)


async def shown(console: Stage, case: Case) -> str:
    """Return the case's row in the queue once the console knows it in this version."""

    async def up_to_date() -> bool:
        row = console.services.hub.rows.get(case.id)
        return row is not None and row.case.version >= case.version

    await until(up_to_date, SECONDS)
    return console.services.queue.html(console.services.hub.rows[case.id], "zh")


async def test_a_reply_is_a_mark_and_a_masked_sign_until_somebody_works_on_the_case(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, before = await red(line)
    assert MARK not in await shown(console, before)
    case = await replied(line, resident, before, "TD 13900000001")
    assert (case.level, case.state) == (before.level, before.state)
    assert MARK in await shown(console, case)
    assert "有短信回复，见经过" in (await operator.get(f"/cases/{case.id}")).text
    case = await replied(line, resident, case, "TD")  # the same input again changes nothing
    assert case.replies == 1
    await done(console, operator, case, "note", what="note", note="看过回复")
    assert MARK not in await shown(console, await line.case(resident))
    page = (await operator.get(f"/cases/{case.id}/story")).text
    assert "居民回复短信：TD *******0001" in page
    assert "13900000001" not in page


async def test_a_wish_for_no_more_messages_is_told_as_a_sign_in_each_language(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, before = await red(line)
    case = await replied(line, resident, before, "수신거부")
    assert case.level is before.level
    for language, words in SIGN.items():
        story = await operator.get(f"/cases/{case.id}/story", headers={"accept-language": language})
        assert words in story.text
        assert "수신거부" in story.text
