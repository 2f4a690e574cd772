"""The supervisors' overview: the area's own figures, live."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import orjson
from httpx import Response

from console.web.auth.who import Who
from console.web.live.filters import Filters
from domain.desk.load import visits_by_officer, visits_under_way
from schemas.casework.acts import ClaimAct
from schemas.casework.cases import Case
from schemas.casework.orders import ApproveStopAct
from schemas.people.complaints import Complaint, ComplaintKind
from schemas.people.residents import Resident
from schemas.people.rosters import Officer, Role, Roster, Shift
from schemas.people.staff import StaffRole
from streams.messaging.topics import home
from streams.state.keys import key
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up, later, red_in, stopped
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

SUPERVISOR, OPERATOR = StaffRole.SUPERVISOR, StaffRole.OPERATOR
EVENTS = {"accept": "text/event-stream"}


async def parts(answer: Response) -> AsyncIterator[dict[str, str]]:
    """What a stream tells, one message after the other."""
    async for line in answer.aiter_lines():
        if line.startswith("data:"):
            yield orjson.loads(line.removeprefix("data:"))


def row(page: str, level: str) -> list[int]:
    """Open, waiting, operators, officers alone, automatic, visits, overdue of a level."""
    table = page.partition('<table class="figures load">')[2].partition("</table>")[0]
    found = re.search(rf'<span class="level {level}">.*?</th>(.*?)</tr>', table, re.DOTALL)
    assert found, page[:2000]
    return [int(number) for number in re.findall(r"<td[^>]*>(?:<a [^>]*>)?(\d+)(?:</a>)?</td>", found[1])]


async def test_a_supervisor_sees_the_load_of_the_area_and_of_no_other(console: Stage) -> None:
    case = await red_in(console.line(), "220723")
    await caught_up(console, case)
    async with (
        await console.signed_in(SUPERVISOR, "220723") as near,
        await console.signed_in(SUPERVISOR, "2224") as far,
    ):
        assert row((await near.get("/desk")).text, "red")[0] == 1
        assert row((await far.get("/desk")).text, "red")[0] == 0


async def test_each_number_of_the_load_leads_to_its_cases(console: Stage) -> None:
    case = await red_in(console.line(), "220881")
    await caught_up(console, case)
    async with await console.signed_in(SUPERVISOR, "220881") as client:
        page = (await client.get("/desk")).text
        leading = {unescape(each) for each in re.findall(r'href="(/queue\?[^"]+)"', page)}
        assert leading >= {"/queue?level=red&state=all", "/queue?area=220881&level=red&state=all", "/queue?state=all"}
        assert "/queue?level=blue&state=all" not in leading
        for each in leading:
            assert f'id="case-{case.id}"' in (await client.get(each)).text, each


def place(page: str, code: str) -> str:
    """A place on the map: its link with what is drawn in it."""
    found = re.search(rf'<a [^>]*data-key="{code}"[^>]*>.*?</a>', page, re.DOTALL)
    assert found, f"no {code} on the map"
    return found[0]


async def test_a_place_whose_one_case_is_red_has_a_neutral_colour_and_a_red_badge(console: Stage) -> None:
    case = await red_in(console.line(), "220402")
    await caught_up(console, case)
    async with await console.signed_in(SUPERVISOR, "") as client:
        page = (await client.get("/desk")).text
    assert "辽源：在办 1，红色 1" in place(page, "2204")
    assert re.search(r'<path class="step[1-4]"', place(page, "2204"))
    assert re.search(r'<g class="badge">.*?>1</text>', page, re.DOTALL)
    assert not re.search(r'<path class="[^"]*(red|blue|orange|yellow)', page)


async def test_the_map_leads_into_a_prefecture_and_from_its_counties_to_their_cases(console: Stage) -> None:
    case = await red_in(console.line(), "220421")
    await caught_up(console, case)
    async with await console.signed_in(SUPERVISOR, "") as client:
        province = (await client.get("/desk")).text
        down = re.search(r'href="([^"]+)"', place(province, "2204"))
        assert down
        page = (await client.get(unescape(down[1]))).text
        county = place(page, "220421")
        assert "东丰县：在办 1，红色 1" in county
        queue = re.search(r'href="([^"]+)"', county)
        assert queue
        assert f'id="case-{case.id}"' in (await client.get(unescape(queue[1]))).text
    assert 'data-key="up"' in page
    assert "GS（2024）0650号" in page


async def test_each_layer_measures_something_else_in_the_same_colours(console: Stage) -> None:
    now = console.house.clock.now()
    shift = Shift(start=now.replace(hour=0), end=now.replace(year=now.year + 1))
    officer = Officer(id="layer-1", name="钱警官", role=Role.OFFICER, division="220605", shifts=[shift])
    await console.services.line.outgoing.rosters.put(Roster(station="江源站", officers=[officer]))
    async with await console.signed_in(SUPERVISOR, "2206") as client:
        cases = place((await client.get("/desk?layer=open")).text, "220605")
        officers = place((await client.get("/desk?layer=officers")).text, "220605")
        nonsense = await client.get("/desk?layer=nonsense&area=99")
    assert ("step0" in cases, "step4" in officers) == (True, True)
    assert nonsense.status_code == 200


async def test_the_map_shows_no_figures_of_another_area(console: Stage) -> None:
    case = await red_in(console.line(), "220821")
    await caught_up(console, case)
    async with await console.signed_in(SUPERVISOR, "220882") as client:
        page = (await client.get("/desk?area=2208")).text
        other = (await client.get("/desk?area=2201")).text
    assert 'data-key="220821"' not in page
    assert 'data-key="220882"' in page
    assert 'data-key="up"' not in page
    assert 'data-key="220102"' not in other


async def test_what_is_overdue_is_found_in_the_queue(console: Stage) -> None:
    case = await red_in(console.line(), "220881")
    await caught_up(console, case)
    row, asked = console.services.hub.rows[case.id], Filters.of({"state": "overdue"})
    who = Who("s-1", "", SUPERVISOR, "2208", None, None, "")
    assert not asked.fits(row, who, case.opened_at)
    assert asked.fits(row, who, case.opened_at + timedelta(days=1))


async def test_a_claim_is_told_with_who_has_it_and_for_how_long(console: Stage) -> None:
    line = console.line()
    case = await red_in(line, "220722")
    somebody = next(each for each in line.residents if each.id == case.resident)
    await line.operator(somebody, ClaimAct(do="claim"))
    await caught_up(console, await line.case(somebody))
    async with await console.signed_in(SUPERVISOR, "220722") as client:
        page = (await client.get("/desk")).text
    assert row(page, "red")[2] == 1
    assert "operator-1" in page
    assert "已 0 分钟" in page


async def test_a_clock_that_was_missed_is_counted_in_its_shift(console: Stage) -> None:
    line = console.line()
    case = await red_in(line, "220721", sms=[None])
    await line.advance(minutes=5)

    async def counted() -> bool:
        clocks = console.services.figures.clocks.counted
        return any(clock.division == case.profile.division and not clock.kept for clock in clocks)

    await until(counted, 10)
    async with await console.signed_in(SUPERVISOR, "220721") as client:
        page = (await client.get("/desk")).text
    assert re.search(r'<td class="number late">\d+ / [1-9]', page)


async def test_who_is_on_is_told_by_station(console: Stage) -> None:
    now = console.house.clock.now()
    on = Shift(start=now.replace(hour=0), end=now.replace(year=now.year + 1))
    officer = Officer(id="o-1", name="赵警官", role=Role.OFFICER, division="220781", shifts=[on])
    await console.services.line.outgoing.rosters.put(Roster(station="扶余站", officers=[officer]))
    async with (
        await console.signed_in(SUPERVISOR, "2207") as near,
        await console.signed_in(SUPERVISOR, "2224") as far,
    ):
        assert "赵警官" in (await near.get("/desk")).text
        assert "赵警官" not in (await far.get("/desk")).text


async def test_only_stations_that_are_thin_are_listed_and_the_others_are_one_line(console: Stage) -> None:
    now, rosters = console.house.clock.now(), console.services.line.outgoing.rosters
    on = Shift(start=now.replace(hour=0), end=now.replace(year=now.year + 1))
    for station, role, number in (("前郭站", Role.OFFICER, 2), ("长岭站", Role.GRID_WORKER, 2)):
        people = [
            Officer(id=f"{station}-{n}", name=f"钱{n}", role=role, division="220722", shifts=[on])
            for n in range(number)
        ]
        await rosters.put(Roster(station=station, officers=people))
    async with await console.signed_in(SUPERVISOR, "220722") as client:
        page = (await client.get("/desk")).text
    shown = page.partition('data-live="people"')[2]
    assert re.search(r"长岭站.*?在岗 2 人，缺 \d 人", shown, re.DOTALL), "nobody there is an officer"
    others = shown.partition("人手充足的派出所与网格：1 个")[2]
    assert "前郭站" in others
    assert shown.count("前郭站") == others.count("前郭站")


async def test_a_stop_that_runs_out_soon_is_told_before_it_does(console: Stage) -> None:
    stop = await stopped(console, division="220724")
    async with await console.signed_in(SUPERVISOR, "220724") as client:
        assert "八小时内没有止付到期" in (await client.get("/desk")).text
        await later(console, stop, hours=41)
        assert f"{stop.path}" in (await client.get("/desk")).text


async def test_the_stream_tells_what_has_changed_and_only_that(console: Stage) -> None:
    async with (
        await console.signed_in(SUPERVISOR, "220702") as client,
        client.stream("GET", "/desk/stream", headers=EVENTS) as answer,
    ):
        told = parts(answer)
        first = await anext(told)
        assert row(first["load"], "red")[0] == 0
        await red_in(console.line(), "220702")
        async with asyncio.timeout(10):
            async for changed in told:
                if "load" in changed and row(changed["load"], "red")[0] == 1:
                    break
        assert "people" not in changed


async def offered_in(console: Stage, division: str) -> tuple[Line, Resident, Case]:
    """A red case there that waits for an operator to claim it, with its line and its resident."""
    line = console.line()
    case = await red_in(line, division, sms=[None])
    somebody = next(each for each in line.residents if each.id == case.resident)
    for _ in range(8):
        await line.advance(minutes=1)
        case = await line.case(somebody)
        if case.offered_at is not None:
            break
    await caught_up(console, case)
    return line, somebody, case


async def test_a_red_case_that_nobody_has_claimed_needs_the_supervisor_who_can_keep_it_there(console: Stage) -> None:
    line, somebody, case = await offered_in(console, "220521")
    async with await console.signed_in(SUPERVISOR, "220521") as client:
        needs = (await client.get("/desk")).text.partition('class="needs"')[2].partition("</table>")[0]
        assert "待接手" in needs
        assert f'action="/cases/{case.id}/assign"' in needs
        assert f'name="to" value="{client.account.login}"' in needs  # no operator is signed in there: one button
        assert "由我接手" in needs
        assert case.id not in re.sub(r"<[^>]+>", "", needs), "a person and a place, no id"
        assert (await client.post(f"/cases/{case.id}/claim")).status_code == 303
        await caught_up(console, await line.case(somebody))
        assert f'action="/cases/{case.id}/assign"' not in (await client.get("/desk")).text


async def test_a_stop_order_waits_on_the_page_of_who_may_approve_it_until_they_have(console: Stage) -> None:
    line = console.line()
    line.approves = False
    somebody = await line.resident(division="220522")
    await line.signal(call(line, somebody), transfer(line, somebody, line.account()))
    await line.advance(minutes=2)
    case = await line.case(somebody)
    (order,) = case.orders
    await caught_up(console, case)
    async with await console.signed_in(SUPERVISOR, "220522") as client:
        needs = (await client.get("/desk")).text.partition('class="needs"')[2].partition("</table>")[0]
        assert "待您审批" in needs
        assert f'href="/release/orders/{case.id}/{order.step}"' in needs
        assert order.number in needs
        row = console.services.hub.rows[case.id]
        supervisor = Who(client.account.login, "", SUPERVISOR, "220522", None, None, "")
        assert Filters(state="approval").fits(row, supervisor, console.house.clock.now())
        await line.operator(
            somebody, ApproveStopAct(order=order.step), by=client.account.login, role=StaffRole.SUPERVISOR
        )
        await caught_up(console, await line.case(somebody))
        assert "没有待您审批的止付令" in (await client.get("/desk")).text


async def test_a_claim_that_nobody_renews_is_told_in_its_last_minute(console: Stage) -> None:
    line = console.line()
    case = await red_in(line, "220503")
    somebody = next(each for each in line.residents if each.id == case.resident)
    await console.services.desk.take(case.id, "op1")
    await line.operator(somebody, ClaimAct(do="claim"), by="op1")
    await caught_up(console, await line.case(somebody))
    async with await console.signed_in(SUPERVISOR, "220503") as client:
        assert "接手即将失效" not in (await client.get("/desk")).text
        await console.services.desk.release(case.id, "op1")
        lease = f"{key('claim', home(case.resident, line.house.settings.partitions))}:{case.id}"
        await console.services.line.redis.set(lease, "op1", px=2_000)
        assert "接手即将失效" in (await client.get("/desk")).text
        page = (await client.get("/desk")).text
        assert '<dt>1 分钟内到期</dt><dd class="late"><a href="/queue?state=expiring">1</a></dd>' in page
        assert page.count("/queue?state=expiring") == 1, "only the figure leads there: all of them are shown"


async def test_an_unclaimed_matter_says_its_place_in_the_queue_which_has_an_order_of_its_own(console: Stage) -> None:
    await offered_in(console, "220581")
    async with await console.signed_in(SUPERVISOR, "2205") as client:
        page = (await client.get("/desk")).text
        queue = re.findall(r'id="case-([^"]+)"', (await client.get("/queue")).text)
    matters = re.findall(r'<tr role="row" class="unclaimed">.*?</tr>', page, re.DOTALL)
    assert matters
    for matter in matters:
        (name,) = set(re.findall(r'href="/cases/([^"/]+)"', matter))
        (place,) = re.findall(r"队列第 (\d+) 件", matter)
        assert queue[int(place) - 1] == name
    assert "“队列第 n 件”是坐席按 N 接手的次序" in page


async def test_the_list_says_its_order_and_each_matter_s_level_amount_age_and_owner(console: Stage) -> None:
    _, _, case = await offered_in(console, "220583")
    async with await console.signed_in(SUPERVISOR, "220583") as client:
        page = (await client.get("/desk")).text
    needs = page.partition('class="needs"')[2].partition("</table>")[0]
    assert re.findall(r'scope="col"[^>]*>([^<]+)</th>', needs) == [
        *("问题", "级别", "事项", "涉险金额", "时间", "负责", "办理"),
    ]
    (first,) = re.findall(r'<tr role="row" class="unclaimed">.*?</tr>', needs, re.DOTALL)
    assert 'class="level red"' in first
    assert f"¥{sum(each.amount_fen for each in case.payments) // 100:,}" in first
    assert "尚未止付" in first
    assert "剩余" in first
    assert "等待最久" in first
    assert "无人" in first
    assert len(re.findall("<button|class=.button", first)) == 1
    assert "已超时、1 分钟内到期和待您审批的在前" in page


async def test_operators_on_duty_and_free_are_counted_from_who_is_signed_in_and_has_claimed(console: Stage) -> None:
    line = console.line()
    case = await red_in(line, "220621")
    somebody = next(each for each in line.residents if each.id == case.resident)
    counted = re.compile(r'class="staffing"><dt>[^<]+</dt><dd[^>]*>(\d+) / (\d+)</dd>')
    async with await console.signed_in(SUPERVISOR, "220621") as chief:
        page = (await chief.get("/desk")).text
        assert counted.findall(page) == [("0", "0")]
        assert "没有坐席登录" in page
        async with await console.signed_in(OPERATOR, "220621") as one, await console.signed_in(OPERATOR, "220621"):
            await line.operator(somebody, ClaimAct(do="claim"), by=one.account.login)
            await caught_up(console, await line.case(somebody))
            assert counted.findall((await chief.get("/desk")).text) == [("2", "1")]


async def test_visits_are_one_count_in_the_table_the_queue_and_the_list_of_officers(console: Stage) -> None:
    line = console.line()
    case = await red_in(line, "220622", sms=[None])
    somebody = next(each for each in line.residents if each.id == case.resident)
    for _ in range(10):
        await line.advance(minutes=1)
        case = await line.case(somebody)
        if visits_under_way([case]):
            break
    assert visits_under_way([case]), "an officer is sent"
    await caught_up(console, case)
    async with await console.signed_in(SUPERVISOR, "220622") as client:
        page = (await client.get("/desk")).text
        assert row(page, "red")[5] == 1
        assert 'href="/queue?level=red&amp;state=visit_under_way"' in page
        queue = (await client.get("/queue?level=red&state=visit_under_way")).text
    assert re.findall(r'id="case-([^"]+)"', queue) == [case.id]
    of_officers = visits_by_officer(each.case for each in console.services.hub.rows.values() if each.id == case.id)
    assert of_officers.total() == 1


async def test_nobody_is_chosen_before_the_supervisor_chooses_and_the_first_assignment_stands_out(
    console: Stage,
) -> None:
    for _ in range(2):
        await offered_in(console, "220582")
    async with await console.signed_in(SUPERVISOR, "220582") as client, await console.signed_in(OPERATOR, "220582"):
        page = (await client.get("/desk")).text
        assert re.findall(r'<button( class="second")?[^>]*><span>指派 ', page) == ["", ' class="second"']
        assert 'class="button second" href="/handover"' in page
        async with await console.signed_in(OPERATOR, "220582"):
            page = (await client.get("/desk")).text
    (menu,) = re.findall(r'<select id="assign-to" name="to" required>.*?</select>', page)
    assert re.findall(r'<option value="([^"]*)" selected>', menu) == [""]
    assert len(re.findall(r'name="case" value="[^"]+" form="assign-several"', page)) == 2
    assert re.findall(r'<button( class="second")?>指派</button>', page) == [""]


async def test_what_is_fine_takes_one_line(console: Stage) -> None:
    async with await console.signed_in(SUPERVISOR, "220523") as client:
        page = (await client.get("/desk")).text
    fine = page.partition('<p class="soft fine">')[2].partition("</p>")[0]
    assert "八小时内没有止付到期" in fine
    assert "没有超期的投诉" in fine


async def test_what_is_overdue_now_is_told_apart_from_what_was_missed_in_this_shift(console: Stage) -> None:
    async with await console.signed_in(SUPERVISOR, "220524") as client:
        page = (await client.get("/desk")).text
    now = page.partition('<dl class="now">')[2].partition("</dl>")[0]
    figures = re.findall(r"<dt>([^<]+)</dt><dd[^>]*>(\d+)</dd>", now)
    assert figures == [("1 分钟内到期", "0"), ("红色待接手", "0"), ("当前超时", "0")]
    assert "本班红色按时" in now


async def test_an_overdue_complaint_needs_the_supervisor(console: Stage) -> None:
    now, hour = console.house.clock.now(), timedelta(hours=1)
    late = Complaint(
        id="k" + "7" * 20,
        at=now - 30 * hour,
        by="somebody",
        kind=ComplaintKind.TOO_OFTEN,
        text="too many calls",
        area="220681",
        answer_due=now - hour,
        end_due=now + hour,
    )
    await console.services.line.complaints.put(late)
    async with (
        await console.signed_in(SUPERVISOR, "220681") as near,
        await console.signed_in(SUPERVISOR, "2224") as far,
    ):
        assert f'href="/complaints/{late.id}"' in (await near.get("/desk")).text
        assert late.id not in (await far.get("/desk")).text


async def test_who_opens_the_stream_as_a_page_is_led_to_the_page(console: Stage) -> None:
    async with await console.signed_in(SUPERVISOR) as client:
        answer = await client.get("/desk/stream")
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk")


async def test_nothing_on_the_page_is_styled_or_scripted_inline(console: Stage) -> None:
    async with await console.signed_in(SUPERVISOR, "") as client:
        for path in ("/desk", "/handover", "/situation", "/release"):
            page = (await client.get(path)).text
            assert " style=" not in page
            assert "<style" not in page
            assert not re.search(r"<script(?![^>]*\bsrc=)", page)
