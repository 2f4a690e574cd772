"""A case passes from one province's installation to another's, with cuts between them: somebody always handles the
resident, and both do only if a cut outlasts the deadline.
"""

import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from httpx import Response

from domain.casework.provinces.records import also_there, failed_offer, late_offer
from domain.statistics.counts import names_of_event
from schemas.casework.cases import Case, CaseState, StepState
from schemas.casework.events import FactKind
from schemas.casework.provinces import EndHereAct, OfferCaseAct, OfferRefusal, OfferState, ProvinceGround
from schemas.channels.handovers import CaseHandover, PersonHandedOver
from schemas.levels import Level
from schemas.people.residents import Occupation, ReportSource, Resident, Sex
from schemas.people.staff import StaffRole
from streams.channels.provinces.gateway import PATH
from streams.channels.provinces.receiving import Handovers, NotTakenError, OffersOfAnHour
from streams.channels.signing import SignedMessage, sign
from tests.domain.builders import danger
from tests.end_to_end.harness.house import SETTLE_SECONDS, until
from tests.end_to_end.harness.provinces import HERE, SHARED, THERE, Provinces, provinces
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer
from tests.end_to_end.warnings.test_shield import after_loss

OFFER = OfferCaseAct(province=THERE, ground=ProvinceGround.LIVES)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    async with provinces(tmp_path_factory.mktemp("provinces")) as made:
        yield made


async def in_danger(line: Line) -> Resident:
    """A resident who is on the telephone with a scammer and pays: a red case."""
    resident = await line.resident()
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    assert (await line.case(resident)).level is Level.RED
    return resident


async def case_there(two: Provinces, resident: Resident) -> Case | None:
    """The case that the other province opened for the resident, whom it knows by another id."""
    found = await two.there.house.line.residents.by_phone([(resident.phones[0].value, two.there.house.clock.now())])
    return await two.there.house.case(found[0]) if found[0] else None


async def results(line: Line, resident: Resident) -> list[str]:
    """What the metric quanzu_handovers_total counts of the resident's cases."""
    names = [name for event in await line.events(resident) for name in names_of_event(event)]
    return [name.removeprefix("handover|") for name in names if name.startswith("handover|")]


def handled(case: Case | None) -> bool:
    return case is not None and case.open and not case.settled


async def test_a_case_is_taken_in_time_and_the_sender_stops_while_the_receiver_goes_on(two: Provinces) -> None:
    here = two.here
    resident = await in_danger(here)
    await here.operator(resident, OFFER)
    case, there = await here.case(resident), await case_there(two, resident)
    assert there is not None
    assert (case.state, case.offers[0].state) == (CaseState.HANDED_OVER, OfferState.ACCEPTED)
    assert case.offers[0].other_case == there.id
    assert (handled(there), there.level) == (True, Level.RED)
    assert [payment.amount_fen for payment in there.payments] == [payment.amount_fen for payment in case.payments]
    assert there.taken[0].other_case == case.id
    entered = (await two.there.house.line.residents.get([there.resident]))[there.resident]
    assert (entered.name, entered.provisional) == (resident.name, ReportSource.FORCE)
    await two.there.house.settle([there.resident])
    assert any(contact.to == resident.phones[0].value for contact in two.there.carrier.left), "warned by the receiver"
    assert await results(here, resident) == ["accepted"]


async def test_a_cut_that_outlasts_the_deadline_leaves_the_case_here_and_asks_for_a_supervisor(two: Provinces) -> None:
    here = two.here
    resident = await in_danger(here)
    await two.network.cut()
    try:
        await here.operator(resident, OFFER)
        await here.advance(seconds=50)
        case = await here.case(resident)
        assert (case.offers[0].state, handled(case)) == (OfferState.OFFERED, True)
        assert any(step.state is StepState.HELD for step in case.steps), "contacts wait for the deadline"
        await here.advance(seconds=15)
        case = await here.case(resident)
        assert failed_offer(case) is not None
        assert all(step.state is not StepState.HELD for step in case.steps), "and go on at once after it"
        assert await case_there(two, resident) is None
    finally:
        await two.network.connect()
    await here.advance(minutes=10)  # it is asked now, and has not taken the case: too late
    case = await here.case(resident)
    assert (case.offers[0].state, handled(case)) == (OfferState.UNANSWERED, True)
    assert await case_there(two, resident) is None
    assert await results(here, resident) == ["unanswered"]


