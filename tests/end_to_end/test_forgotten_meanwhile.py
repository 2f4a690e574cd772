"""What happens between the reading of the topics and the destruction of the keys: an erasure sees it and stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

import pytest
import pytest_asyncio

from domain.identity.entries import merge
from domain.identity.identifiers import account_token
from domain.identity.personal import WITHHELD, without
from schemas.casework.acts import CloseAct
from schemas.levels import Level
from schemas.people.calls import Call as CallIn
from schemas.people.legal_holds import LegalAuthority, LegalHold, LegalHoldState
from schemas.people.places import SearchList
from schemas.people.public_reports import PublicReport, PublicReportState
from schemas.people.residents import Holding, Resident
from schemas.people.subject_requests import IdentityProof, SubjectRequest, SubjectRequestState, SubjectRight
from streams.messaging import case_inputs
from streams.messaging.producer import Record
from streams.messaging.topics import LEGAL_HOLDS, home
from streams.operations import erasure
from streams.operations.erasure import Forgotten, NotForgottenError, forget
from streams.screening.state import records
from streams.screening.store import EvidenceStore
from streams.security.vault import Vault
from streams.state.keys import key
from tests.domain.builders import alert
from tests.end_to_end.harness.house import House
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer
from tests.end_to_end.test_forgotten import NAME, in_redis, installed_house, on_topics, sent


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def a_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with installed_house(tmp_path_factory.mktemp("meanwhile")) as made:
        yield made


def after(monkeypatch: pytest.MonkeyPatch, step: str, happens: Callable[[], Awaitable[object]]) -> None:
    """After this step of an erasure, something else happens, once."""
    real, left = getattr(erasure, step), [happens]

    async def both(*given: object, **more: object) -> object:
        found = await real(*given, **more)
        while left:
            await left.pop()()
        return found

    monkeypatch.setattr(erasure, step, both)


async def stays(house: House, person: Resident) -> bool:
    """Whether the person's key and entry are whole."""
    found = await house.line.residents.get([person.id])
    return not await house.line.residents.forgotten([person.id]) and found[person.id].name == person.name


