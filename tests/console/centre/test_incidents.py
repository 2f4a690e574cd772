"""Major incidents: a campaign's board, declared and ended by a supervisor, acts on many cases each written once."""

import asyncio
import re
import secrets

import pytest

from console.web.kit.pages import date_time
from domain.ids import short_hash
from domain.wording import labels
from schemas.casework.events import FactKind
from schemas.codes.people import Noted
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from streams.operations import rules
from streams.repositories.tables import Incidents
from tests.console.harness.audit import audited, unaudited
from tests.console.harness.stage import Client, Stage, first_banner
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import confirmed, transfer

SEEN_SECONDS = 10.0


def form(**fields: str | list[str]) -> dict[str, str | list[str]]:
    return {"form": secrets.token_hex(10), **fields}


async def campaign(console: Stage, line: Line, count: int = 3) -> tuple[str, list[Resident]]:
    """Residents who are paying one confirmed scammer; the console has their cases."""
    mule, residents = line.account(), [await line.resident() for _ in range(count)]
    await line.signal(confirmed(line, mule), *(transfer(line, each, mule) for each in residents))
    cases = [await line.case(each) for each in residents]

    async def there() -> bool:
        rows = console.services.hub.rows
        return all(case.id in rows and rows[case.id].case.version >= case.version for case in cases)

    await until(there, SEEN_SECONDS)
    (name,) = {case.danger.campaign for case in cases}
    assert name is not None
    return name, residents


async def declared(client: Client, name: str, **fields: str) -> str:
    given = form(**({"reason": "多人被同一账户骗", "script": "请先问是否已转账"} | fields))
    answer = await client.post(f"/incidents/{name}/declare", data=given)
    assert answer.status_code == 303, answer.text
    return f"m{_short(given)}"


def _short(given: dict[str, str | list[str]]) -> str:
    return short_hash("form", str(given["form"]), "incident")


