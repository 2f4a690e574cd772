"""Provisional entries of the register, and the rows that deliver their persons.

A caller whom the register does not know gets a provisional entry (domain/desk/unknown_caller). It keeps its id when the
register delivers the person: cases, orders and evidence are stored under it.
"""

from collections.abc import Sequence
from datetime import datetime

from domain.identity.entries import confirmed, merge
from domain.identity.identifiers import held
from schemas.people.residents import Resident, ResidentId
from streams.repositories.residents.register import Asked, Residents


async def provisional_of(rows: Sequence[Resident], register: Residents, at: datetime) -> list[list[ResidentId]]:
    """Return for each row the ids of the provisional entries that hold one of its telephones at `at`."""
    asked = [(number, each.value) for number, row in enumerate(rows) for each in row.phones if held(each, at)]
    owners = await register.holders([Asked("phones", value, at) for _, value in asked])
    others = {
        name for (number, _), names in zip(asked, owners, strict=True) for name in names if name != rows[number].id
    }
    known = await register.get(others)
    found: list[list[ResidentId]] = [[] for _ in rows]
    for (number, _), names in zip(asked, owners, strict=True):
        found[number] += [name for name in names if name in known and known[name].provisional is not None]
    return found


def merged_entries(person: Resident, delivered: Resident, at: datetime) -> dict[ResidentId, Resident]:
    """Return a provisional entry with all that the register has of the person, and the register's own entry merged
    into it.

    Raises ValueError whose text begins with the column's name, as domain.identity.entries.merge does.
    """
    if delivered.merged_into:
        return {}
    try:
        return {each.id: each for each in merge(confirmed(person, delivered), delivered, at)}
    except ValueError as error:
        raise ValueError(f"phones: {error}") from None
