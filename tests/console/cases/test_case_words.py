"""The words of the case page: its scripts in each language, the answers to them, and what it says once: the amount,
the age, the state of the calls, and who is called.
"""

import re
from datetime import timedelta

import pytest

from console.web.case.scripts import SCRIPTS, read, tree_of
from console.web.kit.i18n import translations
from console.web.kit.wording import wording
from domain.calendar import local_date
from domain.desk.open_deadline import own_deadline, sooner_deadline
from domain.wording import labels
from domain.wording.labels import of_deadline
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case, Step, StepState, Stop, StopState
from schemas.codes.people import ScriptAnswered
from schemas.levels import Action
from schemas.people.residents import TrustedContact
from schemas.risk.signals import TransferState
from streams.messaging.topics import home
from streams.state.keys import key
from tests.console.harness.case_forms import red
from tests.console.harness.stage import Client, Stage
from tests.console.harness.stops import stopped
from tests.end_to_end.harness.rig import Line

# ------------------------------------------------------------ words


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_script_is_called_as_its_scam_type_is_everywhere_else(language: str) -> None:
    called = {scam: tree_of(scam).title.of(language) for scam in labels.SCAMS}
    assert called == {scam: translations(language).gettext(name) for scam, name in labels.SCAMS.items()}


async def test_the_deployed_scripts_are_found_and_read() -> None:
    assert tree_of("police").scam == "police"
    assert tree_of("something-new").scam == "general"
    assert len(read(SCRIPTS)) == 11


async def test_answers_are_told_in_the_script_s_own_words() -> None:
    told = ScriptAnswered("police", {"opening": "yes", "heard.secret": "yes"})
    assert wording("zh").sentence(told) == "问答（冒充公检法）：方便；被要求保密"


# ------------------------------------------------------------ each thing once


