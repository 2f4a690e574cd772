"""Registers people of whom another place tells, such as another province, without a second entry of anybody."""

from contextlib import suppress
from datetime import datetime

from domain.identity.entries import same_name
from domain.identity.identifiers import held
from schemas.people.residents import Resident, ResidentId
from streams.repositories.residents.register import Asked, ForgottenError, Residents


async def same_person(register: Residents, told: Resident, at: datetime) -> Resident | None:
    """Return the register's entry of the person whose provisional entry would be `told`, or None if it has none.

    A person is the same if the name is and a telephone that both hold at `at`: a telephone alone may be a family's. If
    several are, the entry with the lowest id, so that all processes agree.
    """
    phones = [each.value for each in told.phones if held(each, at)]
    found = await register.holders([Asked("phones", phone, at) for phone in phones])
    standing = await register.standing(dict.fromkeys(each for ids in found for each in ids))
    same = [each for each in standing.values() if same_name(each, told)]
    if same:
        return min(same, key=lambda each: each.id)
    return (await register.standing([told.id])).get(told.id)


async def enter(register: Residents, person: Resident, guardian: Resident | None, at: datetime) -> ResidentId:
    """Return the id of the register's entry of a person, after the entry was made if there was none at `at`.

    `guardian`: the entry to make of a minor's guardian. It is made only after the minor's that names it, so that it is
    made of nobody if the minor was erased. Raises ForgottenError if the person was erased; without a guardian who was,
    the minor is entered.
    """
    known = await same_person(register, guardian, at) if guardian else None
    if known is not None:
        person = person.model_copy(update={"guardian": known.id})
    stored = await same_person(register, person, at)
    if stored is None:
        await register.put([stored := person])
    if guardian is not None and known is None and stored.guardian == guardian.id:
        with suppress(ForgottenError):
            await register.put([guardian])
    return stored.id