async def test_a_short_cut_only_delays_the_hand_over(two: Provinces) -> None:
    here = two.here
    resident = await in_danger(here)
    await two.network.cut()
    await here.operator(resident, OFFER)
    await here.advance(seconds=20)
    await two.network.connect()
    await here.advance(seconds=20)
    assert (await here.case(resident)).state is CaseState.HANDED_OVER
    assert handled(await case_there(two, resident))
    assert await results(here, resident) == ["accepted"]


async def test_if_only_the_answer_is_lost_until_after_the_deadline_both_handle_the_resident_and_one_is_ended(
    two: Provinces,
) -> None:
    here = two.here
    resident = await in_danger(here)
    two.network.answers = False
    await here._report(resident, OFFER, "operator-1", StaffRole.OPERATOR)

    async def taken() -> bool:
        return handled(await case_there(two, resident))

    await until(taken, SETTLE_SECONDS)
    here.house.clock.move_to(here.house.clock.now() + timedelta(seconds=61))

    async def overdue() -> bool:
        return failed_offer(await here.case(resident)) is not None

    await until(overdue, SETTLE_SECONDS)  # else the answer may come before the deadline is applied, and counts
    two.network.answers = True
    await here.settle()
    await here.advance(seconds=30)
    case = await here.case(resident)
    assert case.offers[0].state is OfferState.LATE
    assert handled(case)
    there = await case_there(two, resident)
    assert there is not None
    assert handled(there)
    assert there.taken[0].both, "the receiver knows it too"
    assert await results(here, resident) == ["unanswered", "late"]
    await here.operator(resident, EndHereAct(offer=case.offers[0].id), "supervisor-1", StaffRole.SUPERVISOR)
    case = await here.case(resident)
    assert (case.state, late_offer(case)) == (CaseState.HANDED_OVER, None)

    async def told() -> bool:
        known = await case_there(two, resident)
        return known is not None and known.taken[0].ended and not also_there(known)

    await until(told, SETTLE_SECONDS)
    person = (await two.there.house.line.residents.get([there.resident]))[there.resident]
    assert len(await two.there.facts(person, FactKind.OPENED)) == 1, "one case, however often it was sent"


async def test_a_resident_whom_the_receiver_knows_keeps_their_entry_and_their_case(two: Provinces) -> None:
    here, there = two.here, two.there
    resident = await here.resident()
    known = await there.resident(phones=resident.phones, name=resident.name)
    await here.signal(call(here, resident, ongoing=True), transfer(here, resident, here.account()))
    await here.operator(resident, OFFER)
    joined = await there.case(known)
    assert [each.other_case for each in joined.taken] == [(await here.case(resident)).id]
    assert (await there.house.line.residents.get([known.id]))[known.id].provisional is None


@pytest.mark.parametrize("goes_before", [True, False])
async def test_of_two_offers_that_cross_one_gives_way_at_once(two: Provinces, goes_before: bool) -> None:
    there = two.there
    resident = await there.resident()
    await there.signal(call(there, resident, ongoing=True), transfer(there, resident, there.account()))
    await there.operator(resident, OfferCaseAct(province=HERE, ground=ProvinceGround.LIVES))
    from_here = person(resident.phones[0].value).model_copy(update={"name": resident.name})
    name = f"{'a' if goes_before else 's'}{secrets.token_hex(8)}:province.1"
    answer = await told(two, handover(two, offer=name, person=from_here))
    await there.settle()
    case = await there.case(resident)
    own = case.offers[0]
    assert handled(case)
    if goes_before:
        assert (answer.status_code, answer.json()["case"]) == (200, case.id)
        assert (own.state, own.refusal) == (OfferState.REFUSED, OfferRefusal.CROSSING)
        assert [each.offer for each in case.taken] == [name]
        assert all(step.state is not StepState.HELD for step in case.steps), "its contacts go on"
    else:
        assert (answer.status_code, answer.json()["refused"]) == (409, "crossing")
        assert (own.state, own.crossed, case.taken) == (OfferState.OFFERED, True, [])


