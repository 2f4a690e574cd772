"""What is done on the case page, over HTTP: each act reaches the case, what is refused, what is asked about first."""

import re
import secrets
from datetime import datetime

import pytest

from console.web.case.scripts import tree_of
from console.web.kit.pages import ZONE
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.codes.any_code import AnyCode
from schemas.codes.people import (
    CallAgainAt,
    CodeConfirmed,
    ContactToBeTold,
    DangerConfirmed,
    LevelLowered,
    Noted,
    OfficerAskedFor,
    Recorded,
    Said,
    ScriptAnswered,
    ThreeWayCall,
)
from schemas.levels import Level, Outcome
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, done, red, send
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line

# ------------------------------------------------------------ each act


ACTS_AND_FACTS: list[tuple[str, dict[str, str], AnyCode]] = [
    ("note", {"what": "note", "note": "第一次没接"}, Noted("第一次没接")),
    ("note", {"what": "code_confirmed", "note": ""}, CodeConfirmed()),
    ("three_way", {"with": "女儿", "note": "一起劝"}, ThreeWayCall("女儿，一起劝")),
    ("recording", {"link": "https://recorder.example/calls/17"}, Recorded("https://recorder.example/calls/17")),
    ("recording", {"link": "REC-2026-000017"}, Recorded("REC-2026-000017")),
    (
        "answers",
        {"script": "police", "question": "opening", "answer": "yes"},
        ScriptAnswered("police", {"opening": "yes"}),
    ),
    ("answers", {"script": "police", "heard": "secret"}, ScriptAnswered("police", {"heard.secret": "yes"})),
    ("send_officer", {"reason": "不接电话"}, OfficerAskedFor("不接电话")),
    ("call_again", {"when": "2026-03-02 18:30"}, CallAgainAt(datetime(2026, 3, 2, 18, 30, tzinfo=ZONE))),
    ("tell_contact", {"contact": "0"}, ContactToBeTold(0)),
    ("confirm", {"reason": "已与本人核实"}, DangerConfirmed("已与本人核实")),
    (
        "lower",
        {"level": "yellow", "reason": "已核实，无转账意图"},
        LevelLowered(Level.RED, Level.YELLOW, "已核实，无转账意图"),
    ),
    ("close", {"reason": "重复案件"}, Said("重复案件")),
]


@pytest.mark.parametrize(
    ("do", "fields", "what"), ACTS_AND_FACTS, ids=[f"{do}-{n}" for n, (do, *_) in enumerate(ACTS_AND_FACTS)]
)
async def test_an_act_by_its_form_reaches_the_case_with_its_line_of_the_audit(
    console: Stage, line: Line, operator: Client, do: str, fields: dict[str, str], what: AnyCode
) -> None:
    resident, case = await red(line, friends=1)
    if do == "answers":
        await done(console, operator, case, "note", what="conversation")
    await done(console, operator, case, do, fields)
    await line.settle()
    facts = [fact for fact in await line.facts(resident) if fact.what == what]
    assert [fact.by for fact in facts] == [operator.account.login]
    assert await audited(console, on=case.id, by=operator.account.login)


