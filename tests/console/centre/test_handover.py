"""The hand-over sheet: it writes itself, a note is kept with it, and another person confirms."""

import asyncio
import re
from datetime import timedelta

from schemas.casework.acts import CallAgainAct
from schemas.people.incidents import Incident
from schemas.people.staff import StaffRole
from streams.operations import rules
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage, first_banner
from tests.console.harness.stops import caught_up, hidden, later, red_in, stopped
from tests.end_to_end.harness.house import until

SUPERVISOR = StaffRole.SUPERVISOR


async def write(console: Stage, client: Client, note: str) -> str:
    """Hand over; gives the id of what was kept."""
    page = (await client.get("/handover")).text
    answer = await client.post("/handover", data={"form": hidden(page, "form"), "note": note})
    assert answer.status_code == 303, answer.text
    (latest, *_) = await console.services.line.handovers.latest(client.account.area, 1)
    return latest.id


async def test_open_reds_and_promised_calls_write_themselves(console: Stage) -> None:
    line = console.line()
    case = await red_in(line, "220281")
    promised = await red_in(line, "220281")
    somebody = next(each for each in line.residents if each.id == promised.resident)
    await line.operator(somebody, CallAgainAct(when=console.house.clock.now() + timedelta(hours=3)))
    await caught_up(console, await line.case(somebody))
    async with await console.signed_in(SUPERVISOR, "220281") as client:
        page = (await client.get("/handover")).text
    reds, _, rest = page.partition('id="s-promises"')
    assert case.id not in re.sub(r'<span class="print-only">.*?</span>|<[^>]+>', "", page), "people and places, no ids"
    assert case.id in reds
    assert promised.id in rest.partition('id="s-stops"')[0]


async def test_a_stop_is_on_the_sheet_of_the_shift_in_which_it_runs_out(console: Stage) -> None:
    stop = await stopped(console, division="220282")
    async with await console.signed_in(SUPERVISOR, "220282") as client:
        assert stop.path not in (await client.get("/handover")).text
        await later(console, stop, hours=40)
        assert stop.path in (await client.get("/handover")).text


async def test_who_takes_over_confirms_and_the_note_is_in_the_audit(console: Stage) -> None:
    async with (
        await console.signed_in(SUPERVISOR, "220283") as anna,
        await console.signed_in(SUPERVISOR, "220283") as bert,
    ):
        name = await write(console, anna, "the bank's line was busy all night")
        assert (await anna.post(f"/handover/{name}/take")).status_code == 409, "nobody takes over from himself"
        assert (await bert.post(f"/handover/{name}/take")).status_code == 303
        page = (await bert.get("/handover")).text
        (written,) = await audited(console, "hand-over", name)
        (taken,) = await audited(console, "hand-over-taken", name)
    assert "the bank&#39;s line was busy all night" in page
    assert f"{bert.account.name} 已于" in page
    assert (written.by, written.reason) == (anna.account.login, "the bank's line was busy all night")
    assert (taken.by, taken.detail) == (bert.account.login, written.detail)


async def test_who_comes_on_is_told_above_every_page_that_a_hand_over_waits(console: Stage) -> None:
    async with (
        await console.signed_in(SUPERVISOR, "220282") as anna,
        await console.signed_in(SUPERVISOR, "220282") as bert,
    ):
        name = await write(console, anna, "the key lies in the drawer")
        assert "等您确认接班" not in await first_banner(anna), "it waits for another"
        banner = await first_banner(bert)
        assert "等您确认接班" in banner
        assert anna.account.name in banner
        page = (await bert.get("/handover")).text
        assert page.index("the key lies in the drawer") < page.index('class="sheet"')
        await bert.post(f"/handover/{name}/take")
        assert "等您确认接班" not in await first_banner(bert)


async def test_what_there_is_none_of_takes_one_line(console: Stage) -> None:
    async with await console.signed_in(SUPERVISOR, "220381") as client:
        page = (await client.get("/handover")).text
    assert "以下 8 项没有" in page
    assert 'id="s-reds"' not in page


async def test_of_two_who_take_over_at_once_one_has_and_both_see_who(console: Stage) -> None:
    async with (
        await console.signed_in(SUPERVISOR, "220204") as anna,
        await console.signed_in(SUPERVISOR, "220204") as bert,
        await console.signed_in(SUPERVISOR, "220204") as carl,
    ):
        name = await write(console, anna, "who comes first")
        answers = await asyncio.gather(*(each.post(f"/handover/{name}/take") for each in (bert, carl)))
        assert [answer.status_code for answer in answers] == [303, 303]
        (taken,) = await audited(console, "hand-over-taken", name)
        kept = await console.services.line.handovers.get(name)
        assert kept is not None
        assert kept.taken_by == taken.by
        names = await console.services.staff.names()
        for each in (bert, carl):
            assert f"{names[taken.by]} 已于" in (await each.get("/handover")).text


async def test_a_form_sent_twice_is_one_hand_over(console: Stage) -> None:
    async with await console.signed_in(SUPERVISOR, "220284") as anna:
        page = (await anna.get("/handover")).text
        for _ in range(2):
            await anna.post("/handover", data={"form": hidden(page, "form"), "note": "once"})
        kept = await console.services.line.handovers.latest("220284", 9)
    assert [each.note for each in kept] == ["once"]


async def test_a_hand_over_of_another_area_is_not_there(console: Stage) -> None:
    async with (
        await console.signed_in(SUPERVISOR, "220221") as anna,
        await console.signed_in(SUPERVISOR, "2224") as far,
    ):
        name = await write(console, anna, "for here only")
        assert (await far.post(f"/handover/{name}/take")).status_code == 404
        assert "for here only" not in (await far.get("/handover")).text


async def test_a_note_that_is_too_long_is_refused_and_kept_on_the_screen(console: Stage) -> None:
    async with await console.signed_in(SUPERVISOR, "220284") as anna:
        answer = await anna.post("/handover", data={"form": "f-long", "note": "x" * 2001})
    assert answer.status_code == 422
    assert "x" * 2001 in answer.text


async def test_a_major_incident_and_the_stop_for_everything_are_on_the_sheet(console: Stage) -> None:
    line, now = console.services.line, console.house.clock.now()
    begun = Incident(id=f"m{1:020x}", campaign="k-sheet", area="220221", at=now, by="anna", reason="多人被同一账户骗")
    await line.incidents.change(begun.id, lambda known: known or begun)
    hold = await rules.begin_hold(
        line, timedelta(hours=1), "anna", "网关被盗用", spare_red=False, named={"area": "220221"}
    )

    async def in_force() -> bool:
        return hold in [each.id for each in await rules.holds_in_force(line)]

    try:
        await until(in_force, 30)  # the line takes it in as any other input
        async with await console.signed_in(SUPERVISOR, "220221") as client:
            page = (await client.get("/handover")).text
    finally:
        await rules.lift(line, hold, "anna", "the test is over", "drop")
    assert "k-sheet" in page.partition('id="s-incidents"')[2].partition('id="s-promises"')[0]
    assert "停止全部外呼" in page.partition('id="s-holds"')[2]
