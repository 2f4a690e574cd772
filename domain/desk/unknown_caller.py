"""A caller in danger whom the register does not know: the entry made during the call, and the place that the caller
names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.calendar import JILIN
from domain.identity.identifiers import new_resident_id
from domain.ids import short_hash
from schemas.people.residents import AssumedField, Holding, Occupation, ReportSource, Resident, Sex

# Assumed until somebody asks: none of these puts the caller into a group at risk.
ASSUMED_AGE = 40
ASSUMED_SEX = Sex.MALE
ASSUMED_OCCUPATION = Occupation.EMPLOYEE

HELD_BEFORE = timedelta(days=1)  # the caller's own account before the call: a bank may deliver its payments late


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The statements of a caller who is not in the register; None or "" for a question that was not asked.

    `division`: a county's code. `source`: how the caller reported. `account`: the caller's own, normalized. `id_hash`:
    the hash of the ID number under the key in force. `birth_year`: from the ID number or the stated age; `sex`: from
    the ID number.
    """

    name: str
    division: str
    source: ReportSource = ReportSource.HOTLINE
    birth_year: int | None = None
    sex: Sex | None = None
    id_hash: str | None = None
    account: str = ""


def caller_entry(call_id: str, at: datetime, phone: str, said: Newcomer) -> Resident:
    """Return a provisional register entry for a caller, of the statements `said`. The same call gives the same id, so a
    repeated form makes no second person. Nothing is stored.

    `at`: the time of the call. `phone`: in E.164; it counts as the caller's from `at` on, and the account that they
    named from a day before. What was not stated is assumed, and named in `assumed`: 40 years old, male, an employee.
    Raises ValidationError if a field is invalid.
    """
    stated = {AssumedField.BIRTH_YEAR: said.birth_year, AssumedField.SEX: said.sex, AssumedField.OCCUPATION: None}
    return Resident(
        id=new_resident_id(bytes.fromhex(short_hash("caller", call_id))),
        name=said.name,
        phones=[Holding(value=phone, since=at)],
        accounts=[Holding(value=said.account, since=at - HELD_BEFORE)] if said.account else [],
        id_hash=said.id_hash,
        birth_year=said.birth_year or at.astimezone(JILIN).year - ASSUMED_AGE,
        sex=said.sex or ASSUMED_SEX,
        occupation=ASSUMED_OCCUPATION,
        division=said.division,
        provisional=said.source,
        assumed=frozenset(field for field, value in stated.items() if value is None),
    )


def named_place(text: str, *languages: Mapping[str, str]) -> str | None:
    """Return the code of the place that the text names, or None if no place or several match. `languages`: the places'
    names by code, in one language each; the first in which one place matches counts. Upper and lower case count as
    equal.

    A place whose name or code equals the text is preferred to one whose name contains it.
    """
    wanted = " ".join(text.split()).casefold()
    for places in languages:
        exact = [code for code, name in places.items() if wanted in (code, name.casefold())]
        found = exact or [code for code, name in places.items() if wanted and wanted in name.casefold()]
        if len(found) == 1:
            return found[0]
    return None