async def test_an_outcome_keeps_the_amount_that_was_named_of_each_payment(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    (payment,) = case.payments
    await done(console, operator, case, "note", what="conversation")
    given = {
        "outcome": "dissuaded",
        "kept": payment.transfer,
        f"amount:{payment.transfer}": "12,000.50",
        f"evidence:{payment.transfer}": "C",
        "lost": "100",
        "note": "女儿在旁边",
    }
    await done(console, operator, case, "outcome", given)
    await line.settle()
    after = await line.case(resident)
    assert (after.state, after.outcome) == (CaseState.DISSUADED, Outcome.DISSUADED)
    assert after.kept[payment.transfer].amount_fen == 1_200_050
    assert [loss.amount_fen for loss in after.losses] == [10_000]


async def test_no_more_is_kept_than_was_to_be_paid_and_the_form_says_so(line: Line, operator: Client) -> None:
    _, case = await red(line)
    (payment,) = case.payments
    more = {
        "outcome": "dissuaded",
        "ground": "bank",
        "kept": payment.transfer,
        f"amount:{payment.transfer}": "30,000.01",
    }
    answer = await send(operator, case, "outcome", more, headers=JSON)
    assert (answer.status_code, answer.json()["field"]) == (422, f"amount:{payment.transfer}")
    assert "不能大于这笔付款" in answer.json()["words"]


async def test_answers_are_shown_to_the_next_operator_who_goes_on_where_they_ended(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    await done(console, operator, case, "note", what="conversation")
    for question, choice in (("opening", "yes"), ("said", "cannot_say")):
        await send(operator, case, "answers", script="police", question=question, answer=choice)
    await line.settle()
    async with await console.signed_in(StaffRole.OPERATOR) as other:
        page = (await other.get(f"/cases/{case.id}")).text
    tree = tree_of("police")
    assert tree.markers["secret"].question.say.zh in page
    assert "说案件保密，不能讲" in page


async def test_a_form_sent_twice_counts_once(console: Stage, line: Line, operator: Client) -> None:
    resident, case = await red(line)
    form = secrets.token_hex(10)
    for _ in range(2):
        await send(operator, case, "note", form=form, what="note", note="只算一次")
    await line.settle()
    facts = [fact.what for fact in await line.facts(resident, FactKind.NOTE)]
    assert facts.count(Noted("只算一次")) == 1


# ------------------------------------------------------------ what is refused, and what is asked about


async def test_who_saw_an_old_screen_is_told_what_changed_and_keeps_what_he_wrote(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as other:
        await send(other, case, "note", what="note", note="家属已到场")
        await line.settle()
        refused = await send(operator, case, "outcome", outcome="false_alarm", note="写了很久的说明")
    assert refused.status_code == 409
    for words in (
        "您看到的内容已经更新",
        "家属已到场",
        "写了很久的说明",
        'id="act-outcome" data-form-of="outcome" open',
    ):
        assert words in refused.text
    now = await line.case(resident)
    shown = re.search(r'name="seen" value="([0-9]+)"', refused.text)
    assert shown
    assert case.version < int(shown[1]) <= now.version
    assert not now.settled
    await done(console, operator, now, "outcome", outcome="false_alarm", note="写了很久的说明")


async def test_a_script_is_told_the_same_as_a_page(console: Stage, line: Line, operator: Client) -> None:
    _, case = await red(line)
    done = await send(operator, case, "note", what="note", note="x", headers=JSON)
    assert (done.status_code, done.json()["answer"]) == (200, "done")
    refused = await send(operator, case, "close", reason="重复案件", headers=JSON)
    assert (refused.status_code, refused.json()["answer"]) == (409, "refused")
    assert "备注: 备注：x" in refused.json()["changes"]
    assert refused.json()["version"] > case.version
    wrong = await send(operator, case, "close", reason="", headers=JSON)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "reason")


async def test_what_cannot_be_undone_is_looked_at_once_more(console: Stage, line: Line, operator: Client) -> None:
    resident, case = await red(line)
    asked = await send(operator, case, "outcome", outcome="dissuaded", ground="relative", note="已答应", sure="")
    assert asked.status_code == 409
    assert "请再核对一遍" in asked.text
    assert 'name="sure" value="yes"' in asked.text
    assert "已答应" in asked.text
    await line.settle()
    assert not (await line.case(resident)).settled


async def test_acting_on_a_case_that_another_has_is_asked_about_and_what_was_said_is_not(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as holder:
        assert (await holder.post(f"/cases/{case.id}/claim", headers=JSON)).status_code == 200
        await line.settle()
        now = await line.case(resident)
        asked = await send(operator, now, "send_officer", reason="去看看", headers=JSON)
        assert (asked.status_code, asked.json()["ask"]) == (409, "anyway")
        assert holder.account.name in asked.json()["words"]
        late = await send(operator, case, "send_officer", reason="去看看", anyway="同事已离岗", headers=JSON)
        told = "\n".join(late.json()["changes"])
        assert f"{holder.account.name} 接手" in told, "who acts on an old page reads names, no logins"
        assert holder.account.login not in told
        page = await send(operator, now, "send_officer", reason="去看看")
        assert 'name="anyway" required' in page.text
        assert "去看看" in page.text
        assert (await send(operator, now, "note", what="note", note="他打来过")).status_code == 303
        short = await send(operator, now, "send_officer", reason="去看看", anyway="y", headers=JSON)
        assert (short.status_code, short.json()["field"]) == (422, "anyway")
        await done(console, operator, case, "send_officer", reason="去看看", anyway="同事已离岗")
        await line.settle()
        assert OfficerAskedFor("去看看") in [fact.what for fact in await line.facts(resident)]
        assert "同事已离岗" in [entry.reason for entry in await audited(console, "send-officer", case.id)]


@pytest.mark.parametrize(
    ("do", "fields", "words"),
    [
        ("outcome", {"outcome": "dissuaded", "lost": "很多"}, "金额请写成数字"),
        ("outcome", {"outcome": "perhaps"}, "请选择结果"),
        ("lower", {"level": "yellow", "reason": "x"}, "请写明原因"),
        ("call_again", {"when": "soon"}, "时间请写成 YYYY-MM-DD HH:MM，如 2026-03-02 09:30"),
        ("recording", {"link": "javascript:alert(1)"}, "请填写 https://"),
        ("recording", {"link": "http://recorder.example/1"}, "请填写 https://"),
        ("close", {"reason": " "}, "请写明原因"),
        ("fly", {}, "不认识的操作"),
    ],
)
async def test_a_form_that_is_wrong_says_what_and_changes_nothing(
    console: Stage, line: Line, operator: Client, do: str, fields: dict[str, str], words: str
) -> None:
    resident, case = await red(line)
    answer = await send(operator, case, do, fields)
    assert (answer.status_code, words in answer.text) == (422, True)
    await line.settle()
    assert operator.account.login not in {fact.by for fact in await line.facts(resident)}


async def test_who_has_put_down_what_came_of_a_call_is_free_of_the_case_and_another_may_take_it_at_once(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    assert (await operator.post(f"/cases/{case.id}/claim", headers=JSON)).status_code == 200
    await line.settle()
    put_down = await send(operator, await line.case(resident), "outcome", outcome="unreachable", headers=JSON)
    assert put_down.status_code == 200
    assert await console.services.desk.leased([case.id]) == [False]
    async with await console.signed_in(StaffRole.OPERATOR) as other:
        assert (await other.post(f"/cases/{case.id}/claim", headers=JSON)).status_code == 200
