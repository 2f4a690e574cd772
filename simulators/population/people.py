"""The people of a province: seeded, invented, distributed over Jilin's real divisions with plausible shares."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from random import Random

from domain.identity.divisions import counties, name_of, streets
from domain.identity.identifiers import keyed_hash, new_resident_id
from schemas.people.residents import Flag, Holding, Language, Resident, ResidentId, TrustedContact
from simulators.assumptions import figures
from simulators.assumptions.chance import pick, stream
from simulators.population.kinds import ADULT, Kind, drawn
from simulators.population.names import name
from simulators.population.numbers import BANKS, account, id_number, other_phone, resident_phone

OLD = 70
_RELATIONS = ("spouse", "son", "daughter", "brother", "sister", "neighbour")
_ADULTS_BEFORE = 40  # how far back in the list guardians and other holders of a telephone are chosen


@dataclass(frozen=True, slots=True)
class _Place:
    code: str
    address: str


def people(seed: int, count: int, on: date, secret: bytes) -> list[Resident]:
    """Return `count` residents as of the day `on`. With one seed, the first residents are the same for every `count`.

    `secret`: the key of the hashes of their ID numbers; the ID numbers themselves are not stored.
    """
    made: list[Resident] = []
    for serial in range(count):
        chance = stream(seed, "resident", serial)
        made.append(resident(chance, serial, drawn(chance), on, secret, made))
    return made


def resident(
    chance: Random, serial: int, kind: Kind, on: date, secret: bytes, before: Sequence[Resident] = ()
) -> Resident:
    """Return a random resident of this kind as of the day `on`.

    `serial`: makes their telephones and accounts unique. Guardians and other holders of a telephone are chosen among
    the last 40 residents in `before`; none if it is empty. `secret`: the key of the hash of the ID number.
    """
    place = chance.choice(_places(on.year)[kind.prefecture])
    birth_year = on.year - kind.age
    return Resident(
        id=new_resident_id(chance.randbytes(10)),
        name=name(chance, kind.sex, kind.language is Language.KOREAN),
        phones=list(_phones(chance, serial, before)),
        accounts=list(_accounts(chance, serial, kind.age)),
        id_hash=keyed_hash(secret, "id", id_number(chance, birth_year, kind.sex)),
        birth_year=birth_year,
        sex=kind.sex,
        occupation=kind.occupation,
        division=place.code,
        division_at=on,
        address=f"{place.address}{chance.randint(1, 199)}号",
        language=kind.language,
        contacts=list(_contacts(chance)),
        balance=kind.balance,
        flags=frozenset(_flags(chance, kind.age)),
        guardian=_guardian(chance, kind.age, on, before),
    )


def _phones(chance: Random, serial: int, before: Sequence[Resident]) -> Iterator[Holding]:
    """Yield the resident's own telephone, sometimes a second one, sometimes one shared with another resident."""
    yield Holding(value=resident_phone(2 * serial))
    if chance.random() < figures.SECOND_PHONE:
        yield Holding(value=resident_phone(2 * serial + 1), primary=False)
    if before and chance.random() < figures.SHARED_PHONE:
        other = chance.choice(before[-_ADULTS_BEFORE:])
        yield Holding(value=other.phones[0].value, shared=True, primary=False)


def _accounts(chance: Random, serial: int, age: int) -> Iterator[Holding]:
    banks = chance.sample(BANKS[:3], 2)
    yield Holding(value=account("pay-a" if age < ADULT else banks[0], 2 * serial))
    if age >= ADULT and chance.random() < figures.SECOND_ACCOUNT:
        yield Holding(value=account(chance.choice((banks[1], "pay-a")), 2 * serial + 1))


def _contacts(chance: Random) -> Iterator[TrustedContact]:
    for _ in range(pick(chance, figures.CONTACTS)):
        sex = pick(chance, figures.SEXES)
        relation = chance.choice(_RELATIONS)
        yield TrustedContact(name=name(chance, sex), phone=other_phone(chance), relation=relation)


def _flags(chance: Random, age: int) -> Iterator[Flag]:
    for flag, share in figures.FLAGS.items():
        old_ears = flag is Flag.HARD_OF_HEARING and age >= OLD
        if chance.random() < (figures.HARD_OF_HEARING_OLD if old_ears else share):
            yield flag


def _guardian(chance: Random, age: int, on: date, before: Sequence[Resident]) -> ResidentId | None:
    grown = [each for each in before[-_ADULTS_BEFORE:] if age_of(each, on) >= age + ADULT]
    return chance.choice(grown).id if age < ADULT and grown else None


def line(resident: Resident) -> str:
    """Return a resident as one line of JSON, without its line end and without fields that are None. Sets are sorted, so
    that the line is the same in every run.
    """
    told = resident.model_dump(mode="json", exclude_none=True)
    return json.dumps({**told, "flags": sorted(told["flags"])}, ensure_ascii=False)


def age_of(resident: Resident, on: date) -> int:
    """Return the age in years that the resident reaches in the year of `on`."""
    return on.year - resident.birth_year


@cache
def _places(year: int) -> Mapping[str, Sequence[_Place]]:
    """Return the streets and townships of each prefecture."""
    on = date(year, 12, 31)
    return {prefecture: tuple(_streets(prefecture, on)) for prefecture in figures.PREFECTURES}


def _streets(prefecture: str, on: date) -> Iterator[_Place]:
    for county in counties(on, prefecture):
        for street in streets(county.code) or (county,):
            yield _Place(street.code, _address(prefecture, county.name, street.name, on))


def _address(prefecture: str, county: str, street: str, on: date) -> str:
    return f"{name_of(prefecture, on)}{county}{street if street != county else ''}"
