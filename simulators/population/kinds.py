"""Kinds of people: the attributes that determine by which scams they are hit. Each kind has a number, to save
memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import prod
from random import Random
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.people.residents import BalanceBand, Language, Occupation, Resident, Sex
from simulators.assumptions import figures
from simulators.assumptions.chance import pick

Ints = NDArray[np.intp]
Shares = NDArray[np.float64]

T = TypeVar("T")

ADULT = 18
PREFECTURES = tuple(figures.PREFECTURES)
SEXES = tuple(figures.SEXES)
AGES = range(min(low for low, _ in figures.AGES), max(high for _, high in figures.AGES) + 1)
OCCUPATIONS = tuple(Occupation)
BALANCES = tuple(BalanceBand)
LANGUAGES = tuple(Language)
_AXES = (PREFECTURES, SEXES, AGES, OCCUPATIONS, BALANCES, LANGUAGES)
_SHAPE = tuple(len(axis) for axis in _AXES)
COUNT = prod(_SHAPE)


@dataclass(frozen=True, slots=True)
class Kind:
    """A combination of attributes that decides by which scams a person is hit. `prefecture`: the six-digit division
    code; `age`: in years, by the year of birth; `balance`: the band of their money.
    """

    prefecture: str
    sex: Sex
    age: int
    occupation: Occupation
    balance: BalanceBand
    language: Language


@dataclass(frozen=True, slots=True)
class Table:
    """The attributes of every kind: arrays in the order of the kinds' numbers. `age` is in years; the others are
    indexes in the tuples PREFECTURES, SEXES, OCCUPATIONS, BALANCES and LANGUAGES.
    """

    prefecture: Ints
    sex: Ints
    age: Ints
    occupation: Ints
    balance: Ints
    language: Ints


def _table() -> Table:
    prefecture, sex, age, occupation, balance, language = np.unravel_index(np.arange(COUNT), _SHAPE)
    return Table(prefecture, sex, age + AGES.start, occupation, balance, language)


TABLE = _table()


def drawn(chance: Random) -> Kind:
    """Return a random kind. The probabilities are the shares in simulators/assumptions/figures.py."""
    prefecture, age = pick(chance, figures.PREFECTURES), chance.randint(*pick(chance, figures.AGES))
    return Kind(
        prefecture=prefecture,
        sex=pick(chance, figures.SEXES),
        age=age,
        occupation=pick(chance, _occupations(age)),
        balance=pick(chance, _balances(age)),
        language=pick(chance, _languages(prefecture)),
    )


def shares() -> Shares:
    """Return an array with the share (0 to 1) of each kind among the people, in the order of the kinds' numbers. The
    shares add up to 1.
    """
    found = (
        _listed(figures.PREFECTURES, PREFECTURES)[TABLE.prefecture]
        * _listed(figures.SEXES, SEXES)[TABLE.sex]
        * _ages()[TABLE.age - AGES.start]
        * _rows([_listed(_occupations(age), OCCUPATIONS) for age in AGES])[TABLE.age - AGES.start, TABLE.occupation]
        * _rows([_listed(_balances(age), BALANCES) for age in AGES])[TABLE.age - AGES.start, TABLE.balance]
        * _rows([_listed(_languages(one), LANGUAGES) for one in PREFECTURES])[TABLE.prefecture, TABLE.language]
    )
    return np.asarray(found / found.sum())


def kind(number: int) -> Kind:
    """Return the kind with this number (from 0). Raises IndexError if the number is COUNT or more."""
    return Kind(
        prefecture=PREFECTURES[TABLE.prefecture[number]],
        sex=SEXES[TABLE.sex[number]],
        age=int(TABLE.age[number]),
        occupation=OCCUPATIONS[TABLE.occupation[number]],
        balance=BALANCES[TABLE.balance[number]],
        language=LANGUAGES[TABLE.language[number]],
    )


def numbers(residents: Sequence[Resident], on: date) -> Ints:
    """Return an array with the number of each resident's kind on the day `on`, in the order of `residents`. Ages below
    8 count as 8, ages above 90 as 90.

    Raises ValueError if a resident lives in another province.
    """
    places = np.array([_places(resident, on) for resident in residents], dtype=np.intp).reshape(-1, len(_SHAPE))
    return np.asarray(np.ravel_multi_index(tuple(places.T), _SHAPE), dtype=np.intp)


def _places(resident: Resident, on: date) -> tuple[int, ...]:
    age = min(max(on.year - resident.birth_year, AGES.start), AGES.stop - 1)
    return (
        PREFECTURES.index(f"{resident.division[:4]}00"),
        SEXES.index(resident.sex),
        AGES.index(age),
        OCCUPATIONS.index(resident.occupation),
        BALANCES.index(resident.balance),
        LANGUAGES.index(resident.language),
    )


def _occupations(age: int) -> Mapping[Occupation, float]:
    for (low, high), found in figures.OCCUPATIONS.items():
        if low <= age <= high:
            return found
    return {Occupation.RETIRED: 1.0}


def _balances(age: int) -> Mapping[BalanceBand, float]:
    return figures.BALANCES if age >= ADULT else {BalanceBand.LOW: 1.0}


def _languages(prefecture: str) -> Mapping[Language, float]:
    korean = figures.KOREAN_IN_YANBIAN if prefecture == figures.YANBIAN else figures.KOREAN_ELSEWHERE
    return {Language.CHINESE: 1 - korean, Language.KOREAN: korean}


def _ages() -> Shares:
    """Return the share of each age; ages within a band are equally likely."""
    by_age = {
        age: share / (high + 1 - low) for (low, high), share in figures.AGES.items() for age in range(low, high + 1)
    }
    return _listed(by_age, AGES)


def _listed(by_name: Mapping[T, float], axis: Sequence[T]) -> Shares:
    """Return the shares in the axis's order, normalised to a sum of 1; 0 for missing names."""
    found = np.array([by_name.get(each, 0.0) for each in axis])
    return np.asarray(found / found.sum())


def _rows(listed: Sequence[Shares]) -> Shares:
    return np.stack(listed)
