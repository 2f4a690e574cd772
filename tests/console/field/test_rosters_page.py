"""Rosters at the console: shifts, absences, swaps, imports and calendars, each in its own area only."""

import re
from datetime import datetime, timedelta

import httpx
from icalendar import Calendar

from console.web.kit.pages import ZONE
from console.web.rosters import calendars
from console.web.rosters.rostering import name_of
from schemas.people.rosters import Officer, Role, Shift, SwapState
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.rosters import clear, field, roster_of, seen, station, supervisor, with_shift
from tests.console.harness.stage import Client, Stage

HEADER = "station,id,name,role,division,languages,start,end"


def typed(console: Stage, hours: float, lasting: float = 8) -> dict[str, str]:
    """Start and end as a person types them, so many hours from now."""
    start = (console.house.clock.now() + timedelta(hours=hours)).astimezone(ZONE)
    return {"start": f"{start:%Y-%m-%d %H:%M}", "end": f"{start + timedelta(hours=lasting):%Y-%m-%d %H:%M}"}


async def post(client: Client, path: str, name: str, /, **fields: str) -> httpx.Response:
    """Send a form of the station's page as it stands."""
    shown = await seen(client, f"/rosters?station={name}")
    return await client.post(path, data={**shown, "station": name, "week": "", **fields})


async def test_a_shift_is_added_changed_and_ended(console: Stage) -> None:
    name = await station(console, "li")
    async with await supervisor(console) as client:
        answer = await post(client, "/rosters/shifts/add", name, officer=f"{name}-li", **typed(console, 24))
        assert answer.status_code == 303, answer.text
        (shift,) = (await roster_of(console, name)).officers[0].shifts
        start = (shift.start + timedelta(hours=2)).astimezone(ZONE)
        later = {"start": f"{start:%Y-%m-%d %H:%M}", "end": f"{start + timedelta(hours=8):%Y-%m-%d %H:%M}"}
        await post(client, "/rosters/shifts/change", name, officer=f"{name}-li", shift=name_of(shift), **later)
        (moved,) = (await roster_of(console, name)).officers[0].shifts
        assert moved.start - shift.start == timedelta(hours=2)
        page = await client.get("/rosters", params={"station": name, "week": f"{moved.start.astimezone(ZONE):%F}"})
        assert f"{moved.start.astimezone(ZONE):%H:%M}" in page.text
        await post(client, "/rosters/shifts/end", name, officer=f"{name}-li", shift=name_of(moved))
        assert (await roster_of(console, name)).officers[0].shifts == []
    assert len(await audited(console, "roster-shift-added", name)) == 1
    await clear(console, name)


async def test_a_shift_that_overlaps_is_refused_and_what_was_typed_is_kept(console: Stage) -> None:
    name = await station(console, "li")
    await with_shift(console, name, "li", 24)
    async with await supervisor(console) as client:
        wanted = {"officer": f"{name}-li", "form-of": "add", **typed(console, 26)}
        answer = await post(client, "/rosters/shifts/add", name, **wanted)
        assert answer.status_code == 422
        assert "重叠" in answer.text
        assert f'value="{wanted["start"]}"' in answer.text
    await clear(console, name)


async def test_who_saw_an_older_roster_is_told_and_keeps_his_text(console: Stage) -> None:
    name = await station(console, "li", "wang")
    async with await supervisor(console) as one, await supervisor(console) as other:
        shown = await seen(one, f"/rosters?station={name}")
        await post(other, "/rosters/shifts/add", name, officer=f"{name}-wang", **typed(console, 24))
        wanted = {"officer": f"{name}-li", "form-of": "add", **typed(console, 24)}
        answer = await one.post("/rosters/shifts/add", data={**shown, "station": name, "week": "", **wanted})
        assert answer.status_code == 409
        assert f'value="{wanted["start"]}"' in answer.text
        roster = await roster_of(console, name)
        assert [len(each.shifts) for each in roster.officers] == [0, 1]
    await clear(console, name)


async def test_a_form_sent_twice_counts_once(console: Stage) -> None:
    name = await station(console, "li")
    async with await supervisor(console) as client:
        shown = await seen(client, f"/rosters?station={name}")
        data = {**shown, "station": name, "week": "", "officer": f"{name}-li", **typed(console, 24)}
        answers = [await client.post("/rosters/shifts/add", data=data) for _ in range(2)]
        assert [each.status_code for each in answers] == [303, 303]
        assert len((await roster_of(console, name)).officers[0].shifts) == 1
    await clear(console, name)


