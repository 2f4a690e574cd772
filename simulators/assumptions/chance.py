"""Seeded randomness: a separate stream for each name, so that no result depends on the order in which threads ask."""

import math
from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


def stream(*names: object) -> Random:
    """Return a random generator seeded by these names, such as (seed, "sms", dispatch)."""
    text = "\x1f".join(str(name) for name in names)
    return Random(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))


def pick(chance: Random, shares: Mapping[T, float]) -> T:
    """Return one of the keys, with probabilities proportional to the values."""
    return chance.choices(list(shares), weights=list(shares.values()))[0]


def seconds(chance: Random, middle: float, spread: float, most: float = math.inf) -> timedelta:
    """Return a lognormal waiting time, rounded to ms. `middle`: median, `most`: limit, in seconds; `spread`: sigma."""
    return timedelta(seconds=round(min(chance.lognormvariate(math.log(middle), spread), most), 3))


def between(chance: Random, low: float, high: float) -> timedelta:
    """Return a waiting time from `low` to `high` seconds, uniformly distributed."""
    return timedelta(seconds=round(chance.uniform(low, high), 3))
