"""The desk hands a case over to another province, sees what became of it, and a supervisor ends one of two."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from schemas.casework.cases import Case, CaseState
from schemas.casework.inputs import ContactResult, TakeOver
from schemas.casework.provinces import OfferState, ProvinceGround
from schemas.codes.channels import TakenThere
from schemas.levels import Action, Level, Result
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from streams.messaging import case_inputs
from streams.messaging.topics import home
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up
from tests.domain.builders import danger, profile
from tests.end_to_end.harness.provinces import HANDOVER, THERE
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

OPERATOR, SUPERVISOR = StaffRole.OPERATOR, StaffRole.SUPERVISOR
OTHER = "rbbbbbbbbbbbbbbbb-3"


@pytest_asyncio.fixture(loop_scope="session")
async def line(console: Stage) -> AsyncIterator[Line]:
    """A line under a policy that hands cases over; at the end, the province's own policy again."""
    begun = console.line()
    await begun.policy(lambda text: text.replace("\n[messages]\n", f"{HANDOVER}\n[messages]\n", 1))
    try:
        yield begun
    finally:
        await begun.end()
        await begun.policy()


async def in_danger(line: Line) -> tuple[Resident, Case]:
    resident = await line.resident()
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    return resident, await line.case(resident)


async def taken(line: Line, case: Case) -> None:
    """The other province acknowledges the latest offer, now."""
    step = case.offers[-1].id
    given = ContactResult(
        id=f"{case.id}:{step}:1:province:delivered:taken",
        at=line.house.clock.now(),
        resident=case.resident,
        case=case.id,
        dispatch=f"{case.id}:{step}:1:province",
        step=step,
        attempt=1,
        action=Action.HAND_OVER,
        result=Result.DELIVERED,
        why=TakenThere(OTHER),
    )
    partition = home(case.resident, line.house.settings.partitions)
    await line.house.line.producer.send_all([case_inputs.record(given, partition)])
    await line.settle()


def form(**fields: str) -> dict[str, str]:
    return {"form": secrets.token_hex(10), **fields}


async def test_an_operator_offers_a_case_and_the_page_shows_its_deadline(console: Stage, line: Line) -> None:
    resident, case = await in_danger(line)
    async with await console.signed_in(OPERATOR) as operator:
        wrong = await operator.post(f"/cases/{case.id}/province", data=form(province="hebei", ground="lives"))
        assert (wrong.status_code, "请选择省份和移交理由。" in wrong.text) == (422, True)
        answer = await operator.post(f"/cases/{case.id}/province", data=form(province=THERE, ground="lives"))
        assert answer.status_code == 303
        text = (await operator.get(f"/cases/{case.id}/province")).text
        assert "等待对方确认" in text
        assert "<strong>辽宁省</strong>" in text
        assert f"坐席 {operator.account.name}" in text
        assert 'name="ground"' not in text, "one offer at a time"
        assert "跨省移交" in (await operator.get(f"/cases/{case.id}")).text
        offer = (await line.case(resident)).offers[0]
        assert (offer.province, offer.ground, offer.by) == (THERE, ProvinceGround.LIVES, operator.account.login)
        await line.settle()  # the offer's sending changes the case too
        again = await operator.post(f"/cases/{case.id}/province", data=form(province=THERE, ground="is"))
        assert (again.status_code, "已在移交" in again.text) == (409, True)


async def test_the_province_where_the_resident_lives_is_suggested_and_chosen_but_not_offered(
    console: Stage, line: Line
) -> None:
    resident = await line.resident(division="210102")
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    case = await line.case(resident)
    async with await console.signed_in(OPERATOR, area="") as operator:
        told = "按登记住址，当事人住在辽宁省。"
        assert told in (await operator.get(f"/cases/{case.id}")).text
        text = (await operator.get(f"/cases/{case.id}/province")).text
        assert told in text
        assert f'<option value="{THERE}" selected>' in text
        assert "checked" not in text, "the reason is the person's"
    assert (await line.case(resident)).offers == []


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_the_page_is_there_in_other_languages(console: Stage, line: Line, language: str) -> None:
    _, case = await in_danger(line)
    async with await console.signed_in(OPERATOR) as operator:
        page = await operator.get(f"/cases/{case.id}/province", headers={"accept-language": language})
        assert {"en": "Hand-over to another province", "ko": "성 간 이관"}[language] in page.text


