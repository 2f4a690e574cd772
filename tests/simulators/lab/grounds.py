"""What "dissuaded" rests on in an hour of the demo's province, with and without operators who note answered calls.

Prints the table of docs/laboratory.md: `python -m tests.simulators.lab.grounds 7 8`.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.casework.acts import NoteAct
from schemas.casework.events import CaseEvent, FactKind
from schemas.casework.inputs import OperatorReport, ResidentInput
from schemas.codes.refusals import GroundMissing
from schemas.levels import Outcome, OutcomeGround
from simulators.lab.dispatchers import DEFAULT, DISPATCHERS
from simulators.lab.laboratory import Laboratory
from simulators.lab.setup import Setup, made_for
from simulators.world.province import START, Province
from tests.domain.builders import policy
from tests.simulators.lab.runs import HOUR

OPERATORS, OFFICERS, RESIDENTS, OVERLOAD = 12, 24, 3000, 1.0  # as many operators and residents as the demo has
SEEDS = (7, 8)


class Unnoted(Laboratory):
    """A run whose operators report outcomes, but never that a call was answered."""

    def give(self, given: ResidentInput) -> None:
        """Decide an input, unless it is an operator's note of a call."""
        if not (isinstance(given, OperatorReport) and isinstance(given.act, NoteAct)):
            super().give(given)


@dataclass(frozen=True, slots=True)
class Dissuaded:
    """Numbers of cases. `counted`: as dissuaded, by the latest ground; `refused`: only reported as dissuaded, without
    a ground, and refused each time.
    """

    counted: Counter[OutcomeGround | None]
    refused: int

    @property
    def reported(self) -> int:
        """All cases that somebody reported as dissuaded: what was counted before a ground was needed."""
        return self.counted.total() + self.refused


def dissuaded(events: Iterable[CaseEvent]) -> Dissuaded:
    """Return the cases of these events, in the journal's order, that were reported as dissuaded. A case that was first
    refused and then counted is counted once.
    """
    grounds: dict[str, OutcomeGround | None] = {}
    refused: set[str] = set()
    for event in events:
        if event.case.outcome is Outcome.DISSUADED:
            grounds[event.case.id] = event.case.ground
        if any(fact.kind is FactKind.REFUSED and isinstance(fact.what, GroundMissing) for fact in event.facts):
            refused.add(event.case.id)
    return Dissuaded(Counter(grounds.values()), len(refused - grounds.keys()))


def lived(kind: type[Laboratory], seed: int, own: Setup) -> Dissuaded:
    """Return what an hour of a province comes to."""
    province = Province(seed, own.residents, START, own.pace)
    run = kind(province, policy(), DISPATCHERS[DEFAULT](province, policy()), own, keep_events=True)
    run.run()
    return dissuaded(run.events or ())


def main(seeds: Iterable[int]) -> None:
    """Print a row for each seed and kind of run."""
    own = made_for(OPERATORS, OFFICERS, HOUR, OVERLOAD, RESIDENTS, compressed=True)
    print("| seed | answered calls | reported | by a call | by a visit | by a key | stated | refused |")
    print("|---|---|---|---|---|---|---|---|")
    for seed in seeds:
        for kind, noted in ((Laboratory, "noted"), (Unnoted, "not noted")):
            found = lived(kind, seed, own)
            known = [found.counted[ground] for ground in (OutcomeGround.CALL, OutcomeGround.VISIT, OutcomeGround.KEY)]
            stated = found.counted.total() - sum(known)
            print("|", " | ".join(map(str, (seed, noted, found.reported, *known, stated, found.refused))), "|")


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or SEEDS)