async def test_a_station_of_another_area_does_not_exist(console: Stage) -> None:
    name = await station(console, "li", division="220202")
    async with await supervisor(console) as client:
        assert (await client.get("/rosters", params={"station": name})).status_code == 404
        assert name not in (await client.get("/rosters")).text
        data = {"station": name, "officer": f"{name}-li", "form": "x", "seen": "", **typed(console, 24)}
        assert (await client.post("/rosters/shifts/add", data=data)).status_code == 404
    async with await supervisor(console, "") as client:
        assert name in (await client.get("/rosters")).text
    await clear(console, name)


async def test_an_absence_frees_shifts_and_who_may_takes_them_over(console: Stage) -> None:
    name = await station(console, "li", "wang", "zhao")
    await with_shift(console, name, "li", 24)
    await with_shift(console, name, "zhao", 25)
    async with await supervisor(console) as client:
        away = {"officer": f"{name}-li", "kind": "sick", **typed(console, 20, 20)}
        assert (await post(client, "/rosters/absences/add", name, **away)).status_code == 303
        roster = await roster_of(console, name)
        (free,) = roster.open_shifts
        page = (await client.get("/rosters", params={"station": name})).text
        choice = page[page.index(f'id="take-{free.id}"') :].split("</select>")[0]
        assert f'value="{name}-wang"' in choice
        assert f'value="{name}-zhao"' not in choice, "he works then"
        await post(client, "/rosters/open/take", name, open=free.id, officer=f"{name}-wang")
        roster = await roster_of(console, name)
        assert [len(each.shifts) for each in roster.officers] == [0, 1, 1]
        assert roster.open_shifts == []
    await clear(console, name)


async def test_one_asks_the_other_accepts_and_a_supervisor_approves(console: Stage) -> None:
    name = await station(console, "li", "wang")
    shift = await with_shift(console, name, "li", 24)
    asker = await console.signed_in(StaffRole.OFFICER, officer=f"{name}-li", station=name)
    other = await console.signed_in(StaffRole.OFFICER, officer=f"{name}-wang", station=name)
    async with asker, other, await supervisor(console) as boss:
        page = await asker.get("/rosters/mine", params={"shift": name_of(shift)})
        fields = {each: field(page.text, each) for each in ("form", "seen")}
        offer = {"shift": name_of(shift), "offer": f"{name}-wang|"}
        answer = await asker.post("/rosters/mine/ask", data={**fields, **offer})
        assert answer.status_code == 303, answer.text
        (swap,) = (await roster_of(console, name)).swaps
        early = await post(boss, "/rosters/swaps/approve", name, swap=swap.id)
        assert early.status_code == 422, "the other has not accepted"
        shown = await seen(other, "/rosters/mine")
        assert (await other.post("/rosters/mine/accept", data={**shown, "swap": swap.id})).status_code == 303
        assert (await post(boss, "/rosters/swaps/approve", name, swap=swap.id)).status_code == 303
    roster = await roster_of(console, name)
    assert [each.shifts for each in roster.officers] == [[], [shift]]
    assert roster.swaps[0].state is SwapState.APPROVED
    await clear(console, name)


async def test_nobody_answers_a_swap_that_is_another_s(console: Stage) -> None:
    name = await station(console, "li", "wang", "zhao")
    shift = await with_shift(console, name, "li", 24)
    asker = await console.signed_in(StaffRole.OFFICER, officer=f"{name}-li", station=name)
    third = await console.signed_in(StaffRole.OFFICER, officer=f"{name}-zhao", station=name)
    async with asker, third:
        page = await asker.get("/rosters/mine", params={"shift": name_of(shift)})
        fields = {each: field(page.text, each) for each in ("form", "seen")}
        await asker.post("/rosters/mine/ask", data={**fields, "shift": name_of(shift), "offer": f"{name}-wang|"})
        roster = await roster_of(console, name)
        mark = field((await asker.get("/rosters/mine")).text, "seen")
        data = {"form": "another", "seen": mark, "swap": roster.swaps[0].id}
        assert (await third.post("/rosters/mine/accept", data=data)).status_code == 422
    assert (await roster_of(console, name)).swaps[0].state is SwapState.ASKED
    await clear(console, name)


