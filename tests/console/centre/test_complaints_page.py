"""A complaint is taken down at any desk, answered and decided by its clocks; what follows from it is done."""

import secrets
from datetime import timedelta

import pytest

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.kit.services import Services
from domain.ids import short_hash
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.codes.people import ReleaseWanted
from schemas.people.complaints import Complaint, ComplaintState, Deed
from schemas.people.residents import Flag
from schemas.people.staff import StaffRole
from streams.repositories.tables import Complaints
from tests.console.harness.audit import audited, unaudited
from tests.console.harness.case_forms import reveal
from tests.console.harness.stage import Client, Stage
from tests.console.harness.stops import stopped
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app

YANBIAN = "222401"


def form(**fields: str) -> dict[str, str]:
    return {"form": secrets.token_hex(10), **fields}


async def taken(client: Client, **fields: str) -> str:
    """A complaint is taken down; its id."""
    given = form(**({"kind": "too_often", "text": "一天打了五次"} | fields))
    answer = await client.post("/complaints", data=given)
    assert answer.status_code in (200, 303), answer.text
    return f"k{short_hash('form', given['form'], 'complaint')}"


async def kept(console: Stage, name: str) -> Complaint:
    found = await console.house.line.complaints.get(name)
    assert found is not None
    return found


def absent() -> Complaint:
    raise AssertionError("the complaint is not there")


async def done(client: Client, name: str, how: str, seen: int, **fields: str) -> int:
    answer = await client.post(f"/complaints/{name}/{how}", data=form(seen=str(seen), **fields))
    return answer.status_code


