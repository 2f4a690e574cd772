"""Counts of an installation: exact, and the same however often an event is seen.

A name consists of words joined by `|`; the first names the kind of count: `open|red|contacting`,
`action|flash_sms|delivered`, `area|red|2201` (open cases by prefecture), `stop|in_force` (stop-payments),
`clock|desk|red|kept`, `handover|late`, `objection|upheld|false_report`, `false_report|bank`. Cases whose resident a
warning reached are `warned|channel|sms`, and those defrauded within 30 days of it `defrauded|30|channel|sms`; likewise
by level and message. Dissuaded residents who were asked a week later are `week|nothing_paid`, by their answer, or
`week|waiting`. The last word of
`state|dissuaded|evidenced` and `state|dissuaded|stated` is the kind of ground; for other states it is empty.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.identity.divisions import PREFECTURE_DIGITS
from domain.statistics import clocks
from domain.statistics.after_warning import SPANS, fraud_follows, groups_of
from domain.statistics.week_answers import WAITING
from schemas.casework.cases import Case, CaseState
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.codes.any_code import AnyCode
from schemas.codes.objections import ObjectionMade, ObjectionRejected, ObjectionUpheld, ReportFalse

# Used by `of_standing`.
_STANDING = ("id", "level", "state", "profile", "payments", "traced", "warnings", "frauds", "week")


def of_event(event: CaseEvent) -> Counter[str]:
    """Return by how much an event increases each count that never decreases, by name, such as `opened|red` or
    `action|sms|delivered`.
    """
    return Counter(names_of_event(event))


def names_of_event(event: CaseEvent) -> Iterator[str]:
    """Yield the name of each count that an event increases by one, among the counts that never decrease. A name may
    occur several times.
    """
    for fact in event.facts:
        yield from _names(fact, event.case)


def of_standing(before: Case | None, after: Case) -> Counter[str]:
    """Return the changes of the current counts by name, from `before` to `after`; negative for decreases.

    Current counts are those of open cases (`open|…`, `area|…`), of stop-payments (`stop|…`), of questions a week later
    (`week|…`) and of warnings (`warned|…`, `defrauded|…`). `before`: the same case, or the resident's earlier case,
    whose stops, question and warnings stay counted, or None.
    """
    if before is not None and after.same_objects(before, *_STANDING):
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
    """Return the current counts, by name, to which a case still contributes after its resident's next case was opened:
    those of its stop-payments (`stop|…`), question (`week|…`) and warnings (`warned|…`, `defrauded|…`).
    """
    return Counter({name: number for name, number in _lasting(case).items() if number})


def of_clocks(before: Case | None, event: CaseEvent) -> Counter[str]:
    """Return how many results an event shows to have come in time or too late, by name, such as `clock|desk|red|kept`
    or `clock|desk|red|missed`.

    `before`: the event's case before the event, or the resident's earlier case, which is ignored, or None.
    """
    same = before if before is not None and before.id == event.case.id else None
    return Counter(names_of_clocks(clocks.waiting_dispatches(same), clocks.waiting_dispatches(event.case), event))


def names_of_clocks(
    out: Mapping[str, clocks.WaitingDispatch], now: Mapping[str, clocks.WaitingDispatch], event: CaseEvent
) -> Iterator[str]:
    """Yield, for each dispatch that an event ends the wait for, the name of its count: `clock`, the party that had to
    act, the level, and `kept` (the result came in time) or `missed`, such as `clock|desk|red|kept`.

    `out`, `now`: the waiting dispatches of the event's case just before and just after it.
    """
    for end in clocks.ended(out, now, event):
        yield f"clock|{clocks.responsible_for(end.was.action)}|{event.case.level}|{'kept' if end.kept else 'missed'}"


@dataclass(slots=True)
class ClocksFold:
    """Counts the results of dispatches that came in time or too late, by name such as `clock|desk|red|kept`, over a
    whole journal. Its events may be in any order and repeated.

    Versions of a case have no gaps: an event that comes too early waits for its predecessor. `counted`: numbers by
    name.
    """

    counted: Counter[str] = field(default_factory=Counter)
    # case -> version, dispatches
    _out: dict[str, tuple[int, dict[str, clocks.WaitingDispatch]]] = field(default_factory=dict)
    _early: dict[str, dict[int, CaseEvent]] = field(default_factory=dict)  # case -> version -> event

    def add(self, event: CaseEvent) -> None:
        """Add an event to `counted`, in place. An event with a known version of its case changes nothing; one that
        comes too early is held back until the versions before it have come.
        """
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
        now = clocks.waiting_dispatches(case)
        self.counted.update(names_of_clocks(self._out.get(case.id, (0, {}))[1], now, event))
        self._out[case.id] = case.version, now


def clocks_of(events: Iterable[CaseEvent]) -> Counter[str]:
    """Return how many results of dispatches came in time or too late by a journal's events, by name such as
    `clock|desk|red|kept`. The events may be in any order and repeated.
    """
    fold = ClocksFold()
    for event in events:
        fold.add(event)
    return fold.counted


def _open(case: Case) -> Iterator[str]:
    if case.open:
        yield f"open|{case.level}|{case.state}"
        yield f"area|{case.level}|{case.profile.division[:PREFECTURE_DIGITS]}"


def _lasting(case: Case) -> Counter[str]:
    stops = Counter(f"stop|{payment.stop.state}" for payment in (*case.payments, *case.traced) if payment.stop)
    if case.week is not None:
        stops[f"week|{case.week.answer.value if case.week.answer else WAITING}"] += 1
    return stops + Counter(_warned(case)) if case.warnings else stops


def _warned(case: Case) -> Iterator[str]:
    """Yield the names of the counts of a case's warnings, and of the frauds that followed them or an earlier case's.

    A fraud that an earlier case knows counts there.
    """
    groups: defaultdict[tuple[int, str, str], list[datetime]] = defaultdict(list)
    for warning in case.warnings:
        if not warning.action.to_contact:
            for dimension, value in groups_of(warning).items():
                groups[warning.number, dimension, value].append(warning.at)
    frauds = [fraud.happened_at for fraud in case.frauds]
    counted = [fraud.happened_at for fraud in case.frauds if fraud.number < case.number]
    for (number, dimension, value), times in groups.items():
        if number == case.number:
            yield f"warned|{dimension}|{value}"
        for span in SPANS:
            if fraud_follows(frauds, times, span) and not fraud_follows(counted, times, span):
                yield f"defrauded|{span.days}|{dimension}|{value}"


def _basis(case: Case) -> str:
    """Return "evidenced" if the resident who is dissuaded answered or was met, "stated" if only a statement says so; ""
    if the case is not dissuaded or has no ground.
    """
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
        case FactKind.OFFER_ACCEPTED | FactKind.OFFER_REFUSED | FactKind.OFFER_UNANSWERED | FactKind.OFFER_LATE:
            yield f"handover|{fact.kind.removeprefix('offer_')}"
        case FactKind.STATE:
            yield f"state|{case.state}|{_basis(case)}"
        case _:
            yield f"fact|{fact.kind}"