@pytest.mark.parametrize("step", ["_records", "_empty_cases"])
async def test_a_case_that_begins_during_an_erasure_stops_it(
    a_house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    house, line = a_house, Line.begun(a_house)
    person = await line.resident(name=NAME)

    async def alarmed() -> None:
        await sent(line, call(line, person, ongoing=True), transfer(line, person, line.account()))
        assert (await line.case(person)).open

    after(monkeypatch, step, alarmed)
    with pytest.raises(NotForgottenError, match="is open: nobody is forgotten while in danger"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    assert await stays(house, person)
    assert (await line.case(person)).profile.birth_year == person.birth_year
    await line.end()


async def test_a_report_of_the_public_page_that_comes_during_an_erasure_stops_it(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line = a_house, Line.begun(a_house)
    person = await line.resident(name=NAME)
    report = PublicReport(
        id=f"w{'1' * 20}", at=house.clock.now(), name=NAME, phone=person.phones[0].value, place="220104"
    )
    after(monkeypatch, "_empty_cases", lambda: house.line.public_reports.put(report))
    with pytest.raises(NotForgottenError, match=f"report {report.id} of the public page"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    assert await stays(house, person)
    await house.line.public_reports.put(report.model_copy(update={"state": PublicReportState.REJECTED}))


async def test_the_places_where_the_person_was_looked_for_are_erased_with_them(a_house: House) -> None:
    house, line = a_house, Line.begun(a_house)
    person, other = await line.resident(name=NAME), await line.resident(name=NAME)
    for name, whose in (("s-mine", person), ("s-theirs", other)):
        listed = SearchList(
            id=name, case=f"{whose.id}-1", resident=whose.id, input="i", at=house.clock.now(), places=[]
        )
        await house.line.search_lists.put(listed)
    await forget(house.line, person.id, "supervisor-1", "a test")
    assert [each.id for each in await house.line.search_lists.all()] == ["s-theirs"]
    await house.line.search_lists.drop("s-theirs")


def asked(house: House, person: Resident, mark: str) -> SubjectRequest:
    """A granted request to erase the person. `mark`: a digit of its id."""
    now = house.clock.now()
    return SubjectRequest(
        **{"id": f"s{mark * 20}", "at": now, "by": "operator-1", "right": SubjectRight.ERASE, "area": "2201"},
        **{"proof": IdentityProof.IN_PERSON, "name": NAME, "resident": person.id, "due": now},
        state=SubjectRequestState.GRANTED,
    )


async def test_a_request_that_is_refused_during_its_erasure_is_not_carried_out(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, requests = a_house, a_house.line.subject_requests
    person = await Line.begun(house).resident(name=NAME)
    request = asked(house, person, "1")
    await requests.put(request)
    refused = request.model_copy(update={"state": SubjectRequestState.REFUSED})
    after(monkeypatch, "_empty_cases", lambda: requests.put(refused))
    with pytest.raises(NotForgottenError, match=f"request {request.id} is refused meanwhile"):
        await forget(house.line, person.id, "supervisor-1", "a test", request.id)
    assert await stays(house, person)
    await requests.put(request)
    assert (await forget(house.line, person.id, "supervisor-1", "a test", request.id)).records == 1
    emptied = await requests.get(request.id)
    assert emptied is not None
    assert (emptied.state, emptied.name) == (SubjectRequestState.GRANTED, WITHHELD)


def order(house: House, person: Resident) -> LegalHold:
    return LegalHold(
        id=f"l{'2' * 20}",
        resident=person.id,
        ordered_by=LegalAuthority.COURT,
        number="2026-2",
        until=house.clock.now() + timedelta(days=30),
        area="2201",
        state=LegalHoldState.IN_FORCE,
    )


async def test_a_merge_during_an_erasure_does_not_get_round_an_order(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, residents = a_house, a_house.line.residents
    line = Line.begun(house)
    person, ordered = await line.resident(name=NAME), await line.resident(name="保留某")
    await house.line.legal_holds.put(order(house, ordered))
    after(monkeypatch, "_empty_cases", lambda: residents.put(merge(person, ordered, house.clock.now())))
    with pytest.raises(NotForgottenError, match=f"an order to keep the data of {ordered.id}"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    assert await stays(house, person)
    await house.line.legal_holds.put(order(house, ordered).model_copy(update={"state": LegalHoldState.LIFTED}))


async def test_who_is_merged_into_another_entry_during_an_erasure_is_not_erased_alone(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, residents = a_house, a_house.line.residents
    line = Line.begun(house)
    person, keep = await line.resident(name=NAME), await line.resident(name="留存某")
    after(monkeypatch, "_empty_cases", lambda: residents.put(merge(keep, person, house.clock.now())))
    with pytest.raises(NotForgottenError, match=f"was merged meanwhile into {keep.id}"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    assert await stays(house, person)


async def test_an_order_that_redis_lost_is_read_from_its_topic(a_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house, line = a_house, Line.begun(a_house)
    person = await line.resident(name=NAME)

    async def lost() -> None:
        await house.line.legal_holds.put(order(house, person))
        await house.line.redis.delete(LEGAL_HOLDS.name)

    after(monkeypatch, "_empty_cases", lost)
    for _ in range(2):
        with pytest.raises(NotForgottenError, match=f"an order to keep the data of {person.id}"):
            await forget(house.line, person.id, "supervisor-1", "a test")
    assert await stays(house, person)
    await house.line.producer.send_all([Record(LEGAL_HOLDS.name, b"l-of-a-newer-version", b"{}")])
    with pytest.raises(NotForgottenError, match="a record of legal-holds cannot be read"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    await house.line.producer.send_all([Record(LEGAL_HOLDS.name, b"l-of-a-newer-version", None)])
    await house.line.legal_holds.put(order(house, person).model_copy(update={"state": LegalHoldState.LIFTED}))
    await forget(house.line, person.id, "supervisor-1", "a test")
    assert not await house.line.residents.get([person.id])


async def test_records_that_are_written_during_an_erasure_are_erased_too(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line = a_house, Line.begun(a_house)
    person, phone = await line.resident(name=NAME), line.phone()
    before = CallIn(id=f"c{'3' * 20}", at=house.clock.now(), by="o", phone=person.phones[0].value, recording="said 1")
    during = before.model_copy(update={"id": f"c{'4' * 20}", "recording": "said 2"})
    another = before.model_copy(update={"id": f"c{'5' * 20}", "recording": "said 3", "phone": phone})
    await house.line.calls.put(before)

    async def called() -> None:
        await house.line.calls.put(during)
        await house.line.calls.put(another)

    after(monkeypatch, "accounts_of", called)
    assert (await forget(house.line, person.id, "supervisor-1", "a test")).records == 2
    words = [b"said 1", b"said 2", b"said 3"]
    assert {word for _, word in await on_topics(house.settings, words)} == {b"said 3"}
    assert {word for _, word in await in_redis(house, words)} == {b"said 3"}


async def test_an_erasure_that_ended_after_the_keys_were_destroyed_is_finished_whatever_is_ordered_since(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line, real = a_house, Line.begun(a_house), Vault.rewritten
    person, gone = await line.resident(name="中断某"), await line.resident(name="并入某")
    await house.line.residents.put(merge(person, gone, house.clock.now()))

    async def killed(vault: Vault) -> None:
        raise ConnectionError("the process is killed here")

    monkeypatch.setattr(Vault, "rewritten", killed)
    with pytest.raises(ConnectionError):
        await forget(house.line, person.id, "supervisor-1", "a test")
    rewritten = list[str]()

    async def seen(vault: Vault) -> None:
        rewritten.append("once")
        await real(vault)

    monkeypatch.setattr(Vault, "rewritten", seen)
    await house.line.legal_holds.put(order(house, person))
    assert await forget(house.line, person.id, "supervisor-1", "a test") == Forgotten(0, 0, 0, finished=2)
    assert rewritten
    assert not await house.line.residents.get([person.id, gone.id])
    words = [holding.value.encode() for each in (person, gone) for holding in (*each.phones, *each.accounts)]
    assert await in_redis(house, ["中断某".encode(), "并入某".encode(), *words]) == set()
    await house.line.legal_holds.put(order(house, person).model_copy(update={"state": LegalHoldState.LIFTED}))


async def test_an_account_that_somebody_else_holds_or_pays_can_still_be_stopped_after_an_erasure(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line, number = a_house, Line.begun(a_house), a_house.line.outgoing.account
    joint, payee, later = line.account(), line.account(), line.account()
    person = await line.resident(name=NAME, accounts=[Holding(value=line.account()), Holding(value=joint)])
    other = await line.resident(accounts=[Holding(value=line.account()), Holding(value=joint)])
    tokens = {each: account_token(house.settings.key(), each) for each in (joint, payee, later)}
    await house.line.producer.send_all(records({tokens[joint]: joint}, []))  # somebody paid there long ago
    await house.line.screening.restore()
    paid = [transfer(line, person, payee), transfer(line, person, later)]
    await sent(line, call(line, person, ongoing=True), *paid)
    await line.operator(person, CloseAct(do="close", reason="there is nothing more to do"))
    await line.advance(days=6)  # so that the banks have answered and the case no longer changes

    async def pays() -> None:
        await sent(line, call(line, other, ongoing=True), transfer(line, other, later))
        await line.settle()

    after(monkeypatch, "_empty_cases", pays)
    assert (await forget(house.line, person.id, "supervisor-1", "a test")).accounts == 2
    assert [await number(tokens[each]) for each in (joint, payee, later)] == [joint, None, later]
    await sent(line, transfer(line, other, payee))  # a later victim of the same scammer
    await line.settle()
    assert await number(tokens[payee]) == payee
    await house.line.redis.delete(*[name async for name in house.line.redis.scan_iter("accounts-by-token:*")])
    assert [await number(tokens[each]) for each in (joint, payee, later)] == [None] * 3
    await house.line.screening.restore()
    assert [await number(tokens[each]) for each in (joint, payee, later)] == [joint, payee, later]
    await line.end()


async def test_evidence_that_is_written_while_the_entry_is_deleted_is_deleted_too(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, residents = a_house, a_house.line.residents
    person, real, writing = await Line.begun(house).resident(name=NAME), residents.erase, list[asyncio.Task[None]]()
    evidence = f"{key('evidence', home(person.id, house.settings.partitions))}:{person.id}"

    async def screened() -> None:
        await asyncio.sleep(0.1)  # the resident was found before
        await house.line.redis.hset(evidence, "a-signal", "what it says")

    async def erased(ids: Sequence[str]) -> None:
        await real(ids)
        writing.append(asyncio.create_task(screened()))

    monkeypatch.setattr(residents, "erase", erased)
    await forget(house.line, person.id, "supervisor-1", "a test")
    await asyncio.gather(*writing)
    assert writing
    assert not await house.line.redis.exists(evidence)


async def test_a_case_that_begins_after_the_keys_were_destroyed_is_told_and_emptied_by_the_next_run(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line = a_house, Line.begun(a_house)
    person, evidence = await line.resident(name=NAME), EvidenceStore(house.line.redis, house.settings.partitions)

    async def alarmed() -> None:
        await sent(line, call(line, person, ongoing=True), transfer(line, person, line.account()))
        assert (await line.case(person)).open
        assert await evidence.of(person.id)

    after(monkeypatch, "_drop_matches", alarmed)
    with pytest.raises(NotForgottenError, match=f"case {person.id}-1 began or changed while the data was erased.*run"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    assert await evidence.of(person.id) == []
    assert not await house.line.residents.get([person.id])
    noted = {word for _, word in await on_topics(house.settings, [f"data was erased: {person.id}-1".encode()])}
    assert noted
    with pytest.raises(NotForgottenError, match="close it"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    await line.operator(person, CloseAct(do="close", reason="there is nothing more to do"))
    await line.settle()
    assert await forget(house.line, person.id, "supervisor-1", "a test") == Forgotten(0, 0, 0, finished=1)
    assert without(found := await line.case(person)) == found
    await line.end()


async def test_a_case_is_told_though_casework_is_seconds_behind_when_the_entry_is_deleted(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line, thawing = a_house, Line.begun(a_house), list[asyncio.Task[None]]()
    person = await line.resident(name=NAME)
    alarm = alert(Level.YELLOW, at=house.clock.now()).model_copy(update={"id": person.id, "resident": person.id})

    async def behind() -> None:
        house.worker.freeze()
        await house.line.producer.send_all([case_inputs.record(alarm, home(person.id, house.settings.partitions))])
        thawing.append(asyncio.create_task(thawed()))

    async def thawed() -> None:
        await asyncio.sleep(3 * erasure.SCREENING_SECONDS)
        house.worker.thaw()

    after(monkeypatch, "_drop_matches", behind)
    with pytest.raises(NotForgottenError, match=f"case {person.id}-1 began or changed while the data was erased"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    await asyncio.gather(*thawing)
    await line.operator(person, CloseAct(do="close", reason="there is nothing more to do"))
    await line.settle()
    assert await forget(house.line, person.id, "supervisor-1", "a test") == Forgotten(0, 0, 0, finished=1)
    await line.end()


async def test_an_erasure_says_that_it_must_be_run_again_while_workers_are_behind(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line = a_house, Line.begun(a_house)
    person, other = await line.resident(name=NAME), await line.resident()

    async def behind() -> None:
        house.worker.freeze()
        payment = transfer(line, other, line.account()).model_copy(update={"source": "bank"})
        answer = await house.intake.post("/signals", json=[payment.model_dump(mode="json")])
        assert answer.status_code == 202

    after(monkeypatch, "_drop_matches", behind)
    try:
        with monkeypatch.context() as hurried:
            hurried.setattr(erasure, "ANSWER_SECONDS", 0.5)
            with pytest.raises(NotForgottenError, match=r"have not yet screened .* Run this again once workers"):
                await forget(house.line, person.id, "supervisor-1", "a test")
    finally:
        house.worker.thaw()
    await line.settle()
    assert await forget(house.line, person.id, "supervisor-1", "a test") == Forgotten(0, 0, 0, finished=1)
    await line.end()


async def test_an_interrupted_erasure_empties_the_earlier_cases_too_when_it_is_finished(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line, real = a_house, Line.begun(a_house), Vault.rewritten
    person, redis = await line.resident(name=NAME), house.line.redis
    partition = home(person.id, house.settings.partitions)
    await sent(line, call(line, person, ongoing=True), transfer(line, person, line.account()))
    await line.operator(person, CloseAct(do="close", reason="there is nothing more to do"))
    await line.advance(days=6)
    whole = await line.case(person)
    assert without(whole) != whole

    async def killed(vault: Vault) -> None:
        raise ConnectionError("the process is killed here")

    monkeypatch.setattr(Vault, "rewritten", killed)
    with pytest.raises(ConnectionError):
        await forget(house.line, person.id, "supervisor-1", "a test")
    monkeypatch.setattr(Vault, "rewritten", real)
    latest = (await line.case(person)).model_copy(update={"id": f"{person.id}-2", "number": 2})
    await redis.hset(key("cases", partition), person.id, latest.model_dump_json())
    await redis.hset(key("earlier", partition), whole.id, whole.model_dump_json())  # as an older Redis has it
    await forget(house.line, person.id, "supervisor-1", "a test")
    found = await house.line.store.case(partition, whole.id)
    assert found is not None
    assert without(found) == found
