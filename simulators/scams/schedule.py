"""The events of a province if nobody intervenes: hour by hour, the same for the same seed."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from schemas.people.residents import Resident
from simulators.assumptions.chance import pick, stream
from simulators.assumptions.figures import SCAMS, VICTIMS_SHARE_A_GANG
from simulators.assumptions.pace import Pace
from simulators.population.victims import AtRisk
from simulators.scams.ordinary import Due, OrdinaryLife
from simulators.scams.scripts import gang, write
from simulators.scams.story import Gang, Story

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """The events that begin in the hour from `since`. `stories`: scams; `gangs`: the gangs behind them; `ordinary`:
    everyday signals.
    """

    since: datetime
    stories: tuple[Story, ...]
    gangs: tuple[Gang, ...]
    ordinary: tuple[Due, ...] = ()


def hours(seed: int, residents: Sequence[Resident], start: datetime, pace: Pace) -> Iterator[Hour]:
    """Yield the scams and everyday signals of one hour after another, from `start` on, without end.

    Over all hours, a resident is in at most one story. Raises ValueError, at the first element, if a resident lives in
    another province.
    """
    at_risk, ordinary = AtRisk.among(residents, start.date()), OrdinaryLife(seed, residents)
    for hour in scam_hours(seed, at_risk, len(residents), start, pace):
        count = _count(stream(seed, "ordinary", "count", hour.since), pace.ordinary(len(residents)))
        yield replace(hour, ordinary=tuple(ordinary.hour(hour.since, count)))


def scam_hours(seed: int, at_risk: AtRisk, residents: int, start: datetime, pace: Pace) -> Iterator[Hour]:
    """Yield the scams of one hour after another, from `start` on, without end and without everyday signals.
    `residents`: the number of residents. Over all hours, a resident is in at most one story.
    """
    since, spared = start, set[str]()
    while True:
        gangs: dict[str, Gang] = {}
        count = _count(stream(seed, "hour", since), pace.stories(residents))
        stories = tuple(_stories(seed, since, pace, at_risk, spared, gangs, count))
        yield Hour(since, stories, tuple(gangs.values()))
        since += HOUR


def _count(chance: Random, mean: float) -> int:
    """Return a random whole number with this mean."""
    return math.floor(mean + chance.random())


def _stories(
    seed: int, since: datetime, pace: Pace, at_risk: AtRisk, spared: set[str], gangs: dict[str, Gang], count: int
) -> Iterator[Story]:
    of_type: Counter[str] = Counter()
    for number in range(count):
        chance = stream(seed, "victim", since, number)
        scam_type = pick(chance, {name: scam.share for name, scam in SCAMS.items()})
        victim = at_risk.pick(chance, scam_type, spared)
        if victim is None:
            return
        spared.add(victim.id)
        crew = gang(seed, scam_type, since, of_type[scam_type] // VICTIMS_SHARE_A_GANG)
        of_type[scam_type] += 1
        key = f"{since:%Y%m%dT%H%M}-{number}"
        yield write(seed, key, gangs.setdefault(crew.id, crew), victim, since + pace.begins(chance), pace)