async def test_a_campaign_of_several_residents_is_listed_and_has_a_board(console: Stage, line: Line) -> None:
    name, residents = await campaign(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert name in (await client.get("/incidents")).text
        assert name not in (await client.get("/incidents", params={"least": 4})).text
        board = (await client.get(f"/incidents/{name}")).text
        assert all(f"/cases/{each.id}-1" in board for each in residents)
        assert all(each.phones[0].value[3:] not in board for each in residents)
        assert "¥90,000" in board  # three times 30,000 on their way


async def test_a_campaign_is_called_by_its_scam_its_place_and_its_time_and_the_id_is_a_detail(
    console: Stage, line: Line
) -> None:
    name, residents = await campaign(console, line)
    opened = min([(await line.case(each)).opened_at for each in residents])
    scam = labels.scam((await line.case(residents[0])).danger.scam_type)
    async with await console.signed_in(StaffRole.SUPERVISOR) as chief:
        listed = (await chief.get("/incidents")).text
        (link,) = re.findall(rf'<a href="/incidents/{name}">(.*?)</a>(.*?)</th>', listed)
        assert link[0].startswith(f"{scam} · ")
        assert name not in link[0]
        assert f"{date_time(opened)} 起" in link[1]
        assert name in link[1]
        title = link[0]
        assert title in (await chief.get(f"/incidents/{name}")).text.partition("</h1>")[0]
        incident = await declared(chief, name)
        assert f">{title}</a>" in await first_banner(chief)
        assert f">{title}</a>" in (await chief.get("/handover")).text
        board = (await chief.get(f"/incidents/{name}")).text
        assert re.search(rf"重大警情 · [^<]* · {chief.account.name}</h2>", board)
        await chief.post(f"/incidents/{name}/end", data=form(incident=incident, reason="结束了"))
        assert f"{title} · {chief.account.name}: 结束了" in (await chief.get("/incidents")).text


async def test_a_hold_on_a_campaign_is_called_like_the_campaign(console: Stage, line: Line) -> None:
    name, residents = await campaign(console, line)
    scam = labels.scam((await line.case(residents[0])).danger.scam_type)
    async with await console.signed_in(StaffRole.SUPERVISOR) as chief:
        given = form(kind="mute", campaign=name, reason="网关故障") | {"for": "1h"}
        looked = (await chief.post("/holds/look", data=given)).text
        assert (await chief.post("/holds", data=given)).status_code == 303
        listed = (await chief.get("/holds")).text
        for hold in await rules.holds_in_force(console.house.line):
            await rules.lift(console.house.line, hold.id, "test", "the test is over", "drop")
    for text in (looked, listed):
        assert re.search(rf"串并线索：{scam} · [^<]+ <small>[^<]+ 起 · <span title=.*?>{name}</span></small>", text)


async def test_another_prefecture_sees_neither_board_nor_stream(console: Stage, line: Line) -> None:
    name, _ = await campaign(console, line)
    async with await console.signed_in(StaffRole.SUPERVISOR, area="2224") as client:
        assert name not in (await client.get("/incidents")).text
        assert (await client.get(f"/incidents/{name}")).status_code == 404
        assert (await client.get(f"/incidents/{name}/live")).status_code == 404
        assert (await client.post(f"/incidents/{name}/declare", data=form(reason="想看看"))).status_code == 404


async def test_the_board_s_stream_ends_when_the_account_is_disabled(console: Stage, line: Line) -> None:
    name, _ = await campaign(console, line)
    async with (
        asyncio.timeout(20),
        await console.signed_in(StaffRole.SUPERVISOR) as client,
        client.stream("GET", f"/incidents/{name}/live") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "event: ready"
        await console.services.staff.put(client.account.model_copy(update={"disabled": True}))
        async for _ in lines:  # it ends
            continue


async def test_a_major_incident_is_declared_once_outlives_redis_and_is_ended_with_a_reason(
    console: Stage, line: Line
) -> None:
    name, _ = await campaign(console, line)
    settings, redis = console.house.settings, console.house.line.redis
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        incident = await declared(client, name)
        again = await client.post(f"/incidents/{name}/declare", data=form(reason="再来一次"))
        assert again.status_code == 409
        assert "请先问是否已转账" in (await client.get(f"/incidents/{name}")).text
        await redis.delete("incidents")
        await Incidents(settings, redis, console.house.line.producer).restore()
        assert (await console.house.line.incidents.get(incident)) is not None
        assert (await client.post(f"/incidents/{name}/end", data=form(incident=incident))).status_code == 422
        given = form(incident=incident, reason="均已劝阻")
        assert (await client.post(f"/incidents/{name}/end", data=given)).status_code == 303
        assert (await client.post(f"/incidents/{name}/end", data=given)).status_code == 409
        assert f"{client.account.name}: 均已劝阻" in (await client.get("/incidents")).text
    found = await console.house.line.incidents.get(incident)
    assert found is not None
    assert (found.in_force, found.end_reason) == (False, "均已劝阻")


async def test_no_incident_is_declared_or_changed_without_its_audit_entry_and_a_form_sent_twice_has_one(
    console: Stage, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = await campaign(console, line)
    given = form(reason="多人被同一账户骗", script="请先问是否已转账")
    incident = f"m{_short(given)}"
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        with monkeypatch.context() as away:
            unaudited(away)
            assert (await client.post(f"/incidents/{name}/declare", data=given)).status_code == 503
        assert await console.house.line.incidents.get(incident) is None
        for _ in range(2):
            assert (await client.post(f"/incidents/{name}/declare", data=given)).status_code == 303
        script = form(incident=incident, script="不要让他挂电话")
        for _ in range(2):
            assert (await client.post(f"/incidents/{name}/script", data=script)).status_code == 303
        with monkeypatch.context() as away:
            unaudited(away)
            end = form(incident=incident, reason="均已劝阻")
            assert (await client.post(f"/incidents/{name}/end", data=end)).status_code == 503
        acts = [entry.act for entry in await audited(console, on=incident, by=client.account.login)]
    assert acts == ["incident-declared", "incident-script"]
    found = await console.house.line.incidents.get(incident)
    assert found is not None
    assert found.in_force


async def test_the_news_tell_operators_of_the_area_and_no_others(console: Stage, line: Line) -> None:
    name, _ = await campaign(console, line)
    async with await console.signed_in(StaffRole.SUPERVISOR) as chief:
        incident = await declared(chief, name)
        async with await console.signed_in(StaffRole.OPERATOR) as client:
            assert name in await first_banner(client)
        async with await console.signed_in(StaffRole.OPERATOR, area="2224") as client:
            assert name not in await first_banner(client)
        await chief.post(f"/incidents/{name}/end", data=form(incident=incident, reason="结束了"))


async def test_operators_declare_nothing(console: Stage, line: Line) -> None:
    name, _ = await campaign(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert (await client.post(f"/incidents/{name}/declare", data=form(reason="不可以"))).status_code == 403


async def test_an_act_on_many_cases_is_looked_at_again_and_each_is_written_once(console: Stage, line: Line) -> None:
    name, residents = await campaign(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        cases = [f"{each.id}-1" for each in residents[:2]]
        given = form(case=cases, do="note", text="同一团伙，账户已上报")
        look = await client.post(f"/incidents/{name}/look", data=given)
        assert look.status_code == 200
        assert all(case in look.text for case in cases)
        assert f"{residents[2].id}-1" not in look.text
        for case in [*cases, cases[0]]:
            one = {"form": given["form"], "do": "note", "text": given["text"], "seen": "1"}
            answer = await client.post(f"/incidents/{name}/cases/{case}", data=one)
            assert answer.json()["how"] in ("done", "waiting")
    await line.settle()
    for resident, count in zip(residents, (1, 1, 0), strict=True):
        notes = [
            fact
            for fact in await line.facts(resident, FactKind.NOTE)
            if isinstance(fact.what, Noted) and "同一团伙" in fact.what.text
        ]
        assert len(notes) == count


async def test_an_act_on_a_case_that_has_changed_is_refused_in_words(console: Stage, line: Line) -> None:
    name, residents = await campaign(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        given = form(do="send_officer", text="请上门", seen="0")
        answer = (await client.post(f"/incidents/{name}/cases/{residents[0].id}-1", data=given)).json()
        assert (answer["how"], "已经更新" in answer["words"]) == ("refused", True)
        other = await client.post(f"/incidents/k-other/cases/{residents[0].id}-1", data=given)
        assert other.status_code == 404
