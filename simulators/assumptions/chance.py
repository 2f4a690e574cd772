"""Seeded randomness: a separate stream for each name, so that no result depends on the order in which threads ask."""

import math
from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


def stream(*names: object) -> Random:
    """Return a random generator seeded by these names, such as (seed, "sms", dispatch): the same names give the same
    numbers.
    """
    text = "\x1f".join(str(name) for name in names)
    return Random(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))


def pick(chance: Random, shares: Mapping[T, float]) -> T:
    """Return a random key of `shares`, with probabilities proportional to the values."""
    return chance.choices(list(shares), weights=list(shares.values()))[0]


def seconds(chance: Random, middle: float, spread: float, most: float = math.inf) -> timedelta:
    """Return a random (lognormal) waiting time, rounded to ms. `middle`: median in seconds; `spread`: sigma; `most`:
    maximum in seconds.
    """
    return timedelta(seconds=round(min(chance.lognormvariate(math.log(middle), spread), most), 3))


def between(chance: Random, low: float, high: float) -> timedelta:
    """Return a random (uniform) waiting time between `low` and `high` seconds, rounded to ms."""
    return timedelta(seconds=round(chance.uniform(low, high), 3))
