"""Whose signals are measured, and the signals: the ordinary life that tests/tools/field/load/load.py sends."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from random import Random

from schemas.people.residents import Resident
from schemas.risk.signals import BATCH_LIMIT
from simulators.population.numbers import account, resident_phone
from simulators.population.people import people
from streams.repositories.residents.register import Residents
from tests.tools.bench.servers import SECRET
from tests.tools.field.line import resident
from tests.tools.field.load.load import Batch, batches
from tests.tools.field.load.overload import CROWD

SEED = 7
PARTITIONS = 4
ZIPF = 1.1  # the exponent: a hundred of the crowd have six tenths of what is about the crowd
OTHERS_FROM = 10**6  # serial numbers of residents in whose lives nothing happens
AT_ONCE = 10_000  # of them written together


@lru_cache(maxsize=1)
def crowd() -> Sequence[Resident]:
    """The residents in whose lives something happens."""
    return people(SEED, CROWD, date(2026, 1, 1), SECRET.encode())


@lru_cache(maxsize=2)
def records(count: int, size: int = BATCH_LIMIT, partitions: int = PARTITIONS) -> Sequence[Batch]:
    """So many records of both lanes in the shares in which they come, each of `size` signals.

    Raises ValueError when so few are asked for that most partitions do not come to a whole one.
    """
    found = batches(crowd(), partitions, size, SEED, count)
    if len(found) < count:
        raise ValueError(f"{len(found)} of {count} records came for {partitions} partitions: ask for more")
    return found


def skewed(count: int) -> Sequence[Batch]:
    """Records of 500 signals as above, but a few residents have most of them, by Zipf's law."""
    chance, everybody = Random(SEED), crowd()
    weights = [1 / rank**ZIPF for rank in range(1, len(everybody) + 1)]
    return batches(chance.choices(everybody, weights, k=len(everybody)), PARTITIONS, BATCH_LIMIT, SEED, count)


async def put_others(register: Residents, first: int, last: int) -> None:
    """Enter the residents `first` to before `last` of those in whose lives nothing happens."""
    for start in range(first, last, AT_ONCE):
        await register.put(other(number) for number in range(start, min(last, start + AT_ONCE)))


def other_phone(number: int) -> str:
    """The telephone of one of them."""
    return resident_phone(OTHERS_FROM + number)


def other(number: int) -> Resident:
    """One of those in whose lives nothing happens."""
    serial = OTHERS_FROM + number
    return resident(serial, account=account("bank-a", serial), phone=other_phone(number))
