"""After the key of the ID numbers' hashes is changed, every resident is found as before."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from domain.identity.entries import changed, merge
from domain.identity.id_keys import UnknownKeyError
from schemas.people.residents import Resident, ResidentId
from streams.repositories.residents.files import export_file, import_file
from streams.repositories.residents.register import Residents
from streams.repositories.residents.rehash import rehash
from tests.streams.repositories.residents_files import ANNA, KEYS, LATER, NOW, NUMBER, everybody, read, take


async def test_with_a_new_key_who_was_taken_in_under_the_old_one_is_still_known(
    register: Residents, file: Path
) -> None:
    await take(file, register, ANNA)
    (before,) = await everybody(register)
    again = await take(file, register, ANNA.replace("220102", "220184"), keys=LATER)
    (after,) = await everybody(register)
    assert (again.imported, after.id, after.id_hash) == (1, before.id, LATER.hashes(NUMBER)[-1])
    assert await register.by_id_hash(LATER.hashes(NUMBER)) == [None, before.id]


async def test_rehashed_everybody_is_found_as_before_and_interrupted_it_goes_on(
    register: Residents, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [f"某某,+86142{number:08},,retired,220102,女,1970" for number in range(1500)]
    report = await take(file, register, ANNA, *others)
    assert report.imported == 1501
    known = await everybody(register)
    await register.put(changed(each, id_hash=KEYS.hashes(each.id)[-1]) for each in known if not each.id_hash)
    change, first = register.change, iter((True,))

    async def once(ids: Iterable[ResidentId], make: Callable[[Resident], Resident]) -> int:
        if not next(first, False):
            raise RuntimeError("the process ends here")
        return await change(ids, make)

    monkeypatch.setattr(register, "change", once)
    with pytest.raises(RuntimeError, match="ends here"):
        await rehash(register, LATER)
    monkeypatch.undo()
    assert 0 < await rehash(register, LATER) < 1501
    assert await rehash(register, LATER) == 0
    entries = await everybody(register)
    hashes = {each.id: each.id_hash for each in entries}
    assert all(hashed and hashed.endswith(".1") for hashed in hashes.values())
    assert await register.by_id_hash([hashed or "" for hashed in hashes.values()]) == list(hashes)
    assert (await take(file, register, ANNA, keys=LATER)).unchanged == 1


async def test_who_does_not_know_the_register_s_key_takes_nobody_in(register: Residents, file: Path) -> None:
    await take(file, register, ANNA, keys=LATER)
    with pytest.raises(UnknownKeyError, match="QUANZU_ID_KEYS"):
        await take(file, register, ANNA, keys=KEYS)
    assert await register.count() == 1


async def test_what_was_exported_under_the_old_key_is_known_under_the_new_one(register: Residents, file: Path) -> None:
    await take(file, register, ANNA)
    exported = file.with_name("export.csv")
    await export_file(exported, register)
    await rehash(register, LATER)
    again = await import_file(exported, register, LATER, at=NOW)
    assert (again.unchanged, again.refused, await register.count()) == (1, [], 1)


def test_entries_under_different_keys_are_not_taken_for_one_person_or_two() -> None:
    one, other = (changed(read(), id_hash=hashed) for hashed in LATER.hashes(NUMBER))
    with pytest.raises(ValueError, match="rehash"):
        merge(one, other, NOW)
    kept, _ = merge(changed(one, id_hash=other.id_hash), other, NOW)
    assert kept.id_hash == other.id_hash
