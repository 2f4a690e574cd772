"""A caller in danger whom the register does not know: the entry made during the call, and the place that is named."""

from collections.abc import Mapping
from datetime import datetime

from domain.calendar import JILIN
from domain.identity.identifiers import new_resident_id
from domain.ids import short_hash
from schemas.people.residents import Holding, Occupation, Resident, Sex

# Assumed until somebody asks: none of these puts the caller into a group at risk.
ASSUMED_AGE = 40
ASSUMED_SEX = Sex.MALE
ASSUMED_OCCUPATION = Occupation.EMPLOYEE


def caller_entry(call_id: str, at: datetime, phone: str, name: str, division: str, age: int | None = None) -> Resident:
    """Return the caller's entry. The same call gives the same id, so that a repeated form makes no second person.

    `phone`: in E.164, held from the call on. `age`: None if it was not asked.
    """
    return Resident(
        id=new_resident_id(bytes.fromhex(short_hash("caller", call_id))),
        name=name,
        phones=[Holding(value=phone, since=at)],
        birth_year=at.astimezone(JILIN).year - (ASSUMED_AGE if age is None else age),
        sex=ASSUMED_SEX,
        occupation=ASSUMED_OCCUPATION,
        division=division,
    )


def named_place(text: str, places: Mapping[str, str]) -> str | None:
    """Return the code of the only place whose name has the text in it, or whose name or code is the text; else None."""
    wanted = " ".join(text.split()).casefold()
    exact = [code for code, name in places.items() if wanted in (code, name.casefold())]
    found = exact or [code for code, name in places.items() if wanted and wanted in name.casefold()]
    return found[0] if len(found) == 1 else None
