"""Seeded chance: one stream for each name, so that no answer depends on the order in which threads ask."""

import math
from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


def stream(*names: object) -> Random:
    """A source of chance of its own for these names, such as (seed, "sms", dispatch)."""
    text = "\x1f".join(str(name) for name in names)
    return Random(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))


def pick(chance: Random, shares: Mapping[T, float]) -> T:
    """One of the keys, by their shares; these need not add up to 1."""
    return chance.choices(list(shares), weights=list(shares.values()))[0]


def seconds(chance: Random, middle: float, spread: float, most: float = math.inf) -> timedelta:
    """A waiting time with a long tail (lognormal): `middle` is its median, `spread` its sigma, `most` its limit."""
    return timedelta(seconds=round(min(chance.lognormvariate(math.log(middle), spread), most), 3))


def between(chance: Random, low: float, high: float) -> timedelta:
    """A waiting time in seconds, evenly from `low` to `high`."""
    return timedelta(seconds=round(chance.uniform(low, high), 3))
