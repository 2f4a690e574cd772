"""The case page over HTTP: what it shows and to whom, each act, what is refused, and a stop that is kept back."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import orjson
import pytest
import pytest_asyncio
from babel.messages.pofile import read_po

from console.web import unmask
from console.web.case import labels
from console.web.case.facts import RULES, told
from console.web.case.kept_back import ACTS, DUE, SENDING
from console.web.case.scripts import SCRIPTS, read, tree_of
from console.web.i18n import LOCALE, translations
from schemas.audit import AuditEntry
from schemas.cases import Case, CaseState, StopState
from schemas.events import FactKind
from schemas.incidents import Incident
from schemas.levels import Outcome
from schemas.residents import Flag, Resident
from schemas.staff import StaffRole
from streams import audit_log
from streams.keys import key
from streams.topics import home
from tests.console.stage import CHANGCHUN, Client, Stage
from tests.line.house import until
from tests.line.rig import Line
from tests.line.signals import call, confirmed, transfer

SECONDS = 15.0
JSON = {"accept": "application/json"}
YANBIAN = "222401001"
WEB = Path(__file__).parents[2] / "console" / "web"


@pytest_asyncio.fixture(loop_scope="session")
async def line(console: Stage) -> AsyncIterator[Line]:
    """A test's own residents, whose cases are closed at its end."""
    begun = console.line()
    try:
        yield begun
    finally:
        await begun.end()


@pytest_asyncio.fixture(loop_scope="session")
async def operator(console: Stage) -> AsyncIterator[Client]:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        yield client


async def red(line: Line, **fields: object) -> tuple[Resident, Case]:
    """Somebody whose money is moving while the scammer talks."""
    resident = await line.resident(**fields)  # type: ignore[arg-type]  # as the rig's
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    return resident, await line.case(resident)


async def send(
    client: Client,
    case: Case,
    do: str,
    fields: Mapping[str, str] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> httpx.Response:
    """Send a form of the page, as it is filled in."""
    form = {"form": secrets.token_hex(10), "seen": str(case.version), "do": do, "sure": "yes"}
    return await client.post(f"/cases/{case.id}/acts", data={**form, **(fields or {}), **more}, headers=headers)


async def done(
    console: Stage, client: Client, case: Case, do: str, fields: Mapping[str, str] | None = None, **more: str
) -> None:
    """Send a form as somebody does who looks again when the case has gone on meanwhile: the line does not wait."""
    for _ in range(10):
        answer = await send(client, await latest(console, case), do, {**(fields or {}), **more})
        if answer.status_code != 409 or "您看到的内容已经更新" not in answer.text:
            break
    assert answer.status_code == 303, answer.text


async def looks(console: Stage, on: str) -> list[AuditEntry]:
    """What the audit says was done to something, the oldest first."""
    found = await audit_log.newest(console.house.settings, audit_log.Wanted(on=on), 100)
    return [told.entry for told in reversed(found.lines)]


def notes(case_facts: list[str], words: str) -> bool:
    return any(words in each for each in case_facts)


# ------------------------------------------------------------ what is shown, and to whom


async def test_the_page_tells_why_who_what_was_done_and_what_comes_next(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line, friends=1, flags=frozenset({Flag.HARD_OF_HEARING}))
    page = await operator.get(f"/cases/{case.id}")
    assert page.status_code == 200
    for words in (
        *case.danger.reasons,
        "GOIP 设备来电",
        "首次向陌生账户付款",
        "¥30,000",
        "听力不便",
        "长春市",
        "上门劝阻",
    ):
        assert words in page.text
    assert 'class="countdown"' in page.text
    assert resident.name not in page.text
    assert resident.phones[0].value.removeprefix("+86") not in page.text
    assert resident.contacts[0].phone.removeprefix("+86") not in page.text
    assert resident.accounts[0].value not in page.text


async def test_a_look_is_in_the_audit_and_the_parts_of_an_open_page_are_no_further_look(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    await operator.get(f"/cases/{case.id}")
    for part in ("parts", "story"):
        assert (await operator.get(f"/cases/{case.id}/{part}")).status_code == 200
    written = await looks(console, case.id)
    assert [(entry.by, entry.act) for entry in written] == [(operator.account.login, "look-case")]
    async with await console.signed_in(StaffRole.SUPERVISOR) as other:
        await other.get(f"/cases/{case.id}/parts")
    assert [entry.by for entry in await looks(console, case.id)][1:] == [other.account.login]


async def test_a_case_of_another_area_is_not_there_and_who_asks_cannot_tell(console: Stage, line: Line) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR, "2224") as foreign:
        for path in ("", "/parts", "/story", "/events"):
            there, nowhere = [await foreign.get(f"/cases/{name}{path}") for name in (case.id, f"r{'b' * 16}-1")]
            assert (there.status_code, nowhere.status_code) == (404, 404)
            texts = [re.sub(r"[0-9]+|r[a-z2-7]{16}", "", answer.text) for answer in (there, nowhere)]
            assert texts[0] == texts[1]
        assert (await send(foreign, case, "note", what="note", note="x")).status_code == 404
        assert (await foreign.post(f"/cases/{case.id}/undo", data={"undo": "x"})).status_code == 404
    assert await looks(console, case.id) == []


async def test_an_auditor_reads_a_case_and_cannot_act_on_it(console: Stage, line: Line) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.AUDITOR) as auditor:
        page = await auditor.get(f"/cases/{case.id}")
        assert page.status_code == 200
        assert "data-act=" not in page.text
        assert (await send(auditor, case, "note", what="note", note="x")).status_code == 403


