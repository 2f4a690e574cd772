"""Every pair of crash points of a small case: three inputs, two workers, and Redis lost, older or replaced between.

A crash point is a message that a worker sends or is sent while an agent, or a timer that does work, is at something.
The first worker, which owns the resident's partition, has its points counted in a run without crashes, the second in
one in which the first was killed at its first.
In each order the first worker is killed at one of its points and the second at one of its own; then Redis is wiped,
comes back older, or a replica takes its place.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from tests.simulation.check import NOTED, broken_by
from tests.simulation.run import run
from tests.simulation.schedule import Schedule, Step

PARTS = ("case-inputs", "dispatches.red", "cover", "watch")
BETWEEN: tuple[Step, ...] = (
    Step(0.0, "wipe"),
    Step(0.0, "older", {"back": 0.6, "new_run": True}),
    Step(0.0, "failover", {"lag": 0.3}),
)
FIRST, SECOND, THIRD = 1.0, 1.1, 1.25  # when the inputs come
DONE = 1.5  # by then they are done with
COVERED = 3.5  # by then the second worker has done them for the first
LOST = 3.6  # when Redis is struck
RESTART = 6.0
Point = tuple[str, int]


def enumerated(first: int = 0, every: int = 1) -> tuple[int, Counter[str], list[tuple[Schedule, dict[str, str]]]]:
    """Run every so many-th order, from number `first` on: how many, the laws broken, the first failures."""
    laws: Counter[str] = Counter()
    failed: list[tuple[Schedule, dict[str, str]]] = []
    number = 0
    for schedule in islice(orders(), first, None, every):
        number += 1
        if broken := broken_by(run(schedule)):
            laws.update(broken.keys())
            failed = [*failed, (schedule, broken)][:NOTED]
    return number, laws, failed


def orders() -> Iterator[Schedule]:
    """Every order as a schedule."""
    steps = tuple(sorted(_inputs(), key=lambda step: step.at))
    (one, firsts), (other, _) = sorted(
        ((name, _points(name, steps, DONE)) for name in ("w1", "w2")), key=lambda each: -len(each[1])
    )
    seconds = _points(other, (*steps, _kill(FIRST, one, firsts[0])), COVERED)
    for between in BETWEEN:
        for first in firsts:
            for second in seconds:
                yield _schedule(
                    (_kill(FIRST, one, first), _kill(FIRST, other, second), Step(LOST, between.do, between.what))
                )


def _points(name: str, steps: Sequence[Step], until: float) -> list[Point]:
    """A worker's crash points from the first input on."""
    counted = run(_made(steps), count=(FIRST, until)).counted
    return [(part, number) for part in PARTS for number in range(1, counted[name, part] + 1)]


def _schedule(strikes: Sequence[Step]) -> Schedule:
    return _made([*_inputs(), *strikes])


def _made(steps: Sequence[Step]) -> Schedule:
    promises = {"sms": "idempotent", "phone": "askable", "visit": "neither", "payment": "idempotent"}
    return Schedule(1, 2, 0.0, True, promises, tuple(sorted(steps, key=lambda step: step.at)))


def _inputs() -> Sequence[Step]:
    """A yellow alert, a red one of the same resident, and that an operator has persuaded him."""
    red = [{"kind": "ongoing", "who": 0, "n": 2}, {"kind": "transfer", "who": 0, "payee": 200, "n": 3}]
    return [
        Step(FIRST, "signals", {"signals": [{"kind": "app", "who": 0, "n": 1}]}),
        Step(SECOND, "signals", {"signals": red}),
        Step(THIRD, "dissuade", {"who": 0, "n": 0}),
    ]


def _kill(at: float, worker: str, point: Point) -> Step:
    of, after = point
    return Step(at, "kill_at_message", {"worker": worker, "of": of, "after": after, "restart": RESTART})
