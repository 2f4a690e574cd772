"""Registers people whom another place reports, such as another province, without a second entry of anybody."""

from contextlib import suppress
from datetime import datetime

from domain.identity.entries import same_name
from domain.identity.identifiers import held
from schemas.people.residents import Resident, ResidentId
from streams.repositories.residents.register import Asked, ForgottenError, Residents


async def same_person(register: Residents, told: Resident, at: datetime) -> Resident | None:
    """Return the register's entry of the same person as `told` (the entry that would be made of them), or None if the
    register has none.

    A person is the same if the name is the same and both hold one telephone at `at`: a telephone by itself may be a
    family's. If several are, return the entry with the lowest id, so that all processes agree; if none is, the entry
    with `told`'s id. Raises RedisError if Redis is unavailable.
    """
    phones = [each.value for each in told.phones if held(each, at)]
    found = await register.holders([Asked("phones", phone, at) for phone in phones])
    standing = await register.standing(dict.fromkeys(each for ids in found for each in ids))
    same = [each for each in standing.values() if same_name(each, told)]
    if same:
        return min(same, key=lambda each: each.id)
    return (await register.standing([told.id])).get(told.id)


async def enter(register: Residents, person: Resident, guardian: Resident | None, at: datetime) -> ResidentId:
    """Return the id of the register's entry of a person; if there is none at `at`, write `person` to the register
    first.

    `guardian`: the entry to write for a minor's guardian, None for others. It is written after the minor's that names
    it, so that none is written for nobody if the minor was erased. Raises ForgottenError if the person was erased (a
    guardian who was erased is left out), SendError if Kafka refuses a record, and RedisError if Redis or the vault is
    unavailable.
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