async def test_unmasked_the_data_is_readable_for_this_person_alone(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    who = await console.services.sessions.find(operator.token)
    assert who is not None
    await unmask.begin(console.services, who, case.id, resident.id, "核对身份", "")
    page = await operator.get(f"/cases/{case.id}")
    assert resident.name in page.text
    assert resident.phones[0].value in page.text
    async with await console.signed_in(StaffRole.OPERATOR) as other:
        assert resident.phones[0].value not in (await other.get(f"/cases/{case.id}")).text


async def test_cases_of_the_same_campaign_are_named_in_the_area_and_counted_elsewhere(
    console: Stage, line: Line, operator: Client
) -> None:
    mule = line.account()
    await line.signal(confirmed(line, mule))
    here, near, far = await line.resident(), await line.resident(), await line.resident(division=YANBIAN)
    for each in (here, near, far):
        await line.signal(transfer(line, each, mule))
    cases = [await line.case(each) for each in (here, near, far)]
    assert len({case.danger.campaign for case in cases}) == 1

    async def known() -> bool:
        return all(case.id in console.services.hub.rows for case in cases)

    await until(known, SECONDS)
    page = (await operator.get(f"/cases/{cases[0].id}")).text
    assert f'href="/cases/{cases[1].id}"' in page
    assert cases[2].id not in page
    assert "其他辖区另有 1 起" in page


async def test_of_a_major_incident_the_page_has_what_all_are_to_say(
    console: Stage, line: Line, operator: Client
) -> None:
    mule = line.account()
    await line.signal(confirmed(line, mule))
    resident = await line.resident()
    await line.signal(transfer(line, resident, mule))
    case = await line.case(resident)
    incidents = console.services.line.incidents
    declared = Incident(
        id=f"m{secrets.token_hex(10)}",
        campaign=case.danger.campaign or "",
        area=CHANGCHUN,
        at=console.house.clock.now(),
        by="supervisor-1",
        reason="多人被同一账户骗",
        script="先问是否已经转账",
    )
    await incidents.put(declared)
    assert "先问是否已经转账" in (await operator.get(f"/cases/{case.id}")).text
    ended = {"ended_at": console.house.clock.now(), "ended_by": "supervisor-1"}
    await incidents.put(declared.model_copy(update=ended))
    assert "先问是否已经转账" not in (await operator.get(f"/cases/{case.id}")).text


async def test_another_case_of_the_resident_is_named(console: Stage, line: Line, operator: Client) -> None:
    resident, case = await red(line)
    other = case.model_copy(update={"id": f"{resident.id}-2", "number": 2, "state": CaseState.CLOSED})
    redis, partition = console.services.line.redis, home(resident.id, console.house.settings.partitions)
    await redis.hset(key("earlier", partition), other.id, other.model_dump_json())
    page = (await operator.get(f"/cases/{case.id}")).text
    assert f'href="/cases/{other.id}"' in page
    await redis.hdel(key("earlier", partition), other.id)


async def test_the_story_is_told_in_the_language_of_the_page(console: Stage, line: Line, operator: Client) -> None:
    _, case = await red(line)
    await line.advance(minutes=1)
    await send(operator, await latest(console, case), "note", what="note", note="她说在开会")
    page = (await operator.get(f"/cases/{case.id}/story")).text
    assert 'data-whole="yes"' in page
    for words in ("立案", "闪信提醒第 1 次", "备注：她说在开会"):
        assert words in page
    english = (await operator.get(f"/cases/{case.id}/story", headers={"accept-language": "en"})).text
    assert "Note: 她说在开会" in english
    assert "Opened" in english


async def latest(console: Stage, case: Case) -> Case:
    found = await console.house.case(case.resident)
    assert found is not None
    return found


# ------------------------------------------------------------ each act


ACTS_AND_FACTS: list[tuple[str, dict[str, str], str]] = [
    ("note", {"what": "note", "note": "第一次没接"}, "note: 第一次没接"),
    ("note", {"what": "code_confirmed", "note": ""}, "code_confirmed"),
    ("three_way", {"with": "女儿", "note": "一起劝"}, "three way call: 女儿，一起劝"),
    ("recording", {"link": "https://recorder.example/calls/17"}, "recording: https://recorder.example/calls/17"),
    ("recording", {"link": "REC-2026-000017"}, "recording: REC-2026-000017"),
    ("answers", {"script": "police", "question": "opening", "answer": "yes"}, "script police: opening=yes"),
    ("answers", {"script": "police", "heard": "secret"}, "script police: heard.secret=yes"),
    ("send_officer", {"reason": "不接电话"}, "an officer is asked for: 不接电话"),
    ("call_again", {"when": "2026-03-02T18:30"}, "call again at"),
    ("tell_contact", {"contact": "0"}, "trusted contact 0 is to be told"),
    ("confirm", {"reason": "已与本人核实"}, "confirmed: 已与本人核实"),
    ("lower", {"level": "yellow", "reason": "已核实，无转账意图"}, "red to yellow: 已核实，无转账意图"),
    ("close", {"reason": "重复案件"}, "重复案件"),
]


@pytest.mark.parametrize(
    ("do", "fields", "words"), ACTS_AND_FACTS, ids=[f"{do}-{n}" for n, (do, *_) in enumerate(ACTS_AND_FACTS)]
)
async def test_an_act_by_its_form_reaches_the_case_with_its_line_of_the_audit(
    console: Stage, line: Line, operator: Client, do: str, fields: dict[str, str], words: str
) -> None:
    resident, case = await red(line, friends=1)
    await done(console, operator, case, do, fields)
    await line.settle()
    facts = [fact for fact in await line.facts(resident) if words in fact.words]
    assert [fact.by for fact in facts] == [operator.account.login]
    assert operator.account.login in {entry.by for entry in await looks(console, case.id)}


async def test_an_outcome_keeps_the_amount_that_was_named_of_each_payment(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    (payment,) = case.payments
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


async def test_answers_are_shown_to_the_next_operator_who_goes_on_where_they_ended(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
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
    facts = [fact.words for fact in await line.facts(resident, FactKind.NOTE)]
    assert facts.count("note: 只算一次") == 1


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
    assert "记录: 备注：x" in refused.json()["changes"]
    assert refused.json()["version"] > case.version
    wrong = await send(operator, case, "close", reason="", headers=JSON)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "reason")


async def test_what_cannot_be_undone_is_looked_at_once_more(console: Stage, line: Line, operator: Client) -> None:
    resident, case = await red(line)
    asked = await send(operator, case, "outcome", outcome="dissuaded", note="已答应", sure="")
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
        page = await send(operator, now, "send_officer", reason="去看看")
        assert 'name="anyway" value="yes"' in page.text
        assert "去看看" in page.text
        assert (await send(operator, now, "note", what="note", note="他打来过")).status_code == 303
        await done(console, operator, case, "send_officer", reason="去看看", anyway="yes")
        await line.settle()
        assert notes([fact.words for fact in await line.facts(resident)], "an officer is asked for: 去看看")


@pytest.mark.parametrize(
    ("do", "fields", "words"),
    [
        ("outcome", {"outcome": "dissuaded", "lost": "很多"}, "金额请写成数字"),
        ("outcome", {"outcome": "perhaps"}, "请选择结果"),
        ("lower", {"level": "yellow", "reason": "x"}, "请写明原因"),
        ("call_again", {"when": "soon"}, "请选择日期和时间"),
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


# ------------------------------------------------------------ a stop that is kept back


async def stop(console: Stage, client: Client, case: Case) -> dict[str, object]:
    (payment,) = case.payments
    for _ in range(10):
        now = await latest(console, case)
        answer = await send(client, now, "ask_stop", transfer=payment.transfer, headers=JSON)
        if answer.status_code != 409:
            break
    assert answer.status_code == 202, answer.text
    told: dict[str, object] = answer.json()
    assert told["answer"] == "waiting"
    return told


async def test_a_stop_can_be_taken_back_before_it_is_sent(console: Stage, line: Line, operator: Client) -> None:
    resident, case = await red(line)
    told = await stop(console, operator, case)
    assert "止付即将发出" in (await operator.get(f"/cases/{case.id}")).text
    undone = await operator.post(f"/cases/{case.id}/undo", data={"undo": told["undo"]}, headers=JSON)
    assert (undone.status_code, undone.json()["answer"]) == (200, "done")
    again = await operator.post(f"/cases/{case.id}/undo", data={"undo": told["undo"]}, headers=JSON)
    assert (again.status_code, again.json()["answer"]) == (409, "refused")
    assert not await console.services.line.redis.hexists(ACTS, str(told["undo"]))
    assert not notes([fact.words for fact in await line.facts(resident)], "a stop-payment is asked for")
    assert "ask-stop-undone" in {entry.act for entry in await looks(console, case.id)}


async def test_a_stop_goes_to_the_bank_when_its_seconds_are_over_though_the_case_has_changed(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    await stop(console, operator, case)
    await send(operator, case, "note", what="note", note="等银行")

    async def asked() -> bool:
        (payment,) = (await latest(console, case)).payments
        return payment.stop is not None and payment.stop.state in (StopState.ASKED, StopState.IN_FORCE)

    await until(asked, SECONDS)
    await line.settle()
    facts = [fact.words for fact in await line.facts(resident)]
    assert facts.count("a stop-payment is asked for") == 1
    written = [entry for entry in await looks(console, case.id) if entry.act == "ask-stop"]
    assert [entry.by for entry in written] == [operator.account.login]


async def test_what_a_stopped_console_had_kept_back_is_sent_by_the_next(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    told = await stop(console, operator, case)
    redis, now = console.services.line.redis, console.services.line.clock.wall.time()
    async with redis.pipeline(transaction=True) as pipe:
        pipe.zrem(DUE, str(told["undo"]))
        pipe.zadd(SENDING, {str(told["undo"]): round((now - 60) * 1000)})
        await pipe.execute()

    async def asked() -> bool:
        (payment,) = (await latest(console, case)).payments
        return payment.stop is not None and not await redis.zscore(SENDING, str(told["undo"]))

    await until(asked, SECONDS)
    await line.settle()
    facts = [fact.words for fact in await line.facts(resident)]
    assert facts.count("a stop-payment is asked for") == 1


async def test_another_operator_cannot_take_a_stop_back_and_a_supervisor_can(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    told = await stop(console, operator, case)
    async with await console.signed_in(StaffRole.OPERATOR) as other:
        answer = await other.post(f"/cases/{case.id}/undo", data={"undo": told["undo"]}, headers=JSON)
        assert answer.status_code == 409
    async with await console.signed_in(StaffRole.SUPERVISOR) as supervisor:
        answer = await supervisor.post(f"/cases/{case.id}/undo", data={"undo": told["undo"]}, headers=JSON)
        assert answer.status_code == 200


async def test_a_stop_that_was_seen_on_an_old_screen_is_refused_at_once(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    await send(operator, case, "note", what="note", note="x")
    (payment,) = case.payments
    answer = await send(operator, case, "ask_stop", transfer=payment.transfer, headers=JSON)
    assert answer.status_code == 409


# ------------------------------------------------------------ live


async def test_a_page_that_is_open_is_told_what_another_does_and_not_what_its_person_does(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    heard: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    begun = asyncio.Event()

    async def listen() -> None:
        async with operator.stream("GET", f"/cases/{case.id}/events", timeout=60) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for text in stream.aiter_lines():
                if text.startswith("event: begin"):
                    begun.set()
                elif text.startswith("data: {"):
                    heard.put_nowait(orjson.loads(text.removeprefix("data: ")))

    task = asyncio.create_task(listen())
    try:
        await asyncio.wait_for(begun.wait(), SECONDS)
        await send(operator, case, "note", what="note", note="我写的")
        async with await console.signed_in(StaffRole.OPERATOR) as other:
            await send(other, case, "note", what="note", note="别人写的")
        told: list[dict[str, object]] = []
        while not told or "别人写的" not in str(told[-1]["words"]):
            told.append(await asyncio.wait_for(heard.get(), SECONDS))
        assert told[-1]["grave"]
        assert "我写的" not in str(told)
        assert [each["version"] for each in told] == sorted({int(str(each["version"])) for each in told})
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_the_parts_of_an_open_page_show_what_has_become_of_the_case(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    await done(console, operator, case, "outcome", outcome="dissuaded")
    await line.settle()
    parts = (await operator.get(f"/cases/{case.id}/parts")).text
    assert "<html" not in parts
    assert "已劝阻" in parts
    assert 'id="act-call_again"' not in parts


# ------------------------------------------------------------ words


async def test_the_deployed_scripts_are_found_and_read() -> None:
    assert tree_of("police").scam == "police"
    assert tree_of("something-new").scam == "general"
    assert len(read(SCRIPTS)) == 11


async def test_every_text_of_the_page_is_in_each_language() -> None:
    texts = set(labels.ALL) | {rule.words for rule in RULES}
    for file in sorted((WEB / "templates").glob("case*.html")):
        source = file.read_text("utf-8")
        texts |= {found[1] or found[2] for found in re.finditer(r"_\((?:\"([^\"]*)\"|'([^']*)')\)", source)}
        trans = re.findall(r"\{% trans [^%]*%\}(.*?)\{% endtrans %\}", source)
        texts |= {re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", text) for text in trans}
    for file in (*(WEB / "case").glob("*.py"), WEB / "routes" / "case.py", WEB / "routes" / "case_acts.py"):
        source = file.read_text("utf-8")
        texts |= set(re.findall(r"translate\((?:request, )?\"([^\"]*)\"", source))
        texts |= set(re.findall(r"FormError\([^,]*, \"([^\"]*)\"", source))
    for language in ("en", "ko"):
        catalogue = translations(language)
        assert {text for text in texts if catalogue.gettext(text) == text and re.search("[一-鿿]", text)} == set()


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_translation_keeps_what_is_put_into_its_text(language: str) -> None:
    with (LOCALE / language / "case.po").open("rb") as file:
        entries = [message for message in read_po(file) if message.id]
    for message in entries:
        names = re.findall(r"%\((\w+)\)s", str(message.id))
        assert sorted(names) == sorted(re.findall(r"%\((\w+)\)s", str(message.string))), message.id


@pytest.mark.parametrize(
    ("words", "chinese"),
    [
        ("flash sms, attempt 1: delivered", "闪信提醒第 1 次：已送达"),
        ("robot call, attempt 2: busy, late", "机器人外呼第 2 次：忙线（迟到）"),
        ("red to yellow: 已核实", "红 → 黄：已核实"),
        ("dissuaded, says li: 女儿在", "li 登记：已劝阻。女儿在"),
        ("the stop runs out at 2026-03-04 03:20 UTC; it is asked again", "止付 03-04 11:20 到期，将续止付"),
        ("script police: opening=yes; heard.secret=yes", "问答（冒充公检法）：方便；被要求保密"),
        ("what nobody has a rule for", "what nobody has a rule for"),
        ("call me, attempt 1: please", "call me, attempt 1: please"),
    ],
)
async def test_a_fact_is_told_in_chinese_and_what_a_person_wrote_as_it_was_written(words: str, chinese: str) -> None:
    assert told(words, lambda text: text, tree_of) == chinese
