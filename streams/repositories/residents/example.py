"""Writes an example file of invented residents, with which the import can be tried."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from stdnum.cn import ric

from domain.identity.divisions import Division, counties, streets
from domain.identity.identifiers import new_resident_id
from schemas.people.residents import BalanceBand, Flag, Occupation
from streams.repositories.residents.rows import COLUMNS
from streams.repositories.residents.tables import write_table

SURNAMES = "王李张刘陈杨赵黄周吴金朴崔"
RANGE = "+86142"  # a prefix that no operator uses
NO_REGION = 990000  # no region's code begins with 99, so an ID number with a valid check digit is still nobody's
BALANCES = (*BalanceBand,)
OCCUPATIONS = tuple(each for each in Occupation if each is not Occupation.STUDENT)


def write_example(path: Path, count: int = 200, seed: int = 1, on: date = date(2026, 1, 1)) -> int:
    """Write `count` invented residents to a CSV or Parquet file, and return `count`.

    `seed`: the same seed gives the same residents; `on`: the date on which they have their ages.

    They include children with a guardian, families with one telephone, telephones that changed hands, and people who
    read Korean. Their ID numbers pass every check but belong to no region; their telephone numbers are not in use.
    Raises FileError if the name ends in neither .csv nor .parquet, or the folder does not exist, and OSError if the
    file cannot be written.
    """
    chance = random.Random(seed)
    people = list(_people(chance, count, on))
    with write_table(path, COLUMNS) as table:
        table.write([{column: row.get(column, "") for column in COLUMNS} for row in people])
    return len(people)


def _people(chance: random.Random, count: int, on: date) -> Iterator[dict[str, str]]:
    places = counties(on)
    before: dict[str, str] = {}
    for number in range(count):
        row = _adult(chance, number, chance.choice(places), on)
        if before and number % 10 == 3:
            row |= _child_of(chance, number, before, on)
        elif before and number % 10 == 7:
            row["phones"] = _changed_hands(before, row["phones"], on)
        yield row
        before = row


def _adult(chance: random.Random, number: int, place: Division, on: date) -> dict[str, str]:
    street = chance.choice(streets(place.code) or (place,))
    korean = place.prefecture == "222400" and chance.random() < 0.4
    return {
        "id": new_resident_id(chance.randbytes(10)),
        "name": f"{chance.choice(SURNAMES)}某{chr(0x4E00 + number % 500)}",
        "phones": f"{RANGE}{number:08}",
        "accounts": f"62{chance.randrange(10**14):014}",
        "id_number": _id_number(chance, on - timedelta(days=chance.randrange(19 * 366, 85 * 365))),
        "occupation": chance.choice(OCCUPATIONS),
        "division": street.code,
        "address": f"{place.name}{street.name if street is not place else ''}{1 + number % 200}号",
        "language": "ko" if korean else "zh",
        "contacts": f"某某|{RANGE}{50_000_000 + number}|家属",
        "balance": chance.choice(BALANCES),
        "flags": Flag.HARD_OF_HEARING if number % 17 == 0 else "",
    }


def _child_of(chance: random.Random, number: int, parent: dict[str, str], on: date) -> dict[str, str]:
    parent["phones"] += "*"
    return {
        "phones": f"{parent['phones']}2",
        "accounts": "",
        "id_number": _id_number(chance, on - timedelta(days=chance.randrange(8 * 366, 16 * 365))),
        "occupation": Occupation.STUDENT,
        "guardian": parent["id"],
        "division": parent["division"],
        "address": parent["address"],
        "flags": "",
    }


def _changed_hands(previous: dict[str, str], own: str, on: date) -> str:
    """Return the new holder's `phones` cell: their own number, and one that the previous resident gave up 180 days
    before.
    """
    given_up = previous["phones"].split(";")[0].split("@")[0]
    day = (on - timedelta(days=180)).isoformat()
    previous["phones"] = f"{given_up}@..{day}"
    return f"{own};{given_up}@{day}.."


def _id_number(chance: random.Random, birth: date) -> str:
    body = f"{NO_REGION + chance.randrange(1, 9999)}{birth:%Y%m%d}{chance.randrange(1, 995):03}"
    return body + str(ric.calc_check_digit(body + "0"))