async def test_no_complaint_is_stored_or_answered_without_its_audit_entry_and_a_form_sent_twice_has_one(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = form(kind="too_often", text="一天打了五次")
    name = f"k{short_hash('form', given['form'], 'complaint')}"
    async with await console.signed_in(StaffRole.RELEASE_DESK) as client:
        with monkeypatch.context() as away:
            unaudited(away)
            assert (await client.post("/complaints", data=given)).status_code == 503
        assert await console.house.line.complaints.get(name) is None
        for _ in range(2):
            assert (await client.post("/complaints", data=given)).status_code == 200
        answer = form(seen="1", note="已致歉，并说明原因")
        with monkeypatch.context() as away:
            unaudited(away)
            assert (await client.post(f"/complaints/{name}/answer", data=answer)).status_code == 503
        assert (await kept(console, name)).version == 1
        for _ in range(2):
            assert (await client.post(f"/complaints/{name}/answer", data=answer)).status_code == 303
        acts = [entry.act for entry in await audited(console, on=name, by=client.account.login)]
    assert acts == ["complaint-taken", "complaint-answered"]


async def test_a_complaint_goes_its_way_and_each_form_counts_once(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.RELEASE_DESK) as client:
        name = await taken(client)
        assert await done(client, name, "assign", 1, to=client.account.login) == 303
        answer = form(seen="2", note="已致歉，并说明原因")
        for _ in range(2):
            assert (await client.post(f"/complaints/{name}/answer", data=answer)).status_code == 303
        assert await done(client, name, "decide", 3, upheld="yes", note="确实过多") == 303
        assert await done(client, name, "decide", 4, upheld="no", note="改主意") == 409
    found = await kept(console, name)
    assert found.state is ComplaintState.UPHELD
    assert [entry.did for entry in found.entries] == [Deed.TAKEN, Deed.ASSIGNED, Deed.ANSWERED, Deed.UPHELD]


async def test_the_words_of_a_complaint_have_no_numbers_until_the_resident_s_data_is_revealed(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        name = await taken(client, text="女儿 13900000001 已投诉", case=stop.case.id)
        assert await done(client, name, "answer", 1, note="已回电 13900000002") == 303
        page = (await client.get(f"/complaints/{name}")).text
        assert "女儿 *******0001 已投诉" in page
        assert "已回电 *******0002" in page
        assert (await reveal(client, stop.case, why="answering", reason="回复投诉人")).status_code == 303
        page = (await client.get(f"/complaints/{name}")).text
    assert "女儿 13900000001 已投诉" in page
    assert "已回电 13900000002" in page
    assert 'class="watermark"' in page


async def test_the_second_of_two_at_once_sees_what_changed_and_keeps_the_text(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        name = await taken(client)
        assert await done(client, name, "answer", 1, note="第一位的答复") == 303
        late = await client.post(f"/complaints/{name}/answer", data=form(seen="1", note="第二位写了很久"))
        assert late.status_code == 409
        assert "第一位的答复" in late.text
        assert "第二位写了很久" in late.text


async def test_a_version_of_thousands_of_digits_is_one_that_nobody_saw(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        name = await taken(client)
        answer = await client.post(f"/complaints/{name}/answer", data=form(seen="9" * 5000, note="已回电"))
        assert answer.status_code == 409


async def test_what_is_owed_and_late_is_shown_to_supervisors(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        name = await taken(client)
        assert "已超期" not in (await client.get(f"/complaints/{name}")).text
        yesterday = {"answer_due": console.house.clock.now() - timedelta(hours=1)}
        await console.house.line.complaints.change(name, lambda known: (known or absent()).model_copy(update=yesterday))
        assert "已超期" in (await client.get(f"/complaints/{name}")).text
        page = (await client.get("/complaints")).text
        assert "已超期" in page
        assert name[:9] in page


async def test_an_upheld_complaint_clears_the_case_and_flags_the_resident(console: Stage, line: Line) -> None:
    resident = await line.resident()
    await line.signal(scam_app(line, resident))
    case = await line.case(resident)
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        name = await taken(client, kind="warned_wrongly", text="我没有下载", case=case.id)
        assert await done(client, name, "follow", 1, deed="false_alarm", case_seen="0") == 409
        seen = str((await line.case(resident)).version)
        assert await done(client, name, "follow", 1, deed="false_alarm", case_seen=seen) == 303
        assert await done(client, name, "follow", 2, deed="no_calls") == 303
    await line.settle()
    assert (await line.case(resident)).state is CaseState.FALSE_ALARM
    known = await console.house.line.residents.get([resident.id])
    assert Flag.OBJECTS_TO_CALLS in known[resident.id].flags


async def test_what_else_of_an_entry_changes_while_it_is_flagged_stays(
    console: Stage, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, residents = await line.resident(), console.house.line.residents
    await line.signal(scam_app(line, resident))
    case = await line.case(resident)
    write = trail.write

    async def meanwhile(made: Services, who: Who, act: str, *told: str, **more: str) -> None:
        await write(made, who, act, *told, **more)
        if act == "flag-objects-to-calls":
            await residents.change([resident.id], lambda each: each.model_copy(update={"address": "新址 1 号"}))

    monkeypatch.setattr(trail, "write", meanwhile)
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        name = await taken(client, kind="warned_wrongly", case=case.id)
        assert await done(client, name, "follow", 1, deed="no_calls") == 303
    known = (await residents.get([resident.id]))[resident.id]
    assert Flag.OBJECTS_TO_CALLS in known.flags
    assert known.address == "新址 1 号"


async def test_a_release_is_asked_for_on_the_case_and_not_done(console: Stage, line: Line) -> None:
    resident = await line.resident()
    await line.signal(scam_app(line, resident))
    async with await console.signed_in(StaffRole.RELEASE_DESK) as client:
        name = await taken(client, kind="stop_wrong", text="账户被误止付", case=(await line.case(resident)).id)
        assert await done(client, name, "follow", 1, deed="release_asked", case_seen="1") == 303
    await line.settle()
    assert ReleaseWanted(name) in [fact.what for fact in await line.facts(resident, FactKind.NOTE)]


async def test_a_complaint_about_another_prefecture_is_handed_over_to_it(console: Stage, line: Line) -> None:
    resident = await line.resident(division=YANBIAN)
    async with (
        await console.signed_in(StaffRole.OPERATOR) as here,
        await console.signed_in(StaffRole.SUPERVISOR, area="2224") as there,
    ):
        name = await taken(here, phone=resident.phones[0].value)
        assert (await here.get(f"/complaints/{name}")).status_code == 404
        page = await there.get(f"/complaints/{name}")
        assert page.status_code == 200
        assert resident.phones[0].value[3:] not in page.text
    found = await kept(console, name)
    assert (found.resident, found.area) == (resident.id, YANBIAN)


async def test_operators_take_complaints_down_and_decide_none(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        resident = await line.resident()
        await line.signal(scam_app(line, resident))
        name = await taken(client, case=(await line.case(resident)).id)
        assert (await client.get(f"/complaints/{name}")).status_code == 200
        assert (await client.get("/complaints")).status_code == 403
        assert await done(client, name, "decide", 1, upheld="yes", note="我来定") == 403
        mine = {entry.act for entry in await audited(console, on=name, by=client.account.login)}
        assert mine == {"complaint-taken", "look-complaint"}


async def test_complaints_outlive_redis(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        name = await taken(client)
        before = await kept(console, name)
        house = console.house
        await house.line.redis.delete("complaints")
        await Complaints(house.settings, house.line.redis, house.line.producer).restore()
        assert await kept(console, name) == before


async def test_the_release_desk_is_led_from_a_complaint_to_the_stop_and_not_to_a_case_that_it_may_not_open(
    console: Stage,
) -> None:
    stop = await stopped(console)
    async with await console.signed_in(StaffRole.RELEASE_DESK) as client:
        assert "/cases/" not in (await client.get(f"/complaints/new?case={stop.case.id}")).text
        name = await taken(client, kind="stop_wrong", text="账户被误止付", case=stop.case.id)
        page = (await client.get(f"/complaints/{name}")).text
        assert stop.path in page
        assert "/cases/" not in page
        assert (await client.get(stop.path)).status_code == 200