async def told(two: Provinces, body: bytes, nonce: str = "", key: str = SHARED) -> Response:
    """Send a body to the receiver, signed as the sender signs."""
    wall = two.there.house.clock.wall.time()
    headers = sign(key.encode(), SignedMessage("province", PATH, body), wall, nonce or secrets.token_hex(12))
    return await two.there.house.intake.post(PATH, content=body, headers=headers)


def handover(two: Provinces, **fields: object) -> bytes:
    """A hand-over of an invented resident, which the receiver would take."""
    told = CaseHandover(
        offer=f"{secrets.token_hex(8)}:province.1",
        case="rcccccccccccccccc-1",
        ground=ProvinceGround.IS,
        until=two.there.house.clock.now() + timedelta(minutes=1),
        danger=danger(Level.YELLOW),
        person=person(),
    )
    return told.model_copy(update=fields).model_dump_json().encode()


def person(*phones: str) -> PersonHandedOver:
    return PersonHandedOver(
        name="某某",
        phones=list(phones) or ["+8619911000001"],
        birth_year=1960,
        sex=Sex.MALE,
        occupation=Occupation.FARMER,
        division="220102",
    )


async def test_what_cannot_be_taken_is_refused_with_a_reason_and_opens_nothing(two: Provinces) -> None:
    past = two.there.house.clock.now() - timedelta(seconds=1)
    for body, why in (
        (b"{", "invalid"),
        (b"[" * 100_000, "invalid"),
        (handover(two).replace(b'"yellow"', b'"pink"'), "invalid"),
        (handover(two, until=past), "too_late"),
        (handover(two, asks=True), "too_late"),
        (handover(two, person=person("no number")), "no_telephone"),
    ):
        answer = await told(two, body)
        assert (answer.status_code, answer.json()) == (409, {"refused": why})
    known = two.there.house.line.residents.by_phone([("+8619911000001", two.there.house.clock.now())])
    assert await known == [None]


async def test_a_request_that_is_not_signed_by_a_province_or_was_seen_before_is_refused(two: Provinces) -> None:
    assert (await two.there.house.intake.post(PATH, json={"offer": "x"})).status_code == 401
    assert (await told(two, handover(two), key="another key, of nobody here at all")).status_code == 401
    body, nonce = handover(two), secrets.token_hex(12)
    first = await told(two, body, nonce)
    assert first.status_code == 200, first.text
    again = await told(two, body, nonce)
    assert (again.status_code, "nonce" in again.json()["reason"]) == (401, True)
    assert (await told(two, body)).json() == first.json(), "the same hand-over, newly signed, is the same case"


async def test_a_resident_who_lost_money_is_shielded_by_the_receiver_too(two: Provinces) -> None:
    resident = await after_loss(two.here)
    await two.here.advance(hours=1)
    await two.here.signal(call(two.here, resident))
    await two.here.operator(resident, OFFER)
    case, there = await two.here.case(resident), await case_there(two, resident)
    assert there is not None
    assert case.prior_loss is not None
    assert there.prior_loss is not None
    assert there.prior_loss.shielded_until == case.prior_loss.shielded_until  # their clocks differ here


async def test_a_province_that_hands_over_too_many_cases_is_refused_further_ones_and_repeats_count_once(
    two: Provinces,
) -> None:
    out = two.there.house.line.outgoing
    taking = Handovers(out, out.channels, OffersOfAnHour(most=1))
    first, second = (
        CaseHandover.model_validate_json(handover(two, person=person(f"+861991100009{number}"))) for number in (1, 2)
    )
    case = await taking.take(HERE, first)
    assert await taking.take(HERE, first) == case
    with pytest.raises(NotTakenError) as refused:
        await taking.take(HERE, second)
    assert refused.value.why is OfferRefusal.TOO_MANY
    known = await two.there.house.line.residents.by_phone([(second.person.phones[0], two.there.house.clock.now())])
    assert known == [None]
