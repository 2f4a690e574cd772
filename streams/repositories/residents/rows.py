"""A resident as a row of text: how each column is read and written.

Several values in a cell are separated by `;`. A telephone or account may be followed by its period and sharing:

    +8614200000001                            held always
    +8614200000001@2019-05-01..2023-08-31     held from the first day (inclusive) to the second (exclusive)
    +8614200000001@2023-08-31..*              held from that day on; shared by a family, this resident is primary
    +8614200000001*2                          shared; another resident is primary

A day begins at midnight in Beijing; a moment can be written too (2023-08-31T14:00:00+08:00). A trusted contact is
`name|phone|relation`. In these, the characters `;`, `|` and `%` are written %3B, %7C and %25.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

from pydantic import ValidationError

from domain.identity.divisions import known
from domain.identity.entries import united
from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import BEIJING, IdNumber, normal_account, normal_phone, parse_id_number
from schemas.people.residents import (
    AssumedField,
    BalanceBand,
    Flag,
    Holding,
    Language,
    Occupation,
    ReportSource,
    Resident,
    Sex,
    TrustedContact,
)

COLUMNS = (
    "id",
    "name",
    "phones",
    "accounts",
    "id_number",
    "id_hash",
    "birth_year",
    "sex",
    "occupation",
    "division",
    "division_at",
    "address",
    "language",
    "contacts",
    "balance",
    "flags",
    "guardian",
    "merged_into",
    "provisional",
    "assumed",
)
EXPORTED = tuple(column for column in COLUMNS if column != "id_number")
REQUIRED = ("name", "occupation", "division")  # in the heading; birth year and sex may come from the ID number
LONGEST_MOMENT = 40  # characters; longer texts must not fill the cache of _moment
_SEXES = {"男": Sex.MALE, "女": Sex.FEMALE}
_HOLDING = re.compile(r"(?P<value>[^@*]+)(?:@(?P<since>[^.*]*)\.\.(?P<until>[^.*]*))?(?P<shared>\*2?)?")
_SPECIAL = {"%": "%25", ";": "%3B", "|": "%7C"}
_ESCAPED = re.compile("%25|%3B|%7C", re.IGNORECASE)


class RowError(ValueError):
    """A row cannot be read. `column`: the invalid column; `reason`: why, without the cell's value."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason


def read_row(row: Mapping[str, str], keys: IdKeys, new_id: Callable[[], str], today: date) -> Resident:
    """Return the resident in a row (text by column). A row without an id gets one from `new_id`.

    The ID number is replaced by its hash under the current key, and is not passed on. `today`: the date in Beijing, for
    checking the ID number. Raises RowError, with the column and the reason, for the first invalid column found.
    """
    texts = {column: text for column, raw in row.items() if (text := raw.strip())}
    fields = {column: _cell(column, reader, texts[column]) for column, reader in _READERS.items() if column in texts}
    if "id_number" in texts:
        number = _cell("id_number", partial(parse_id_number, on=today), texts["id_number"])
        _take_from_number(fields, number, keys)
    elif "id_hash" in fields:
        fields["id_hash"] = _cell("id_hash", keys.newest, fields["id_hash"])
    if "id" not in fields:
        fields["id"] = new_id()
    try:
        return Resident.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        missing = first["type"] == "missing"
        raise RowError(str(first["loc"][0]), "is missing" if missing else first["msg"]) from None


def known_as(row: Mapping[str, str], resident: Resident, keys: IdKeys, today: date) -> Sequence[str]:
    """Return every hash under which the row's person may be in the register, one for each key ever used, the oldest
    first; empty without an ID number or hash in the row. For a row with a hash instead of the number: this hash, and
    the one that `read_row` made of it.

    `row`: text by column; `resident`: the result of `read_row` for this row. `today`: the date in Beijing.
    """
    if resident.id_hash is None or not keys.later:
        return [resident.id_hash] if resident.id_hash else []
    if number := row.get("id_number", "").strip():
        return keys.hashes(parse_id_number(number, on=today).number)
    return list(dict.fromkeys((row["id_hash"].strip(), resident.id_hash)))


def write_row(resident: Resident) -> dict[str, str]:
    """Return the row (text by column; "" for an empty cell) that `read_row` parses into this resident.

    It has the hash in place of the ID number.
    """
    return {
        "id": resident.id,
        "name": resident.name,
        "phones": _written_holdings(resident.phones),
        "accounts": _written_holdings(resident.accounts),
        "id_hash": resident.id_hash or "",
        "birth_year": str(resident.birth_year),
        "sex": resident.sex,
        "occupation": resident.occupation,
        "division": resident.division,
        "division_at": resident.division_at.isoformat() if resident.division_at else "",
        "address": resident.address,
        "language": resident.language,
        "contacts": ";".join("|".join(map(_escape, (c.name, c.phone, c.relation))) for c in resident.contacts),
        "balance": resident.balance,
        "flags": ";".join(sorted(resident.flags)),
        "guardian": resident.guardian or "",
        "merged_into": resident.merged_into or "",
        "provisional": resident.provisional or "",
        "assumed": ";".join(sorted(resident.assumed)),
    }


