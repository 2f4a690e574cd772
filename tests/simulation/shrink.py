"""The shortest schedule that still breaks the same law: delta debugging on its steps, then a plainer world."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tests.simulation.schedule import Schedule, Step

Fails = Callable[[Schedule], bool]


def shrunk(schedule: Schedule, fails: Fails, tries: int = 400) -> Schedule:
    """Make a failing schedule as short as can be. `tries`: runs at most. Returns one that fails."""
    left = tries

    def still(candidate: Schedule) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and fails(candidate)

    schedule = _fewer(schedule, still)
    for plainer in _plainer(schedule):
        if still(plainer):
            schedule = plainer
    return _fewer(_single(schedule, still), still)


def _fewer(schedule: Schedule, still: Fails) -> Schedule:
    """Leave out halves of the steps, then quarters, and so on, as long as it fails."""
    steps, size = list(schedule.steps), max(1, len(schedule.steps) // 2)
    while steps:
        for start in range(0, len(steps), size):
            fewer = steps[:start] + steps[start + size :]
            if still(schedule.with_steps(fewer)):
                steps = fewer
                break
        else:
            if size == 1:
                break
            size = max(1, size // 2)
    return schedule.with_steps(steps)


def _plainer(schedule: Schedule) -> Iterator[Schedule]:
    """The same in a plainer world."""
    if schedule.workers > 2:
        yield replace(schedule, workers=2)
    yield replace(schedule, swaps=0.0)
    yield replace(schedule, idempotent=True)
    yield replace(schedule, promises=dict.fromkeys(schedule.promises, "idempotent"))


def _single(schedule: Schedule, still: Fails) -> Schedule:
    """Split records of several signals, and keep those without which it does not fail."""
    split = schedule.with_steps(list(_apart(schedule.steps)))
    return split if len(split.steps) > len(schedule.steps) and still(split) else schedule


def _apart(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        if step.do != "signals":
            yield step
            continue
        for signal in step.what["signals"]:
            yield Step(step.at, "signals", {"signals": [signal]})