async def page_of(client: Client, case: Case, language: str = "zh") -> str:
    answer = await client.get(f"/cases/{case.id}", headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.text


async def page_with(console: Stage, client: Client, case: Case, **changed: object) -> str:
    """Return the case's page as it is while these fields of the stored case are changed."""
    redis, place = console.house.line.redis, key("cases", home(case.resident, console.house.settings.partitions))
    stored = await redis.hget(place, case.resident)
    await redis.hset(place, case.resident, case.model_copy(update=changed).model_dump_json())
    try:
        return await page_of(client, case)
    finally:
        await redis.hset(place, case.resident, stored)


def part(page: str, begin: str, end: str) -> str:
    """The text between two marks of a page, without its tags."""
    text = page.partition(begin)[2].partition(end)[0]
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", text.partition(">")[2])).strip()


def step(page: str) -> str:
    """The line of the operator's call among the next steps."""
    coming = page.partition('<section id="coming"')[2].partition("</section>")[0]
    (found,) = [each for each in re.findall("<li>.*?</li>", coming, re.DOTALL) if "<strong>人工外呼</strong>" in each]
    return str(found)


async def test_money_that_is_stopped_is_not_at_stake_too(console: Stage, operator: Client) -> None:
    found = await stopped(console)
    (payment,) = found.case.payments
    assert payment.stop is not None
    assert payment.stop.state is StopState.IN_FORCE
    for language, words, strip in (
        ("zh", "止付生效", "止付详情"),
        ("en", "Stop in force", "Stop details"),
        ("ko", "지불정지 시행 중", "지불정지 상세"),
    ):
        header = part(await page_of(operator, found.case, language), '<header id="head"', "</header>")
        assert header.count("¥30,000") == 1
        assert f"¥30,000 {words}" in header
        assert strip in header
        assert not re.search("涉险|At stake|위험 금액", header)
    await found.line.end()


async def test_the_age_stands_once(console: Stage, line: Line, operator: Client) -> None:
    _, case = await red(line)
    age = local_date(console.house.clock.now()).year - case.profile.birth_year
    text = part(await page_of(operator, case), "<main", "</main>")
    assert text.count(f"{age} 岁") == 1
    assert "年龄" not in text


async def test_a_call_that_nobody_made_is_no_attempt(line: Line, operator: Client) -> None:
    resident, case = await red(line)
    await line.advance(minutes=12)  # offered to the operators, and nobody took it
    case = await line.case(resident)
    (call,) = [step for step in case.steps if step.action is Action.OPERATOR_CALL and step.due is not None]
    assert call.attempt > 1
    page = await page_of(operator, case)
    assert "人工外呼 0 次" in part(page, '<div class="call', "</div>")
    assert "人工外呼 0 次" in step(page)
    assert "次尝试" not in step(page)


async def test_a_call_that_was_made_is_counted_beside_the_step(line: Line, operator: Client) -> None:
    resident, case = await red(line)
    await line.advance(minutes=2)
    await line.operator(resident, NoteAct(what="no_answer"))
    case = await line.case(resident)
    page = await page_of(operator, case)
    assert part(page, '<div class="call', "</div>").startswith("无人接听")
    assert "人工外呼 1 次" in step(page)


async def test_a_step_that_ends_before_the_operators_own_call_has_its_clock_in_the_header(
    line: Line, operator: Client
) -> None:
    resident, case = await red(line, friends=1)
    await line.advance(minutes=2)
    assert 'id="sooner"' not in await page_of(operator, case), "nobody has the case"
    assert (await operator.post(f"/cases/{case.id}/claim")).status_code == 303
    await line.settle()
    case = await line.case(resident)
    own, sooner = own_deadline(case, operator.account.login), sooner_deadline(case, operator.account.login)
    assert own is not None
    assert sooner is not None
    header = (await page_of(operator, case)).partition('<header id="head"')[2].partition("</header>")[0]
    assert header.index('id="sooner"') < header.index("人工外呼剩余"), "the nearest stands first"
    beside = part(header, '<div class="figure" id="sooner"', "</div>")
    assert beside.endswith(of_deadline(sooner.step))
    assert sooner.at.isoformat() in header


async def test_a_key_leads_to_the_call_of_a_contact_and_only_where_it_is_not_folded_away(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line, contacts=[TrustedContact(name="曹某", phone=line.phone(), relation="daughter")])
    waits, at = StepState.PENDING, case.opened_at
    contact = Step(id="red.contact.0", action=Action.CONTACT_CALL, state=waits, due=at, contact=0)
    others = [step for step in case.steps if step.action is not Action.CONTACT_CALL]
    shown = []
    for late in (False, True):
        due = [step.model_copy(update={"due": case.opened_at + timedelta(days=-late or 1)}) for step in others]
        page = await page_with(console, operator, case, steps=[contact, *due])
        shown.append((page.count('data-key="f" data-key-focus>'), page.count('data-key="f"'), "coming-later" in page))
    assert shown == [(1, 1, True), (0, 0, True)]


@pytest.mark.parametrize(("times", "advice"), [(1, "可再请求一次"), (2, "该账户已请求止付两次")])
async def test_a_refused_stop_is_named_beside_the_amount_and_the_payment_says_by_whom_and_what_to_do(
    console: Stage, line: Line, operator: Client, times: int, advice: str
) -> None:
    _, case = await red(line)
    (payment,) = case.payments
    open_ = payment.model_copy(update={"amount_fen": 90_000})
    refused = payment.model_copy(
        update={
            "transfer": "bank-b:refused",
            "payee": "another",
            "amount_fen": 50_000,
            "stop": Stop(state=StopState.REFUSED, times=times),
            "institution": "bank-c",
        }
    )
    page = await page_with(console, operator, case, payments=[open_, refused])
    header = page.partition('<header id="head"')[2].partition("</header>")[0]
    assert part(header, 'id="headline"', "</p>").endswith("¥1,400 尚未止付 · 银行拒绝 ¥500")
    assert "止付其余 ¥900" in header
    assert "全部止付 ¥" not in part(header, 'id="stop-strip"', "</div>")
    assert part(page, 'id="money-parts"', "</p>").endswith("尚未止付 ¥1,400 = 可申请止付 ¥900 + 银行拒绝 ¥500")
    said = part(page, 'class="small refusal"', "</p>")
    assert "拒绝止付，银行不说明原因。" in said
    assert advice in said
    assert "由办案单位决定冻结" in part(page, 'id="money-advice"', "</p>")
    assert page.count('name="transfer"') == (2 if times == 1 else 1), "no tick for what the case would refuse"


async def test_money_whose_account_was_asked_for_twice_cannot_be_stopped_and_the_strip_says_so(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    (payment,) = case.payments
    stop = Stop(state=StopState.RETURNED, times=2)
    fields = {"transfer": "bank-b:back", "amount_fen": 50_000, "stop": stop, "state": TransferState.SETTLED}
    back = payment.model_copy(update=fields)
    due = {"state": StepState.PENDING, "due": case.opened_at, "transfer": payment.transfer}
    stop_step = Step.model_validate({"id": "stop.0", "action": Action.STOP_PAYMENT, **due})
    page = await page_with(console, operator, case, payments=[payment, back], steps=[stop_step])
    header = page.partition('<header id="head"')[2].partition("</header>")[0]
    assert part(header, 'id="headline"', "</p>").endswith("¥30,000 尚未止付")
    assert "无法止付 ¥30,000" in part(header, 'id="stop-strip"', "</div>")
    assert "紧急止付" not in header, "no clock of the strip counts down to it"
    coming = page.partition('<section id="coming"')[2].partition("</section>")[0]
    assert "紧急止付" in coming
    assert "<time" not in coming
    assert "按规定不能再请求" in coming
    assert "该账户已请求止付两次" in part(page, 'class="small refusal"', "</p>")
    assert 'name="transfer"' not in page


def solid(page: str) -> list[str]:
    """The keys of the buttons that look solid, within the page's own content and outside its dialogs."""
    main = re.sub("<(dialog|details).*?</\\1>", "", page.partition("<main")[2].partition("</main>")[0], flags=re.DOTALL)
    buttons = re.findall("<button([^>]*)>", main)
    return [re.findall('data-key="([^"]*)"', each)[0] for each in buttons if not re.search(" hidden|class=", each)]


async def test_one_button_is_solid_and_it_answers_the_clock_that_runs_out_first(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, _ = await red(line, contacts=[TrustedContact(name="曹某", phone=line.phone(), relation="daughter")])
    await line.advance(seconds=90)
    assert solid(await page_of(operator, await line.case(resident))) == ["a"]
    assert (await operator.post(f"/cases/{(await line.case(resident)).id}/claim")).status_code == 303
    await line.settle()
    case = await line.case(resident)
    shown = []
    call = next(step for step in case.steps if step.action is Action.OPERATOR_CALL and step.due)
    assert call.due is not None
    contact = Step(id="red.contact.0", action=Action.CONTACT_CALL, state=StepState.PENDING, due=call.due, contact=0)
    for earlier in (timedelta(minutes=1), -timedelta(minutes=1)):
        steps = [call, contact.model_copy(update={"due": call.due - earlier})]
        page = await page_with(console, operator, case, steps=steps)
        shown.append((solid(page), page.count('data-key="f"')))
    assert shown == [(["f"], 1), (["p"], 1)]


async def test_a_next_step_has_its_name_once_and_its_button_at_the_right(line: Line, operator: Client) -> None:
    _, case = await red(line, contacts=[TrustedContact(name="曹某", phone=line.phone(), relation="daughter")])
    page = await page_of(operator, case)
    assert page.index('<section id="coming"') < page.index('<section id="acts"'), "on top of the decision"
    coming = page.partition('<section id="coming"')[2].partition("</section>")[0]
    rows = [each for each in re.findall("<li>.*?</li>", coming, re.DOTALL) if 'name="contact"' in each]
    assert rows
    for row in rows:
        title = re.findall("<strong>(.*?)</strong>", row)[0]
        button = re.sub(r'<span class="hide">.*?</span>|<kbd.*?</kbd>', "", re.findall("<button.*?</button>", row)[0])
        assert title == "电话告知女儿（联系人 1）"
        assert re.sub("<[^>]*>", "", button).strip() == "立即呼叫"
        assert row.index("<form") < row.index("</div>"), "in the same line"


async def test_it_is_said_who_is_called(line: Line, operator: Client) -> None:
    contacts = [
        TrustedContact(name="曹某", phone=line.phone(), relation="daughter"),
        TrustedContact(name="某某", phone=line.phone(), relation="亲友"),
    ]
    _, case = await red(line, contacts=contacts)
    for language, words in (
        ("zh", ("约定再次致电当事人", "电话告知女儿（联系人 1）", "电话告知联系人 2")),
        ("en", ("Schedule a call back", "Call the daughter (contact 1)", "Call contact 2")),
        ("ko", ("재통화 예약", "딸에게 전화로 알림(련락처 1)", "련락처 2에 전화로 알림")),
    ):
        page = part(await page_of(operator, case, language), "<main", "</main>")
        assert [each for each in words if each not in page] == []