def _cell(column: str, reader: Callable[[str], Any], text: str) -> Any:  # noqa: ANN401 - pydantic checks it
    try:
        return reader(text)
    except ValidationError as error:  # pydantic's full text would repeat the cell's value
        raise RowError(column, error.errors(include_input=False)[0]["msg"].removeprefix("Value error, ")) from None
    except ValueError as error:
        raise RowError(column, str(error)) from None


def _take_from_number(fields: dict[str, Any], number: IdNumber, keys: IdKeys) -> None:
    if fields.setdefault("birth_year", number.birth.year) != number.birth.year:
        raise RowError("birth_year", "is not the one in the ID number")
    if fields.setdefault("sex", number.sex) != number.sex:
        raise RowError("sex", "is not the one in the ID number")
    hashes = keys.hashes(number.number)
    if fields.get("id_hash", hashes[-1]) not in hashes:
        raise RowError("id_hash", "is not the ID number's: it was made with another secret, or for somebody else")
    fields["id_hash"] = hashes[-1]


def _holdings(normal: Callable[[str], str], text: str) -> list[Holding]:
    found = [_holding(normal, part.strip()) for part in text.split(";") if part.strip()]
    return united(found) if found[1:] else found


def _holding(normal: Callable[[str], str], text: str) -> Holding:
    if "@" not in text and "*" not in text:
        return Holding(value=normal(text))  # nearly all
    found = _HOLDING.fullmatch(text)
    if found is None:
        raise ValueError("write VALUE, VALUE@SINCE..UNTIL, and * behind it if it is shared")
    since, until = _moment(found["since"]), _moment(found["until"])
    if since and until and since >= until:
        raise ValueError("it ends before it begins")
    shared = found["shared"]
    return Holding(value=normal(found["value"]), since=since, until=until, shared=bool(shared), primary=shared != "*2")


@lru_cache(maxsize=4096)
def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    if len(text) > LONGEST_MOMENT:
        raise ValueError("a date is written 2023-08-31")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a date is written 2023-08-31") from None
    if "T" in text and moment.tzinfo is None:
        raise ValueError("a moment needs its offset, such as +08:00")
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def _written_holdings(holdings: Iterable[Holding]) -> str:
    return ";".join(map(_written_holding, holdings))


def _written_holding(holding: Holding) -> str:
    span = f"@{_written_moment(holding.since)}..{_written_moment(holding.until)}"
    shared = ("*" if holding.primary else "*2") if holding.shared else ""
    return holding.value + (span if span != "@.." else "") + shared


def _written_moment(moment: datetime | None) -> str:
    if moment is None:
        return ""
    there = moment.astimezone(BEIJING)
    if there.time() == datetime.min.time():
        return there.date().isoformat()
    # A comma as decimal sign: two points separate since from until.
    return there.isoformat().replace(".", ",")


def _contacts(text: str) -> list[TrustedContact]:
    return [_contact(part.split("|")) for part in text.split(";") if part.strip()]


def _contact(parts: Sequence[str]) -> TrustedContact:
    if len(parts) != 3 or not all(part.strip() for part in parts):
        raise ValueError("a trusted contact is written name|phone|relation")
    name, phone, relation = (_unescape(part.strip()) for part in parts)
    try:
        return TrustedContact(name=name, phone=normal_phone(phone), relation=relation)
    except ValidationError:
        raise ValueError("a trusted contact's name and relation are lines of at most 128 characters") from None


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(each, each) for each in text)


def _unescape(text: str) -> str:
    return text if "%" not in text else _ESCAPED.sub(lambda found: chr(int(found[0][1:], 16)), text)


def _one_of(kind: type[StrEnum], text: str) -> StrEnum:
    try:
        return kind(text.lower())
    except ValueError:
        raise ValueError(f"must be one of {', '.join(kind)}") from None


def _sex(text: str) -> StrEnum:
    return _SEXES.get(text) or _one_of(Sex, text)


def _set_of(kind: type[StrEnum], text: str) -> frozenset[StrEnum]:
    return frozenset(_one_of(kind, part.strip()) for part in text.split(";") if part.strip())


def _year(text: str) -> int:
    if not re.fullmatch(r"[0-9]{4}", text):
        raise ValueError("must be a year of four digits")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date is written 2023-08-31") from None


def _division(text: str) -> str:
    if not known(text):
        raise ValueError("is no division of Jilin, now or before: 6 digits, or 9 with the street")
    return text


def _hash(text: str) -> str:
    if not re.fullmatch(r"[a-z2-7]{26}(\.[1-9][0-9]?)?", text):
        raise ValueError("is not a hash as the export writes it")
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "id": str,
    "name": str,
    "phones": partial(_holdings, normal_phone),
    "accounts": partial(_holdings, normal_account),
    "id_hash": _hash,
    "birth_year": _year,
    "sex": _sex,
    "occupation": partial(_one_of, Occupation),
    "division": _division,
    "division_at": _day,
    "address": str,
    "language": partial(_one_of, Language),
    "contacts": _contacts,
    "balance": partial(_one_of, BalanceBand),
    "flags": partial(_set_of, Flag),
    "guardian": str,
    "merged_into": str,
    "provisional": partial(_one_of, ReportSource),
    "assumed": partial(_set_of, AssumedField),
}
