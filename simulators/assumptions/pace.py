"""The pace of events: real, over days, or compressed, so that an hour contains whole scams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from simulators.assumptions import figures
from simulators.assumptions.chance import between

DAY_HOURS = 24


@dataclass(frozen=True, slots=True)
class Pace:
    """The number of events per hour, and their pace.

    `ordinary`, `stories`: functions that return, for a number of residents, the number of everyday signals and of new
    scam stories per hour. `begins`: draws the time from the start of the hour to a story's first event. `life`: draws
    the time from a scam's first contact (the hook) to its last payment. `depths`: share (0 to 1) of stories by how far
    they go: `touched`, `courted` or `pays`. `hit_again`: share (0 to 1) of victims whom a recovery scam hits later.
    """

    ordinary: Callable[[int], float]
    stories: Callable[[int], float]
    begins: Callable[[Random], timedelta]
    life: Callable[[Random, figures.Scam], timedelta]
    depths: Mapping[str, float] = field(default_factory=lambda: figures.DEPTHS)
    hit_again: float = 0.0


def _compressed_life(chance: Random, _: figures.Scam) -> timedelta:
    low, high = figures.COMPRESSED_LIFE
    return between(chance, low * 60, high * 60)


def _real_life(chance: Random, scam: figures.Scam) -> timedelta:
    return scam.days * timedelta(days=1) * chance.uniform(0.3, 2)


COMPRESSED = Pace(
    ordinary=lambda residents: figures.COMPRESSED_ORDINARY_AN_HOUR,
    stories=lambda residents: min(figures.COMPRESSED_STORIES_AN_HOUR, residents / 10),
    begins=lambda chance: between(chance, *(60 * minutes for minutes in figures.COMPRESSED_BEGINS)),
    life=_compressed_life,
)
REAL = Pace(
    ordinary=lambda residents: residents * figures.ORDINARY_A_RESIDENT_AND_DAY / DAY_HOURS,
    stories=lambda residents: residents * figures.STORIES_A_MILLION_AND_DAY / 10**6 / DAY_HOURS,
    begins=lambda chance: between(chance, 0, 3600),
    life=_real_life,
    depths=figures.REAL_DEPTHS,
    hit_again=figures.HIT_AGAIN,
)
