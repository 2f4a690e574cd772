"""The wall display: what it shows of the area, to whom, and that it names nobody and leads nowhere."""

import re
from datetime import timedelta

import orjson

from console.web.auth.guests import guests
from console.web.auth.who import Who
from console.web.kit.door import EVERYBODY, table
from console.web.live.filters import Filters
from console.web.overview import wall
from console.web.overview.area import load
from console.web.overview.atlas import Chosen, atlas
from console.web.overview.needs import needs
from domain.desk.attention import Concern
from domain.desk.places import Layer
from domain.payments.headline import headline_of
from domain.wording.codes import yuan
from schemas.casework.inputs import BankState
from schemas.levels import Level
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from simulators.providers.bank import BankSays
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up, red_in
from tests.end_to_end.harness.signals import call, transfer

DISPLAY = StaffRole.DISPLAY
EVENTS = {"accept": "text/event-stream"}


async def saved(console: Stage, division: str) -> Resident:
    """Somebody whose payment the bank has cancelled in flight, and who was dissuaded."""
    line = console.line()
    mule = line.account()
    console.house.behaviour.banks[mule] = [BankSays(timedelta(minutes=1), BankState.CANCELLED, 100_000)]
    somebody = await line.resident(division=division)
    await line.signal(call(line, somebody, ongoing=True), transfer(line, somebody, mule))
    await line.advance(minutes=8)
    await line.dissuade(somebody)
    await caught_up(console, await line.case(somebody))
    return somebody


async def test_a_red_that_nobody_has_claimed_stands_there_with_a_running_clock(console: Stage) -> None:
    line = console.line()
    await red_in(line, "220281")
    await line.advance(minutes=3)  # an operator's call is on the desk
    case = await line.case(line.residents[0])
    await caught_up(console, case)
    async with await console.signed_in(DISPLAY, "220281") as near, await console.signed_in(DISPLAY, "2224") as far:
        page = (await near.get("/wall")).text
        other = (await far.get("/wall")).text
    since = round((case.offered_at or case.opened_at).timestamp() * 1000)
    assert f'data-since="{since}"' in page
    assert "蛟河市" in page
    assert console.services.hub.rows[case.id].headline == headline_of(case)
    assert f"{yuan(headline_of(case).amount_fen // 100 * 100)}</span>" in page, "as in the queue, without cents"
    assert "没有红色预警在等待" in other


async def test_the_reds_stand_in_the_order_of_the_time_that_is_left_to_act(console: Stage) -> None:
    line = console.line()
    for _ in range(2):
        await red_in(line, "220422")
        await line.advance(minutes=2)
    await line.advance(minutes=3)
    for each in line.residents:
        await caught_up(console, await line.case(each))
    who = Who("someone", "", StaffRole.DISPLAY, "220422", None, None, "session")
    dues = [each.due for each in wall.reds(console.services, who)]
    assert len(dues) == 2
    assert None not in dues
    assert dues == sorted(due for due in dues if due)


async def test_wall_overview_and_queue_count_the_same_cases_that_wait(console: Stage) -> None:
    line = console.line()
    await caught_up(console, await red_in(line, "220403"))  # the system contacts them first
    counts = [await waiting(console, "220403")]
    await line.advance(minutes=3)
    await caught_up(console, await line.case(line.residents[0]))
    counts.append(await waiting(console, "220403"))
    assert counts == [(0, 0, 0, 0, 0), (1, 1, 1, 1, 1)]


async def waiting(console: Stage, area: str) -> tuple[int, ...]:
    """The red cases that wait: on the wall, in its figures, in the overview and its needs, and in the queue."""
    made, now = console.services, console.house.clock.now()
    who = Who("someone", "", StaffRole.SUPERVISOR, area, None, None, "session")
    rows = [row for row in made.hub.rows.values() if who.sees(row.division)]
    found = atlas(made, who, [], Chosen(area[:4], Layer.WAITING))
    unclaimed = [each for each in (await needs(made, who, [], {}, now)).shown if each.topic is Concern.UNCLAIMED]
    queued = sum(Filters(state="offered").fits(row, who, now) for row in rows)
    return (
        len(wall.reds(made, who)),
        found.whole.waiting,
        load(made, who).waiting[Level.RED],
        len(unclaimed),
        queued,
    )


async def test_money_by_evidence_stands_apart_from_the_estimate(console: Stage) -> None:
    async with await console.signed_in(DISPLAY, "2208") as client:
        page = (await client.get("/wall")).text
    assert re.search(r'<p class="sum">¥[\d,.]+</p>', page)
    assert '<div class="estimate"><dt>D 估算，不计入</dt>' in page


async def test_the_story_tells_of_who_was_saved_and_names_nobody(console: Stage) -> None:
    async with await console.signed_in(DISPLAY, "220524") as client:
        assert "最近一天还没有可讲述的劝阻" in (await client.get("/wall")).text
    person = await saved(console, "220524")
    async with (
        await console.signed_in(DISPLAY, "220524") as client,
        client.stream("GET", "/wall/stream", headers=EVENTS) as answer,
    ):
        line = await anext(each async for each in answer.aiter_lines() if each.startswith("data:"))
    parts = orjson.loads(line.removeprefix("data:"))
    assert "劝阻成功" in parts["story"]
    shown = "".join(parts.values())
    personal = [person.name, person.address, person.id, *(held.value for held in (*person.phones, *person.accounts))]
    assert not [each for each in personal if each and each in shown]


async def test_the_display_s_role_opens_nothing_else_of_the_centre(console: Stage) -> None:
    own = {name for method, _, name, roles in table(console.app) if DISPLAY in roles and not roles >= EVERYBODY}
    assert own == {"wall", "wall-stream"}
    async with await console.signed_in(DISPLAY, "") as client:
        assert (await client.get("/", follow_redirects=False)).headers["location"] == "/wall"
        page = (await client.get("/wall")).text
        assert (await client.get("/desk")).status_code == 403
    assert not re.search(r'<a [^>]*href="/(cases|queue|desk)', page)
    async with await console.signed_in(StaffRole.SUPERVISOR, "") as client:
        assert (await client.get("/wall")).status_code == 200


async def test_a_demo_has_a_way_in_to_the_wall(console: Stage) -> None:
    known = guests(console.house.clock.now(), "220104-officer-1")
    (display,) = [guest for guest in known if guest.account.role is DISPLAY]
    assert display.account.name == "大屏（演示）"


async def test_who_opens_the_stream_as_a_page_is_led_to_the_page(console: Stage) -> None:
    async with await console.signed_in(DISPLAY) as client:
        answer = await client.get("/wall/stream")
    assert (answer.status_code, answer.headers["location"]) == (303, "/wall")


async def test_nothing_on_it_is_styled_or_scripted_inline(console: Stage) -> None:
    async with await console.signed_in(DISPLAY, "") as client:
        page = (await client.get("/wall")).text
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
