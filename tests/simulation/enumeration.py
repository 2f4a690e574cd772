"""Every pair of crash points of a small case: three inputs, two workers, and Redis lost, older or replaced between.

A crash point is a message that a worker sends or is sent while an agent, or a timer that does work, is at something.
They are counted in a run without crashes. In each order the first worker is killed at one of its points and the second
at one of its own; soon after the first, Redis is wiped, comes back older, or a replica takes its place.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.simulation.check import broken_by
from tests.simulation.run import run
from tests.simulation.schedule import Schedule, Step

PARTS = ("case-inputs", "dispatches.red", "cover", "watch")
BETWEEN: tuple[Step, ...] = (
    Step(0.0, "wipe"),
    Step(0.0, "older", {"back": 0.6, "new_run": True}),
    Step(0.0, "failover", {"lag": 0.3}),
)
FIRST, SECOND, THIRD = 1.0, 2.0, 3.0  # when the inputs come
LOST = 4.0  # when Redis is struck
RESTART = 6.0
MOST_POINTS = 6  # of a part: an input's way through casework has so many, and a dispatch's


def enumerated(most: int | None = None) -> tuple[int, Counter[str]]:
    """Run all orders, or the first `most`; how many that were, and the laws that were broken."""
    broken: Counter[str] = Counter()
    number = 0
    for number, schedule in enumerate(orders(), 1):
        broken.update(broken_by(run(schedule)))
        if number == most:
            break
    return number, broken


def orders() -> Iterator[Schedule]:
    """Every order as a schedule."""
    points = [(part, after) for part in PARTS for after in range(1, MOST_POINTS + 1)]
    for between in BETWEEN:
        for first in points:
            for second in points:
                yield _schedule(between, first, second)


def _schedule(between: Step, first: tuple[str, int], second: tuple[str, int]) -> Schedule:
    steps = [
        *_inputs(),
        _kill(FIRST, "w1", first),
        _kill(SECOND, "w2", second),
        Step(LOST, between.do, between.what),
    ]
    promises = {"sms": "idempotent", "phone": "askable", "visit": "neither", "payment": "idempotent"}
    return Schedule(1, 2, 0.0, True, promises, tuple(sorted(steps, key=lambda step: step.at)))


def _inputs() -> Sequence[Step]:
    """A red alert, then a graver one of the same resident, then that an operator has persuaded him."""
    signals = [[{"kind": "ongoing", "who": 0, "n": 1}, {"kind": "transfer", "who": 0, "payee": 200, "n": 2}]]
    signals.append([{"kind": "transfer", "who": 0, "payee": 201, "n": 3}])
    fed = [Step(at, "signals", {"signals": each}) for at, each in zip((FIRST, SECOND), signals, strict=True)]
    return [*fed, Step(THIRD, "dissuade", {"who": 0, "n": 0})]


def _kill(at: float, worker: str, point: tuple[str, int]) -> Step:
    of, after = point
    return Step(at, "kill_at_message", {"worker": worker, "of": of, "after": after, "restart": RESTART})
