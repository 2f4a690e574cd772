"""A minor's guardian goes with the case to another province: who is told of, and what the register there gets."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from domain.dispatches.outside_reports import is_reported
from domain.identity.identifiers import BEIJING, holders, owner, phone_at, reach
from domain.identity.personal import join, parted
from schemas.casework.inputs import TakeOver, input_adapter
from schemas.channels.handovers import CaseHandover
from schemas.people.residents import Holding, Language, Occupation, ReportSource, Resident, Sex
from streams.casework.outside_inputs import OutsideInputs
from streams.channels.provinces.person import Entered, ResidentFinder
from streams.channels.provinces.receiving import _input
from streams.channels.provinces.request import handover_of
from streams.messaging.producer import Producer
from streams.repositories.residents.register import Asked, ForgottenError, Residents
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.domain.builders import NOON
from tests.domain.casework.provinces.provinceworld import offered, sender

MINOR, MOTHER = "raaaaaaaaaaaaaaaa", "rbbbbbbbbbbbbbbbb"
PHONE_OF_MINOR, PHONE_OF_MOTHER = "+8619911000001", "+8619911000002"


class Register:
    """A register with these entries."""

    def __init__(self, *entries: Resident) -> None:
        self._entries = entries

    async def holders(self, asked: Iterable[Asked]) -> list[list[str]]:
        return [[e.id for e in self._entries if each.value in {held.value for held in e.phones}] for each in asked]

    async def standing(self, ids: Iterable[str]) -> Mapping[str, Resident]:
        wanted = set(ids)
        return {each.id: each for each in self._entries if each.id in wanted}


def person(name: str, phone: str, born: int, **more: object) -> Resident:
    made = Resident(
        id=name,
        name=f"某{name[1]}",
        phones=[Holding(value=phone)],
        birth_year=born,
        sex=Sex.FEMALE,
        occupation=Occupation.STUDENT,
        division="220104",
    )
    return made.model_copy(update=more)


def minor(born: int = 2012) -> Resident:
    return person(MINOR, PHONE_OF_MINOR, born, guardian=MOTHER)


def mother(*phones: Holding) -> Resident:
    made = person(MOTHER, PHONE_OF_MOTHER, 1985, language=Language.KOREAN, address="某街 1 号")
    return made.model_copy(update={"phones": list(phones)}) if phones else made


def told(resident: Resident, guardian: Resident | None) -> CaseHandover:
    """The request, as it arrives."""
    line = sender()
    out = offered(line)
    assert out is not None
    assert out.offer is not None
    made = handover_of(out, out.offer, line.here, resident, {}, NOON, guardian)
    return CaseHandover.model_validate_json(made.model_dump_json())


async def entered(request: CaseHandover, *known: Resident, now: datetime = NOON) -> Entered:
    finder = ResidentFinder(cast("Residents", Register(*known)), b"the other province's own secret!")
    found = await finder.person("jilin", request, now)
    assert found is not None
    return found


def test_a_minors_guardian_is_told_of_and_an_adults_is_not() -> None:
    sent = told(minor(), mother()).person.guardian
    assert sent is not None
    assert (sent.name, sent.phones, sent.language) == (mother().name, [PHONE_OF_MOTHER], Language.KOREAN)
    assert told(minor(born=1990), mother()).person.guardian is None
    assert told(minor(), None).person.guardian is None


def test_a_guardian_who_holds_no_telephone_now_is_not_told_of() -> None:
    former = Holding(value=PHONE_OF_MOTHER, until=NOON - timedelta(days=1))
    assert told(minor(), mother(former)).person.guardian is None


async def test_warnings_go_to_the_guardian_there_too() -> None:
    found = await entered(told(minor(), mother()))
    assert found.guardian is not None
    assert found.resident.guardian == found.guardian.id != found.resident.id
    assert found.guardian.provisional is ReportSource.FORCE
    way = reach(found.resident, found.guardian, NOON)
    assert (way.phone, way.language, way.of) == (PHONE_OF_MOTHER, Language.KOREAN, found.guardian.id)


async def test_a_guardian_whom_the_register_has_keeps_that_entry() -> None:
    there = mother().model_copy(update={"id": "rcccccccccccccccc"})
    found = await entered(told(minor(), mother()), there)
    assert (found.resident.guardian, found.guardian) == (there.id, None)


async def test_a_minor_whom_the_register_has_keeps_the_entry_and_its_guardian() -> None:
    there = minor().model_copy(update={"id": "rdddddddddddddddd", "guardian": None})
    found = await entered(told(minor(), mother()), there)
    assert (found.resident, found.new, found.guardian) == (there, False, None)


async def test_who_comes_of_age_on_the_way_is_taken_over_without_a_guardian() -> None:
    born = NOON.year - 17
    request = told(minor(born=born), mother())
    after = datetime(NOON.year + 1, 1, 1, 0, 0, 1, tzinfo=BEIJING)
    found = await entered(request, now=after)
    assert request.person.guardian is not None, "a minor when it was sent"
    assert (found.resident.guardian, found.guardian) == (None, None)
    assert is_reported(_input("jilin", request, found, after, None)), "no dead letter"


async def test_a_guardian_whom_a_sender_tells_of_an_adult_is_left_out() -> None:
    request = told(minor(), mother())
    adult = request.model_copy(update={"person": request.person.model_copy(update={"birth_year": 1980})})
    assert is_reported(_input("jilin", adult, await entered(adult), NOON, None))


async def test_the_telephone_to_reach_a_person_first_is_the_same_there() -> None:
    familys, own = Holding(value="+8613100000001", shared=True), Holding(value="+8613900000001")
    request = told(minor().model_copy(update={"phones": [familys, own]}), mother(familys, own))
    assert request.person.phones == [own.value, familys.value]
    found = await entered(request)
    assert found.guardian is not None
    assert [phone_at(each, NOON) for each in (found.resident, found.guardian)] == [own.value, own.value]


async def test_a_resident_keeps_a_telephone_and_an_account_that_a_newcomer_is_told_to_hold() -> None:
    account = Holding(value="6222020200012345678")
    there = mother().model_copy(update={"id": "rzzzzzzzzzzzzzzzz", "name": "某他", "accounts": [account]})
    newcomer = minor().model_copy(update={"phones": there.phones, "accounts": there.accounts})
    found = await entered(told(newcomer, mother()), there)
    assert found.guardian is not None
    assert found.new
    for made in (found.resident, found.guardian):
        assert first_of(there.phones[0], there, made) == there.id
    assert first_of(account, there, found.resident) == there.id


async def test_a_telephone_of_the_minor_and_the_guardian_means_the_minor_whose_case_it_is() -> None:
    familys = Holding(value="+8613100000001")
    cases = [told(minor().model_copy(update={"phones": [familys]}), mother(familys))]
    cases += [cases[0].model_copy(update={"case": f"{MINOR}-{number}"}) for number in range(2, 6)]
    for each in cases:  # each case gives both other random ids
        found = await entered(each)
        assert found.guardian is not None
        assert first_of(familys, found.resident, found.guardian) == found.resident.id


async def test_of_two_newcomers_with_one_telephone_the_one_handed_over_last_is_meant() -> None:
    phone = Holding(value="+8613100000001")
    adult = person(MINOR, phone.value, 1990)
    first = await entered(told(adult, None))
    for number in range(2, 6):
        other = told(adult, None).model_copy(update={"case": f"{MOTHER}-{number}"})
        last = await entered(other, now=NOON + timedelta(seconds=number))
        assert first_of(phone, first.resident, last.resident) == last.resident.id


def first_of(holding: Holding, *entries: Resident) -> str:
    """Who is meant by a telephone or account that these entries hold."""
    held = [(entry, each) for entry in entries for each in (*entry.phones, *entry.accounts)]
    return holders([owner(entry, each) for entry, each in held if each.value == holding.value], NOON)[0]


class Registering(Register):
    """A register to which entries are added. `forgotten`: the ids of erased people."""

    def __init__(self, *entries: Resident, forgotten: Iterable[str] = ()) -> None:
        super().__init__(*entries)
        self.put_here: list[str] = []
        self._forgotten = set(forgotten)

    async def get(self, ids: Iterable[str]) -> Mapping[str, Resident]:
        return await self.standing(ids)

    async def put(self, residents: Iterable[Resident]) -> None:
        for each in residents:
            if each.id in self._forgotten:
                raise ForgottenError(each.id)
            self._entries = (*self._entries, each)
            self.put_here.append(each.id)


def worker(register: Registering) -> OutsideInputs:
    settings = Settings(app_id="given", kafka="127.0.0.1:1", redis="redis://127.0.0.1:1/0", secret="s" * 32)
    nobody = cast("Producer", None)  # nothing is sent
    return OutsideInputs(settings, nobody, Clock.starting(1, NOON), cast("Residents", register))


async def test_the_worker_enters_the_minor_and_then_the_guardian() -> None:
    report, register = await given(), Registering()
    assert report.guardian is not None
    passed_on = await worker(register)._entered(report)
    assert register.put_here == [report.resident, report.guardian.id]
    assert passed_on == report.model_copy(update={"person": None, "guardian": None})


async def test_two_hand_overs_that_waited_for_the_worker_make_one_entry_of_a_person() -> None:
    request, register = told(minor(), mother()), Registering()
    later = request.model_copy(update={"case": f"{request.case.rpartition('-')[0]}-9"})
    reports = [_input("jilin", each, await entered(each), NOON, None) for each in (request, later)]
    first, second = [await worker(register)._entered(each) for each in reports]
    assert len({each.resident for each in reports}) == 2, "intake found nobody yet"
    assert second.resident == first.resident
    assert len(register.put_here) == 2, "the minor and the guardian"


async def test_siblings_who_are_handed_over_have_one_guardian() -> None:
    younger = person("rffffffffffffffff", "+8619911000003", 2014, guardian=MOTHER)
    requests, register = [told(minor(), mother()), told(younger, mother())], Registering()
    requests[1] = requests[1].model_copy(update={"case": "rffffffffffffffff-1"})
    reports = [_input("jilin", each, await entered(each), NOON, None) for each in requests]
    ids = [(await worker(register)._entered(each)).resident for each in reports]
    children = await register.get(ids)
    assert len(children) == 2
    [guardian] = {each.guardian for each in children.values()}
    assert guardian in register.put_here
    assert len(register.put_here) == 3


async def test_a_name_with_a_space_is_the_same_persons() -> None:
    there = mother().model_copy(update={"id": "rzzzzzzzzzzzzzzzz", "name": f"{mother().name[0]} {mother().name[1:]}"})
    assert (await entered(told(minor(), mother()), there)).resident.guardian == there.id


async def test_no_guardian_is_entered_of_a_minor_who_was_erased() -> None:
    report = await given()
    register = Registering(forgotten=[report.resident])
    with pytest.raises(ForgottenError):
        await worker(register)._entered(report)
    assert register.put_here == []


async def test_no_guardian_is_entered_of_a_minor_whose_entry_names_another() -> None:
    report = await given()
    assert report.person is not None
    register = Registering(report.person.model_copy(update={"guardian": None}))
    await worker(register)._entered(report)
    assert register.put_here == []


async def test_repeated_requests_make_one_guardian_and_another_case_another() -> None:
    request = told(minor(), mother())
    first, again = await entered(request), await entered(request)
    assert (first.resident.id, first.guardian) == (again.resident.id, again.guardian)
    later = await entered(request.model_copy(update={"case": f"{request.case.rpartition('-')[0]}-9"}))
    assert later.resident.id != first.resident.id, "the first may have been erased, and its id is never used again"


async def given() -> TakeOver:
    request = told(minor(), mother())
    return _input("jilin", request, await entered(request), NOON, None)


async def test_intake_may_report_a_newcomer_with_a_guardian() -> None:
    assert is_reported(await given())


@pytest.mark.parametrize(
    "changes",
    [
        {"guardian": {"id": "reeeeeeeeeeeeeeee"}},  # another than the person's
        {"guardian": {"provisional": None}},
        {"guardian": {"merged_into": MOTHER}},
        {"guardian": {"id_hash": "h"}},
        {"guardian": {"guardian": MOTHER}},
        {"person": {"birth_year": 1980}},  # no minor
        {"person": {"guardian": None}},
    ],
)
async def test_an_intruder_at_intake_makes_no_other_entry(changes: dict[str, dict[str, Any]]) -> None:
    whole = await given()
    for field, change in changes.items():
        whole = whole.model_copy(update={field: getattr(whole, field).model_copy(update=change)})
    assert not is_reported(whole)
    alone = (await given()).model_copy(update={"person": None})
    assert not is_reported(alone), "nor a guardian of nobody"


async def test_the_guardian_is_encrypted_with_the_personal_fields() -> None:
    record = json.loads((await given()).model_dump_json())
    taken = parted(record)
    plain = json.dumps(record, ensure_ascii=False)
    assert not [each for each in (PHONE_OF_MOTHER, mother().name, mother().address) if each in plain]
    assert input_adapter.validate_python(join(record, taken)) == await given()
