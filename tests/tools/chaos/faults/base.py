"""What a fault is: where it can strike, what it does, and how late a deadline may be over it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from tests.tools.chaos.houses import House
from tests.tools.chaos.stage import Stage

KILL_SECONDS = 12.0  # wall time, as issue and design promise: over a kill
RESTART_SECONDS = 3.0  # over a planned restart
OWNED_SECONDS = 1.0  # while the partition has an owner

REAL = frozenset({House.REDIS, House.SENTINEL})
ALL = frozenset(House)

Strike = Callable[[Stage, Random], Awaitable[None]]
"""Lets it happen, and returns when what it took away is back. Raises MissedError when it did not come to happen."""


class MissedError(Exception):
    """What the fault waits for did not come in its time: nothing was struck."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind. Two of a `group` do not come in one round.

    `tolerance`: how late a deadline may be, in wall seconds; `outage`: what it takes away nobody can do without, so
    while it lasts no deadline is awaited. `wrongs`: what each worker of the round is started with (see worker.py).
    `drawn`: whether rounds have it that do not ask for it by name.
    """

    kind: str
    group: str
    strike: Strike
    tolerance: float = OWNED_SECONDS
    outage: bool = False
    houses: frozenset[House] = ALL
    early: bool = False  # it takes long, so it begins soon
    wrongs: tuple[str, ...] = ()
    drawn: bool = True