def csv_of(name: str, *rows: str) -> bytes:
    return "\n".join([HEADER, *(f"{name},{row}" for row in rows)]).encode("gb18030")


async def preview(client: Client, name: str, raw: bytes, file: str = "roster.csv") -> httpx.Response:
    shown = (await client.get("/rosters/import", params={"station": name})).text
    data = {"form": field(shown, "form"), "station": name}
    return await client.post("/rosters/import", data=data, files={"file": (file, raw)})


async def test_a_file_is_previewed_and_then_replaces_the_roster(console: Stage) -> None:
    name = await station(console, "old")
    rows = (
        f"{name}-n1,新一,民警,220102,zh ko,2026-12-01 08:00,2026-12-01 16:00",
        f"{name}-n2,新二,辅警,220102,,,",
    )
    async with await supervisor(console) as client:
        shown = await preview(client, name, csv_of(name, *rows))
        assert shown.status_code == 200, shown.text
        assert "新增人员" in shown.text
        assert "移除人员" in shown.text
        assert [each.name for each in (await roster_of(console, name)).officers] == ["old"], "not taken yet"
        data = {
            "form": field(shown.text, "form"),
            "station": name,
            "mark": field(shown.text, "mark"),
            "text": csv_of(name, *rows).decode("gb18030"),
        }
        taken = await client.post("/rosters/import/take", data=data)
        assert taken.status_code == 303, taken.text
        again = await client.post("/rosters/import/take", data=data)
        assert again.status_code == 303, "the same form counts once"
    roster = await roster_of(console, name)
    assert [each.name for each in roster.officers] == ["新一", "新二"]
    assert len(roster.officers[0].shifts) == 1
    await clear(console, name)


async def test_a_station_s_own_file_imported_again_changes_nothing(console: Stage) -> None:
    name, elsewhere = await station(console, "li"), await station(console, "wang", division="220202")
    await with_shift(console, name, "li", 24)
    async with await supervisor(console) as client:
        file = await client.get("/rosters/file.csv", params={"station": name})
        assert "没有变化。" in (await preview(client, name, file.content)).text
        whole = (await client.get("/rosters/file.csv")).text
        assert f"{name}-li" in whole
        assert f"{elsewhere}-wang" not in whole
        assert (await client.get("/rosters/file.csv", params={"station": elsewhere})).status_code == 404
    await clear(console, name, elsewhere)


async def test_each_wrong_row_is_named_with_its_column(console: Stage) -> None:
    name = await station(console, "li")
    async with await supervisor(console) as client:
        answer = await preview(
            client,
            name,
            csv_of(name, f"{name}-a,甲,民警,220202,,,", f"{name}-b,乙,警长,220102,,2026-12-01 08:00,morgen"),
        )
        assert answer.status_code == 422
        for row, column in ((2, "division"), (3, "role"), (3, "end")):
            assert f'<td class="number">{row}</td><td><code>{column}</code></td>' in answer.text
        assert "确认导入" not in answer.text
    assert [each.name for each in (await roster_of(console, name)).officers] == ["li"]
    await clear(console, name)


async def test_an_import_that_was_overtaken_is_refused(console: Stage) -> None:
    name = await station(console, "li")
    raw = csv_of(name, f"{name}-n1,新一,民警,220102,,,")
    async with await supervisor(console) as client:
        shown = (await preview(client, name, raw)).text
        await with_shift(console, name, "li", 24)
        data = {"form": field(shown, "form"), "station": name, "mark": field(shown, "mark")}
        answer = await client.post("/rosters/import/take", data={**data, "text": raw.decode("gb18030")})
        assert answer.status_code == 409
    assert [each.name for each in (await roster_of(console, name)).officers] == ["li"]
    await clear(console, name)


