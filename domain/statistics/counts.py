"""Counts of an installation, exact and independent of how often an event is seen.

A name consists of words joined by `|`, the first of which says what is counted: `open|red|contacting`,
`action|flash_sms|delivered`, `area|red|2201` (open cases by prefecture), `stop|in_force` (stop-payments),
`clock|desk|red|kept`, `objection|upheld|false_report`, `false_report|bank`.
`state|dissuaded|evidenced` and `state|dissuaded|stated` say what it rests on; other states have nothing there.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.identity.divisions import PREFECTURE_DIGITS
from domain.statistics import clocks
from schemas.casework.cases import Case, CaseState
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.codes.any_code import AnyCode
from schemas.codes.objections import ObjectionMade, ObjectionRejected, ObjectionUpheld, ReportFalse

_STANDING = ("id", "level", "state", "profile", "payments", "traced")  # used by `of_standing`


def of_event(event: CaseEvent) -> Counter[str]:
    """Return the counts that an event adds for good, by name, such as `opened|red` or `action|sms|delivered`."""
    return Counter(names_of_event(event))


def names_of_event(event: CaseEvent) -> Iterator[str]:
    """Yield each name to which an event adds one, for good."""
    for fact in event.facts:
        yield from _names(fact, event.case)


def of_standing(before: Case | None, after: Case) -> Counter[str]:
    """Return the changes of current counts by name from `before` to `after`; some are negative.

    Counted are open cases (`open|…`, `area|…`) and stop-payments (`stop|…`).

    `before`: the same case, or the resident's earlier one, whose stops stay counted, or None.
    """
    if before is not None and after.shares(before, *_STANDING):
        return Counter()
    changed: Counter[str] = Counter()
    if before is not None:
        changed.subtract(_open(before))
        if before.id == after.id:
            changed.subtract(_lasting(before))
    changed.update(_open(after))
    changed.update(_lasting(after))
    return Counter({name: by for name, by in changed.items() if by})


def of_earlier(case: Case) -> Counter[str]:
    """Return what a case still contributes to the counts after it was followed by another case of its resident."""
    return Counter({name: number for name, number in _lasting(case).items() if number})


def of_clocks(before: Case | None, event: CaseEvent) -> Counter[str]:
    """Return the counts of clocks that an event ends, by name, such as `clock|desk|red|kept`.

    `before`: its case before, or the resident's earlier one, or None.
    """
    same = before if before is not None and before.id == event.case.id else None
    return Counter(names_of_clocks(clocks.out_of(same), clocks.out_of(event.case), event))


def names_of_clocks(out: Mapping[str, clocks.Out], now: Mapping[str, clocks.Out], event: CaseEvent) -> Iterator[str]:
    """Yield the name of the count for each clock that an event ends.

    `out`, `now`: the waiting dispatches of the event's case just before and after it.
    """
    for end in clocks.ended(out, now, event):
        yield f"clock|{clocks.whose(end.was.action)}|{event.case.level}|{'kept' if end.kept else 'missed'}"


@dataclass(slots=True)
class ClocksFold:
    """Counts `of_clocks` over a whole journal, with events in any order and repeated.

    A case's versions have no gaps: an event that comes too early waits for its predecessor.
    """

    counted: Counter[str] = field(default_factory=Counter)
    _out: dict[str, tuple[int, dict[str, clocks.Out]]] = field(default_factory=dict)  # case -> version, dispatches
    _early: dict[str, dict[int, CaseEvent]] = field(default_factory=dict)  # case -> version -> event

    def add(self, event: CaseEvent) -> None:
        """Add an event."""
        case = event.case
        if case.version <= self._out.get(case.id, (0, {}))[0]:
            return
        early = self._early.setdefault(case.id, {})
        early[case.version] = event
        while (following := early.pop(self._out.get(case.id, (0, {}))[0] + 1, None)) is not None:
            self._follow(following)
        if not early:
            del self._early[case.id]

    def _follow(self, event: CaseEvent) -> None:
        case = event.case
        now = clocks.out_of(case)
        self.counted.update(names_of_clocks(self._out.get(case.id, (0, {}))[1], now, event))
        self._out[case.id] = case.version, now


def clocks_of(events: Iterable[CaseEvent]) -> Counter[str]:
    """Return the counts of clocks that a journal's events ended, by name; the events may be in any order."""
    fold = ClocksFold()
    for event in events:
        fold.add(event)
    return fold.counted


def _open(case: Case) -> Iterator[str]:
    if case.open:
        yield f"open|{case.level}|{case.state}"
        yield f"area|{case.level}|{case.profile.division[:PREFECTURE_DIGITS]}"


def _lasting(case: Case) -> Counter[str]:
    return Counter(f"stop|{payment.stop.state}" for payment in (*case.payments, *case.traced) if payment.stop)


def _basis(case: Case) -> str:
    """Whether a resident who is dissuaded answered or was met, or somebody only says so."""
    if case.state is not CaseState.DISSUADED or case.ground is None:
        return ""
    return "evidenced" if case.ground.evidenced else "stated"


def _of_objection(what: AnyCode) -> Iterator[str]:
    match what:
        case ObjectionMade():
            yield "objection|made|"
        case ObjectionUpheld():
            yield f"objection|upheld|{what.cause}"
        case ObjectionRejected():
            yield "objection|rejected|"
        case ReportFalse():
            yield f"false_report|{what.source}"
        case _:
            pass


def _names(fact: Fact, case: Case) -> Iterator[str]:
    match fact.kind:
        case FactKind.OPENED | FactKind.REOPENED | FactKind.LEVEL_RAISED:
            yield f"{fact.kind}|{case.level}"
        case FactKind.RESULT if fact.action is not None and fact.result is not None:
            yield f"contact|{fact.action.channel}|{fact.result}"
            yield f"action|{fact.action}|{fact.result}"
        case FactKind.DISPATCHED | FactKind.HELD | FactKind.DROPPED | FactKind.SKIPPED if fact.action is not None:
            yield f"{fact.kind}|{fact.action}"
        case FactKind.PUT_OFF if fact.action is not None:
            yield f"put_off|{fact.action.channel}|{fact.limit}"
        case FactKind.OBJECTION:
            yield from _of_objection(fact.what)
        case FactKind.STATE:
            yield f"state|{case.state}|{_basis(case)}"
        case _:
            yield f"fact|{fact.kind}"
