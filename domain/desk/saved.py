"""The story of one resident who was saved, for a screen that everybody in the room sees.

It tells the events and their times from codes alone: no name, no place below the county, and no words that people wrote
into the case.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.payments.ledger import dissuaded
from schemas.casework.cases import Case
from schemas.casework.events import Fact, FactKind
from schemas.levels import Action, EvidenceClass, Result

RECENT = timedelta(days=1)
LATER = timedelta(seconds=10)  # a level that rises sooner was as good as found so
MOST = 8  # scenes: what a screen has room for
KINDS = frozenset(
    {
        *(FactKind.OPENED, FactKind.LEVEL_RAISED, FactKind.DISPATCHED, FactKind.RESULT, FactKind.CLAIMED),
        *(FactKind.VISIT, FactKind.STOP, FactKind.FROZEN, FactKind.KEPT),
    }
)
# Results that tell a story. What a provider says of its own work tells none.
TELLING = frozenset(
    {
        *(Result.ACKNOWLEDGED, Result.WANTS_OPERATOR, Result.HUNG_UP, Result.BUSY, Result.NO_ANSWER),
        *(Result.REFUSED, Result.OUT_OF_AREA),
    }
)


class StoryScene(NamedTuple):
    """One event of the story, `after` the case was opened.

    `kind`: of the fact. `action`, `result`, `amount_fen` (fen): as in the fact, or None. Kind STATE: the resident was
    dissuaded. Kind KEPT, the last scene: all loss avoided, with its weakest evidence class (`evidence`).
    """

    after: timedelta
    kind: FactKind
    action: Action | None = None
    result: Result | None = None
    amount_fen: int | None = None
    evidence: EvidenceClass | None = None


def avoided(case: Case) -> int:
    """Return the case's loss avoided (fen), without estimates (evidence class D)."""
    return sum(entry.amount_fen for entry in case.kept.values() if entry.evidence is not EvidenceClass.D)


def saved_case(cases: Iterable[Case], now: datetime) -> Case | None:
    """Return the case with the most loss avoided, among those settled as dissuaded within 24 hours before `now`; None
    if there is none.

    Left out are cases without loss avoided, and those in which the resident neither answered a call nor was met,
    because then only a person's statement shows that they were dissuaded.
    """
    found = [
        (avoided(case), case.id, case)
        for case in cases
        if dissuaded(case, evidenced=True) and case.settled_at and now - case.settled_at <= RECENT and avoided(case)
    ]
    return max(found)[2] if found else None


def scenes(case: Case, told: Iterable[tuple[datetime, Sequence[Fact]]]) -> list[StoryScene]:
    """Return the story of a case whose resident was dissuaded, the earliest scene first; facts after that are left out.

    `told`: (time, facts) of the case's history, in order. There are at most 8 scenes; the last ones are the dissuasion,
    and the money if any loss was avoided. Of a longer story, the first scenes and the last two before these are
    returned.
    """
    found: list[StoryScene] = []
    for at, facts in told:
        if case.settled_at is None or at <= case.settled_at:
            found += _new(found, (_scene(case, at, fact) for fact in facts if _tells(fact)))
    found = [scene for scene in found if scene.kind is not FactKind.LEVEL_RAISED or scene.after >= LATER]
    money = [_kept(case)] if avoided(case) else []
    ends = [StoryScene((case.settled_at or case.updated_at) - case.opened_at, FactKind.STATE), *money]
    room = MOST - len(ends)
    return [*(found if len(found) <= room else [*found[: room - 2], *found[-2:]]), *ends]


def _tells(fact: Fact) -> bool:
    if fact.kind is FactKind.RESULT:
        return fact.result in TELLING
    if fact.kind is FactKind.STOP:
        return fact.amount_fen is not None
    return fact.kind in KINDS and fact.kind is not FactKind.KEPT


def _scene(case: Case, at: datetime, fact: Fact) -> StoryScene:
    return StoryScene(at - case.opened_at, fact.kind, fact.action, fact.result, fact.amount_fen)


def _kept(case: Case) -> StoryScene:
    """Return the scene of all the money that was kept, with its weakest evidence class above D."""
    classes = [entry.evidence for entry in case.kept.values() if entry.evidence is not EvidenceClass.D]
    after = (case.settled_at or case.updated_at) - case.opened_at
    return StoryScene(after, FactKind.KEPT, amount_fen=avoided(case), evidence=max(classes))


def _new(before: Sequence[StoryScene], given: Iterable[StoryScene]) -> list[StoryScene]:
    """Return the scenes of `given` without those that only repeat an earlier one, such as a second attempt or another
    stage of a visit.
    """
    said = {scene[1:] for scene in before}
    found: list[StoryScene] = []
    for scene in given:
        if scene[1:] not in said:
            said.add(scene[1:])
            found.append(scene)
    return found