async def test_an_import_of_which_one_station_is_refused_changes_no_station(console: Stage) -> None:
    first, second = await station(console, "li"), await station(console, "wang")
    rows = [f"{name},{name}-n1,新一,民警,220102,,," for name in (first, second)]
    raw = "\n".join([HEADER, *rows]).encode()
    async with await supervisor(console) as client:
        shown = (await preview(client, first, raw)).text
        await with_shift(console, second, "wang", 24)
        marks = re.findall(r'name="mark" value="([^"]*)"', shown)
        assert len(marks) == 2
        data = {"form": field(shown, "form"), "station": first, "mark": marks, "text": raw.decode()}
        assert (await client.post("/rosters/import/take", data=data)).status_code == 409
    assert [[each.name for each in (await roster_of(console, name)).officers] for name in (first, second)] == [
        ["li"],
        ["wang"],
    ]
    await clear(console, first, second)


async def test_a_file_may_move_somebody_from_one_station_to_another(console: Stage) -> None:
    first, second = await station(console, "li", "zhao"), await station(console, "wang")
    rows = [
        f"{first},{first}-li,li,民警,220102,,,",
        f"{second},{second}-wang,wang,民警,220102,,,",
        f"{second},{first}-zhao,zhao,民警,220102,,,",
    ]
    raw = "\n".join([HEADER, *rows]).encode()
    async with await supervisor(console) as client:
        shown = (await preview(client, first, raw)).text
        data = {
            "form": field(shown, "form"),
            "station": first,
            "mark": re.findall(r'name="mark" value="([^"]*)"', shown),
            "text": raw.decode(),
        }
        assert (await client.post("/rosters/import/take", data=data)).status_code == 303
    assert [each.id for each in (await roster_of(console, second)).officers] == [f"{second}-wang", f"{first}-zhao"]
    await clear(console, first, second)


async def test_a_calendar_tells_each_moment_in_utc_however_the_roster_has_it() -> None:
    start = datetime(2026, 3, 2, 8, tzinfo=ZONE)
    shift = Shift(start=start, end=start + timedelta(hours=12))
    li = Officer(id="li", name="李", role=Role.OFFICER, division="220104", shifts=[shift])
    raw = calendars.calendar("站", [li], start, "值班")
    assert b"DTSTART:20260302T000000Z" in raw
    assert b"DTEND:20260302T120000Z" in raw
    assert b"TZID" not in raw, "an offset is no zone that a calendar knows"


async def test_a_calendar_is_told_by_a_secret_address_until_that_is_renewed(console: Stage) -> None:
    name = await station(console, "li", "wang")
    shift = await with_shift(console, name, "li", 24)
    await with_shift(console, name, "wang", 24)
    async with await supervisor(console) as client, httpx.AsyncClient() as stranger:
        first = await _address(client, name, f"{name}-li")
        answer = await stranger.get(first)
        assert answer.headers["content-type"].startswith("text/calendar")
        (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
        assert event.decoded("dtstart") == shift.start
        second = await _address(client, name, f"{name}-li")
        assert (await stranger.get(first)).status_code == 404
        assert (await stranger.get(second)).status_code == 200
        whole = await _address(client, name, "")
        assert len(Calendar.from_ical((await stranger.get(whole)).content).walk("VEVENT")) == 2
        assert (await stranger.get(whole.replace(".ics", "x.ics"))).status_code == 404
    await clear(console, name)


async def test_a_calendar_s_address_ends_by_itself(console: Stage) -> None:
    name = await station(console, "li")
    async with await supervisor(console) as client, httpx.AsyncClient() as stranger:
        address = await _address(client, name, "")
        assert "有效期至" in (await client.get(f"/rosters/feeds?station={name}")).text
        roster = await roster_of(console, name)
        old = [each.model_copy(update={"until": console.house.clock.now()}) for each in roster.feeds]
        await console.house.line.outgoing.rosters.put(roster.model_copy(update={"feeds": old}))
        assert (await stranger.get(address)).status_code == 404
        assert "已过期" in (await client.get(f"/rosters/feeds?station={name}")).text
    await clear(console, name)


async def _address(client: Client, name: str, officer: str) -> str:
    shown = await seen(client, f"/rosters/feeds?station={name}")
    answer = await client.post("/rosters/feeds", data={**shown, "station": name, "officer": officer})
    assert answer.status_code == 200, answer.text
    return answer.text.split('<code class="address">')[1].split("</code>")[0]


async def test_our_own_calendar_is_read_again_for_the_shifts_to_come(console: Stage) -> None:
    name = await station(console, "li", "wang")
    shift = await with_shift(console, name, "li", 24)
    async with await supervisor(console) as client, httpx.AsyncClient() as stranger:
        raw = (await stranger.get(await _address(client, name, ""))).content
        await with_shift(console, name, "li", 72)
        shown = await preview(client, name, raw, "roster.ics")
        assert shown.status_code == 200, shown.text
        data = {"form": field(shown.text, "form"), "station": name, "mark": field(shown.text, "mark")}
        taken = await client.post("/rosters/import/take", data={**data, "text": raw.decode()})
        assert taken.status_code == 303, taken.text
    assert (await roster_of(console, name)).officers[0].shifts == [shift]
    await clear(console, name)


async def test_a_repeating_event_and_one_about_nobody_are_named(console: Stage) -> None:
    name = await station(console, "li")
    event = "BEGIN:VEVENT\r\nUID:{0}\r\nDTSTART:20261201T000000Z\r\nDTEND:20261201T080000Z\r\n{1}\r\nEND:VEVENT\r\n"
    raw = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
        + event.format("1", "SUMMARY:li\r\nRRULE:FREQ=DAILY")
        + event.format("2", "SUMMARY:somebody else")
        + "END:VCALENDAR\r\n"
    )
    async with await supervisor(console) as client:
        answer = await preview(client, name, raw.encode(), "x.ics")
        assert answer.status_code == 422
        assert '<td class="number">1</td><td><code>RRULE</code></td>' in answer.text
        assert '<td class="number">2</td><td><code>SUMMARY</code></td>' in answer.text
    await clear(console, name)


