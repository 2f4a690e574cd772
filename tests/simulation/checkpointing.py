"""When workers write checkpoints in a schedule, and what goes wrong then: drawn from chance of its own.

So the steps that a seed drew before there were checkpoints stay as they are.
"""

from random import Random
from typing import Any

from tests.simulation.themes import Drawn

CHECKPOINTED = 0.3  # of the schedules have checkpoints
LATEST = 9.0  # seconds: no fault is drawn to happen later


def checkpoints(seed: int, workers: list[str], share: float = CHECKPOINTED) -> list[Drawn]:
    """The checkpoints of a seed's schedule, with faults about them; none in most schedules."""
    random = Random(f"checkpoints of {seed}")
    if random.random() >= share:
        return []
    found: list[Drawn] = []
    for at in sorted(round(random.uniform(0.8, 8.0), 3) for _ in range(random.choice((1, 1, 2, 3)))):
        writers = workers if random.random() < 0.6 else [random.choice(workers)]
        found += [(at, "checkpoint", {"worker": name}) for name in writers]
        if random.random() < 0.4:
            found.append(_struck(random, at, random.choice(writers)))
        if random.random() < 0.7:
            found += _lost(random, at)
    return found


def _struck(random: Random, at: float, worker: str) -> Drawn:
    """The worker is killed, or stands still, while it writes."""
    when = {"worker": worker, "of": "checkpoints", "after": int(2 ** (random.random() * 5.5))}
    if random.random() < 0.5:
        return at, "kill_at_message", {**when, "restart": round(0.5 + 4.0 * random.random(), 3)}
    return at, "freeze", {**when, "lasts": round(0.3 + 5.0 * random.random(), 3)}


def _lost(random: Random, at: float) -> list[Drawn]:
    """Redis loses all or its latest commits, while a checkpoint is written or after it; perhaps what is done with is no
    longer on the topics by then.
    """
    then = round(min(LATEST, at + random.choice((0.5, 2.0, 5.0)) * random.random()), 3)
    found: list[Drawn] = []
    if random.random() < 0.3:
        what: tuple[str, dict[str, Any]] = random.choice((("retention", {"topic": "case-inputs"}), ("compact", {})))
        found.append((round(max(at, then - 0.3), 3), *what))
    if random.random() < 0.75:
        return [*found, (then, "wipe", {})]
    back = round(0.1 + 3.0 * random.random() ** 2, 3)
    return [*found, (then, "older", {"back": back, "new_run": random.random() < 0.5})]
