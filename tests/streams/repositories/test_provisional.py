"""A caller whom the register did not know is confirmed when the register delivers the person, and keeps the id."""

from datetime import timedelta
from pathlib import Path

from domain.desk.unknown_caller import Newcomer, caller_entry
from domain.identity.entries import changed
from schemas.people.residents import Holding, Resident, Sex
from streams.repositories.residents.files import import_file
from streams.repositories.residents.register import Residents
from tests.streams.repositories.residents_files import ANNA, KEYS, NOW, NUMBER, everybody, take, write

CALLED = "+8614200000001"
HEADING = "id,name,phones,id_number,occupation,division,sex,birth_year"
OTHER_NUMBER = "990101197001010019"


async def caller(register: Residents, name: str = "安某", **more: object) -> Resident:
    """The provisional entry of somebody who called an hour ago."""
    entry = changed(caller_entry("c1", NOW - timedelta(hours=1), CALLED, Newcomer(name, "220102")), **more)
    await register.put([entry])
    return entry


async def test_the_row_with_the_name_and_telephone_confirms_the_entry_and_its_id_stays(
    register: Residents, file: Path
) -> None:
    account = Holding(value="9900000000000001", since=NOW - timedelta(hours=2))
    before = await caller(register, accounts=[account])
    report = await take(file, register, ANNA)
    assert (report.imported, report.refused) == (1, [])
    [after] = await everybody(register)
    assert (after.id, after.provisional) == (before.id, None)
    assert (after.birth_year, after.sex, after.occupation) == (1980, Sex.MALE, "retired")
    assert after.id_hash == KEYS.hashes(NUMBER)[-1]
    assert after.accounts == [account]
    assert (await take(file, register, ANNA)).refused == []
    assert [each.id for each in await everybody(register)] == [before.id]


async def test_another_name_on_the_same_telephone_is_another_person(register: Residents, file: Path) -> None:
    before = await caller(register, name="乙某")
    await take(file, register, ANNA)
    assert {(each.name, each.provisional is None) for each in await everybody(register)} == {
        ("安某", True),
        ("乙某", False),
    }
    assert (await register.get([before.id]))[before.id] == before


async def test_the_id_number_tells_more_than_the_telephone_and_the_name(register: Residents, file: Path) -> None:
    before = await caller(register, name="安 某某", id_hash=KEYS.hashes(NUMBER)[-1])
    await take(file, register, ANNA.replace("0001,", "0009,", 1))
    [after] = await everybody(register)
    assert (after.id, after.name, after.provisional) == (before.id, "安某", None)
    assert {each.value for each in after.phones} == {CALLED, "+8614200000009"}


async def test_a_different_id_number_is_another_person_even_under_the_name(register: Residents, file: Path) -> None:
    await caller(register, id_hash=KEYS.hashes(OTHER_NUMBER)[-1])
    await take(file, register, ANNA)
    assert len(await everybody(register)) == 2


async def test_who_was_known_under_another_telephone_is_merged_into_the_entry_that_has_the_case(
    register: Residents, file: Path
) -> None:
    await take(file, register, ANNA.replace("0001,", "0009,", 1))
    [known] = await everybody(register)
    before = await caller(register)
    await take(file, register, ANNA)
    entries = await register.get([known.id, before.id])
    assert (entries[known.id].merged_into, entries[before.id].provisional) == (before.id, None)
    assert await register.by_id_hash([KEYS.hashes(NUMBER)[-1]]) == [before.id]
    assert await register.by_phone([(CALLED, NOW)]) == [before.id]
    assert (await take(file, register, ANNA)).refused == []


async def test_a_row_under_the_registers_own_id_is_about_the_entry_that_stayed(register: Residents, file: Path) -> None:
    before = await caller(register)
    own = "r" + "k" * 16
    row = f"{own},安某,{CALLED},{NUMBER},retired,220102,,"
    for division in ("220102", "220184"):
        write(file, f"{HEADING}\n{row.replace('220102', division)}\n".encode())
        assert (await import_file(file, register, KEYS, at=NOW)).refused == []
    entries = await register.get([own, before.id])
    assert entries[own].merged_into == before.id
    assert (entries[before.id].division, entries[before.id].provisional) == ("220184", None)