async def test_the_week_tells_where_the_policy_s_need_is_not_met(console: Stage) -> None:
    name = await station(console, "li")
    async with await supervisor(console) as client:
        assert "需要 2 人，在岗 0 人" in (await client.get("/rosters", params={"station": name})).text
    await clear(console, name)


async def test_somebody_is_put_on_a_roster_and_on_one_only(console: Stage) -> None:
    first, second = await station(console, "li"), await station(console, "wang")
    async with await supervisor(console) as client:
        new = {"id": "neu-1", "name": "新人", "role": "auxiliary", "division": "220102", "languages": "ko"}
        assert (await post(client, "/rosters/people", first, **new)).status_code == 303
        assert (await post(client, "/rosters/people", second, **new)).status_code == 422
        elsewhere = {**new, "id": "neu-2", "division": "220202"}
        assert (await post(client, "/rosters/people", first, **elsewhere)).status_code == 422
    assert [each.name for each in (await roster_of(console, first)).officers] == ["li", "新人"]
    await clear(console, first, second)


async def test_a_duty_telephone_is_stored_shown_and_deleted_and_a_wrong_one_refused(console: Stage) -> None:
    name = await station(console, "li")
    async with await supervisor(console) as client:
        new = {"id": "neu-1", "name": "新人", "role": "auxiliary", "division": "220102"}
        assert (await post(client, "/rosters/people", name, **new, phone="199 0000 9999")).status_code == 303
        assert [each.phone for each in (await roster_of(console, name)).officers] == [None, "+8619900009999"]
        shown = (await client.get("/rosters", params={"station": name, "person": "neu-1"})).text
        assert 'value="+8619900009999"' in shown
        assert (await post(client, "/rosters/people", name, **new, phone="96110")).status_code == 422
        assert (await post(client, "/rosters/people", name, **new, phone="")).status_code == 303
    assert [each.phone for each in (await roster_of(console, name)).officers] == [None, None]
    await clear(console, name)


async def test_what_is_known_of_somebody_is_there_to_be_changed(console: Stage) -> None:
    name = await station(console, "li")
    async with await supervisor(console) as client:
        shown = (await client.get("/rosters", params={"station": name, "person": f"{name}-li"})).text
        for known in (f'name="id" required maxlength="128" value="{name}-li"', 'value="220102"', "<details open>"):
            assert known in shown
    await clear(console, name)


async def test_the_station_that_lacks_most_people_is_first(console: Stage) -> None:
    staffed, empty = await station(console, "li"), await station(console, "li")
    await with_shift(console, staffed, "li", 24)
    async with await supervisor(console) as client:
        page = (await client.get("/rosters")).text
    assert 0 < page.index(f">{empty}<") < page.index(f">{staffed}<")
    for name in (staffed, empty):
        await clear(console, name)
