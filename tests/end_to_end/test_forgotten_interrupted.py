"""An erasure that is interrupted, or during which an order to keep the data begins; and reports of the public page."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count

import pytest
import pytest_asyncio

from schemas.people.calls import Call as CallIn
from schemas.people.complaints import Complaint, ComplaintKind
from schemas.people.legal_holds import LegalAuthority, LegalHold, LegalHoldState
from schemas.people.public_reports import PublicReport, PublicReportState
from schemas.people.residents import Holding, Resident
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import Read, read_all
from streams.operations import erasure, preservation
from streams.operations.erasure import Forgotten, NotForgottenError, forget
from streams.operations.preservation import preserve_records
from streams.runtime.settings import Settings
from streams.security.vault import Vault
from streams.state.file_rewrite import RewriteError
from streams.state.keys import changing
from tests.end_to_end.harness.house import House
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.test_forgotten import NAME, installed_house, on_topics
from tests.preserved import preserved_of


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def a_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with installed_house(tmp_path_factory.mktemp("interrupted")) as made:
        yield made


async def test_an_erasure_that_ended_before_redis_wrote_its_file_is_finished_by_running_it_again(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = a_house
    line, rewritten = Line.begun(house), list[str]()
    person = await line.resident(name=NAME, phones=[Holding(value=line.phone())])

    async def fails(redis: object) -> None:
        raise RewriteError("the disk is full")

    async def does(redis: object) -> None:
        rewritten.append("once")

    monkeypatch.setattr(erasure, "rewrite", fails)
    with pytest.raises(RewriteError):
        await forget(house.line, person.id, "supervisor-1", "a test")
    assert await house.line.residents.get([person.id]) == {}
    monkeypatch.setattr(erasure, "rewrite", does)
    assert await forget(house.line, person.id, "supervisor-1", "a test") == Forgotten(0, 0, 0, finished=1)
    assert rewritten


async def test_the_person_s_own_key_is_destroyed_after_those_by_which_the_rest_is_found(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, real, order = a_house, Vault.mark_destroyed, list[str]()
    line = Line.begun(house)
    person = await line.resident(name=NAME)
    await house.line.calls.put(CallIn(id=f"c{'0' * 20}", at=house.clock.now(), by="o", phone=person.phones[0].value))

    async def seen(vault: Vault, owners: Iterable[str], at: datetime) -> None:
        order.extend(told := list(owners))
        await real(vault, told, at)

    monkeypatch.setattr(Vault, "mark_destroyed", seen)
    await forget(house.line, person.id, "supervisor-1", "a test")
    assert order[0] == f"calls/c{'0' * 20}"
    assert order[-1] == person.id


def _order(house: House, person: Resident) -> LegalHold:
    return LegalHold(
        id=f"l{'0' * 20}",
        resident=person.id,
        ordered_by=LegalAuthority.COURT,
        number="2026-1",
        until=house.clock.now() + timedelta(days=30),
        area="2201",
        state=LegalHoldState.IN_FORCE,
    )


@pytest.mark.parametrize("step", ["accounts_of", "_empty_cases"])
async def test_an_order_that_begins_during_an_erasure_stops_it_before_anything_is_lost(
    a_house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    house, real = a_house, getattr(erasure, step)
    line = Line.begun(house)
    person, now = await line.resident(name=NAME), house.clock.now()
    complaint = Complaint(
        **{"id": f"k{'0' * 20}", "at": now, "by": "o", "kind": ComplaintKind.OTHER, "area": "2201"},
        **{"text": "the words of a complaint", "resident": person.id, "answer_due": now, "end_due": now},
    )
    await house.line.complaints.put(complaint)

    async def meanwhile(*given: object) -> object:
        found = await real(*given)
        await house.line.legal_holds.put(_order(house, person))
        return found

    monkeypatch.setattr(erasure, step, meanwhile)
    with pytest.raises(NotForgottenError, match="an order to keep the data"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    assert await house.line.residents.forgotten([person.id]) == []
    assert (await house.line.residents.get([person.id]))[person.id].name == NAME
    assert await house.line.complaints.get(complaint.id) == complaint


async def test_an_erasure_waits_while_an_order_is_confirmed_and_says_what_to_do(a_house: House) -> None:
    house = a_house
    person = await Line.begun(house).resident(name=NAME)
    async with house.line.legal_holds.none_begins():
        erasing = asyncio.create_task(forget(house.line, person.id, "supervisor-1", "a test"))
        await asyncio.sleep(1)
        await house.line.legal_holds.put(_order(house, person))
    with pytest.raises(NotForgottenError, match="an order to keep the data"):
        await erasing
    await house.line.legal_holds.put(_order(house, person).model_copy(update={"state": LegalHoldState.LIFTED}))
    await house.line.redis.set(changing("legal-holds", "beginning"), "another", px=60_000)
    with pytest.raises(NotForgottenError, match="Run it again: it does the rest"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    await house.line.redis.delete(changing("legal-holds", "beginning"))
    assert (await house.line.residents.get([person.id]))[person.id].name == NAME


async def test_an_order_that_begins_while_records_are_copied_keeps_the_copies_of_an_earlier_one(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, real = a_house, preservation._copies
    line = Line.begun(house)
    person = await line.resident(name=NAME)
    order = _order(house, person)
    await house.line.legal_holds.put(order)
    assert (await preserve_records(house.line, "operator-1")).copied > 0
    await house.line.legal_holds.put(order.model_copy(update={"state": LegalHoldState.LIFTED}))

    async def meanwhile(told: Installation) -> dict[bytes, str]:
        await house.line.legal_holds.put(order.model_copy(update={"id": f"l{'1' * 20}"}))
        return await real(told)

    monkeypatch.setattr(preservation, "_copies", meanwhile)
    assert (await preserve_records(house.line, "operator-1")).dropped == 0
    assert [each async for each in preserved_of(house.line, person.id)]


async def test_an_order_that_begins_directly_before_the_deletion_keeps_the_copies(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, real = a_house, preservation.same_people
    person, another = await Line.begun(house).resident(name=NAME), await Line.begun(house).resident(name="另一某")
    named = ((f"l2{'0' * 19}", person), (f"l3{'0' * 19}", another))
    orders = [_order(house, each).model_copy(update={"id": name}) for name, each in named]
    for order in orders:
        await house.line.legal_holds.put(order)
    assert (await preserve_records(house.line, "operator-1")).copied >= 2
    for order in orders:
        await house.line.legal_holds.put(order.model_copy(update={"state": LegalHoldState.LIFTED}))

    looks = count(1)

    async def meanwhile(told: Installation, residents: set[str]) -> set[str]:
        found = await real(told, residents)
        if next(looks) == 2:  # the look that decides which copies to delete
            await house.line.legal_holds.put(orders[0].model_copy(update={"id": f"l{'4' * 20}"}))
        return found

    monkeypatch.setattr(preservation, "same_people", meanwhile)
    assert (await preserve_records(house.line, "operator-1")).dropped > 0
    assert [each async for each in preserved_of(house.line, person.id)]
    assert not [each async for each in preserved_of(house.line, another.id)]


async def test_every_topic_is_read_once_for_all_people_and_nothing_is_copied_twice(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, read = a_house, Counter[str]()
    line, sent = Line.begun(house), list[int]()
    people = [await line.resident(name=f"{NAME}{number}") for number in range(3)]
    for number, each in enumerate(people):
        await house.line.legal_holds.put(_order(house, each).model_copy(update={"id": f"l5{number}{'0' * 18}"}))

    def once(settings: Settings, topic: str) -> AsyncIterator[Read]:
        read[topic] += 1
        return read_all(settings, topic)

    async def few(records: Sequence[Record]) -> int:
        sent.append(len(records))
        return await send(records)

    send = house.line.producer.send_all
    monkeypatch.setattr("streams.operations.subject_access.read_all", once)
    monkeypatch.setattr(preservation, "AT_ONCE", 2)
    monkeypatch.setattr(house.line.producer, "send_all", few)
    told = await preserve_records(house.line, "operator-1")
    assert told.copied >= 3
    assert read == {topic.name: 1 for topic in topics.ALL if topic not in (topics.PRESERVED, topics.LEGAL_HOLDS)}
    assert max(sent) <= 2
    for each in people:
        copies = [copy.model_dump_json() async for copy in preserved_of(house.line, each.id)]
        assert any(each.name in copy for copy in copies)
        assert not any(other.name in copy for other in people if other != each for copy in copies)
    assert (await preserve_records(house.line, "operator-1")).copied == 0


async def test_nobody_is_forgotten_while_their_report_waits_and_another_s_report_of_them_stays(a_house: House) -> None:
    house = a_house
    line = Line.begun(house)
    accused, victim = await line.resident(name=NAME), await line.resident(name="报案某")
    report = PublicReport(
        id=f"w{'0' * 20}",
        at=house.clock.now(),
        name="报案某",
        phone=victim.phones[0].value,
        place="220104",
        payee=accused.accounts[0].value,
        scammer_phone=accused.phones[0].value,
        text="the words of a report",
    )
    await house.line.public_reports.put(report)
    await forget(house.line, accused.id, "supervisor-1", "a test")
    assert await house.line.public_reports.get(report.id) == report
    assert {name for name, _ in await on_topics(house.settings, [b"the words of a report"])} == {"public-reports"}
    with pytest.raises(NotForgottenError, match=f"report {report.id} of the public page"):
        await forget(house.line, victim.id, "supervisor-1", "a test")
    await house.line.public_reports.put(report.model_copy(update={"state": PublicReportState.REJECTED}))
    await forget(house.line, victim.id, "supervisor-1", "a test")
    assert await on_topics(house.settings, [b"the words of a report"]) == set()
