"""The guardians of residents in the register, who are called for a minor."""

from collections.abc import Iterable
from datetime import datetime

from domain.identity.identifiers import reach
from schemas.people.residents import Resident, ResidentId
from streams.repositories.residents.register import Residents


async def guardians_of(register: Residents, people: Iterable[Resident]) -> dict[ResidentId, Resident]:
    """Return the canonical entries of these people's guardians, by the id of the person's own entry. People without a
    guardian, or whose guardian has no entry, are left out. Raises RedisError if Redis is unavailable.
    """
    names = {each.id: each.guardian for each in people if each.guardian}
    found = await register.standing(names.values()) if names else {}
    return {child: found[name] for child, name in names.items() if name in found}


async def guardian_of(register: Residents, person: Resident | None) -> Resident | None:
    """Return the canonical entry of a person's guardian; None if the person has none or the register lacks it, or if
    `person` is None. Raises RedisError if Redis is unavailable.
    """
    return (await guardians_of(register, [person])).get(person.id) if person else None


async def dialled_number(register: Residents, resident: ResidentId, at: datetime) -> str:
    """Return the telephone number by which to reach the resident with this id at `at`, a minor's guardian's (see
    `reach`); "" if none is known. Raises RedisError if Redis is unavailable.
    """
    person = (await register.standing([resident])).get(resident)
    return (reach(person, await guardian_of(register, person), at).phone if person else None) or ""