async def test_a_hand_over_that_failed_is_among_the_supervisors_matters_until_both_handle_it_and_one_ends(
    console: Stage, line: Line
) -> None:
    resident, case = await in_danger(line)
    async with await console.signed_in(OPERATOR) as operator, await console.signed_in(SUPERVISOR) as boss:
        await operator.post(f"/cases/{case.id}/province", data=form(province=THERE, ground="banks"))
        await line.advance(seconds=70)
        await caught_up(console, case := await line.case(resident))
        assert "跨省移交未成" in (await boss.get("/desk")).text
        early = await boss.post(f"/cases/{case.id}/province/{case.offers[0].id}/end", data=form())
        assert (early.status_code, "没有外省同时办理" in early.text) == (409, True)
        await taken(line, case)
        text = (await boss.get(f"/cases/{case.id}/province")).text
        assert "两省同时办理" in text
        assert OTHER in text
        path = f"/cases/{case.id}/province/{case.offers[0].id}/end"
        assert (await operator.post(path, data=form())).status_code == 403
        assert (await boss.post(path, data=form())).status_code == 303
        ended = await line.case(resident)
        assert (ended.state, ended.offers[0].state) == (CaseState.HANDED_OVER, OfferState.ENDED)


async def test_a_case_that_was_taken_over_says_from_where_and_that_both_handle_it_until_the_other_has_ended(
    console: Stage, line: Line
) -> None:
    resident = await line.resident()

    async def told(*, both: bool, ended: bool = False) -> None:
        given = TakeOver(
            id=secrets.token_hex(10),
            at=line.house.clock.now(),
            resident=resident.id,
            province=THERE,
            offer="r1",
            other_case=OTHER,
            ground=ProvinceGround.IS,
            danger=danger(Level.ORANGE),
            profile=profile(),
            both=both,
            ended=ended,
        )
        partition = home(resident.id, line.house.settings.partitions)
        await line.house.line.producer.send_all([case_inputs.record(given, partition)])
        await line.settle()

    await told(both=False)
    await told(both=True)
    async with await console.signed_in(OPERATOR) as operator:
        case = await line.case(resident)
        for path in (f"/cases/{case.id}", f"/cases/{case.id}/province"):
            assert "对方仍在办理：两省同时办理" in (await operator.get(path)).text
        await told(both=True, ended=True)
        await caught_up(console, await line.case(resident))
        for path in (f"/cases/{case.id}", f"/cases/{case.id}/province"):
            assert "对方仍在办理：两省同时办理" not in (await operator.get(path)).text
        assert OTHER in (await operator.get(f"/cases/{case.id}/province")).text


async def test_when_offers_crossed_and_neither_was_taken_the_case_s_pages_say_that_both_handle_it(
    console: Stage, line: Line
) -> None:
    resident, case = await in_danger(line)
    async with await console.signed_in(OPERATOR) as operator:
        await operator.post(f"/cases/{case.id}/province", data=form(province=THERE, ground="banks"))
        given = TakeOver(
            id=secrets.token_hex(10),
            at=line.house.clock.now(),
            resident=resident.id,
            province=THERE,
            offer="rcrossing",
            other_case=OTHER,
            ground=ProvinceGround.IS,
            danger=danger(Level.RED),
            profile=profile(),
            crosses=True,
        )
        partition = home(resident.id, line.house.settings.partitions)
        await line.house.line.producer.send_all([case_inputs.record(given, partition)])
        await line.settle()
        both = "双方互相移交，均未接收：两省同时办理"
        assert both not in (await operator.get(f"/cases/{case.id}")).text, "its own offer may still be taken"
        await line.advance(seconds=70)
        await caught_up(console, await line.case(resident))
        for path in (f"/cases/{case.id}", f"/cases/{case.id}/province"):
            assert both in (await operator.get(path)).text
