"""Seeded randomness: a separate stream for each name, so that no result depends on the order in which threads ask."""

import math
from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


def stream(*names: object) -> Random:
    """Return a new random generator seeded by `names`, such as (seed, "sms", dispatch). Equal names, as texts and in
    the same order, give the same sequence of numbers.
    """
    text = "\x1f".join(str(name) for name in names)
    return Random(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))


def pick(chance: Random, shares: Mapping[T, float]) -> T:
    """Return a random key of `shares`, with probabilities proportional to the values, which need not add up to 1.
    Raises IndexError if `shares` is empty, and ValueError if no value is above 0.
    """
    return chance.choices(list(shares), weights=list(shares.values()))[0]


def seconds(chance: Random, middle: float, spread: float, most: float = math.inf) -> timedelta:
    """Return a random waiting time from a lognormal distribution, rounded to milliseconds. `middle`: the median in
    seconds (above 0, else ValueError is raised); `spread`: the sigma of the logarithm; `most`: longer times are cut to
    this number of seconds.
    """
    return timedelta(seconds=round(min(chance.lognormvariate(math.log(middle), spread), most), 3))


def between(chance: Random, low: float, high: float) -> timedelta:
    """Return a random waiting time, uniform between `low` and `high` seconds and rounded to milliseconds."""
    return timedelta(seconds=round(chance.uniform(low, high), 3))
