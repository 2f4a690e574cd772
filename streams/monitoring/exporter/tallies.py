"""The durable totals as metrics.

They are counted in Redis within each commit, so each event counts once (domain/statistics).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import product

from prometheus_client.core import Metric

from domain.identity.divisions import PREFECTURE_DIGITS, known, prefectures
from domain.payments.estimate import estimate_of
from domain.statistics.clocks import ResponsibleParty
from domain.statistics.week_answers import WAITING
from schemas.casework.cases import CaseState, StopState
from schemas.casework.objections import WrongfulCause
from schemas.levels import Action, Level, WeekAnswer
from streams.messaging import sources
from streams.monitoring.exporter.family import Family, Labels, counter, gauge

OTHER = "other"

CASES_OPEN = gauge("quanzu_cases_open", "Open cases", "level", "state")
BY_PREFECTURE = gauge(
    "quanzu_cases_open_by_prefecture", "Open cases by GB/T 2260 code of the prefecture", "level", "prefecture"
)
OPENED = counter("quanzu_cases_opened_total", "Cases opened or reopened, by their level at that time", "level")
RAISED = counter("quanzu_cases_level_raised_total", "Rises of a case's level, by the new level", "level")
STATES = counter(
    "quanzu_case_states_total",
    "Entries of cases into a state; of dissuaded: evidenced (by a call or a visit) or stated",
    "state",
    "basis",
)
CLOCKS = counter(
    "quanzu_clocks_total",
    "Response times that ended, by who was responsible and whether in time",
    "whose",
    "level",
    "end",
)
CONTACTS = counter("quanzu_contacts_total", "Results of contacts", "channel", "action", "result")
DISPATCHED = counter("quanzu_steps_dispatched_total", "Steps sent to a channel", "channel", "action")
HELD = counter("quanzu_steps_held_total", "Steps held back by a hold", "channel", "action")
SKIPPED = counter("quanzu_steps_skipped_total", "Steps skipped because another one replaced them", "channel", "action")
DROPPED = counter("quanzu_steps_dropped_total", "Steps dropped when their hold was lifted", "channel", "action")
PUT_OFF = counter("quanzu_contacts_put_off_total", "Contacts put off by the contact budget", "channel", "limit")
FACTS = counter("quanzu_case_facts_total", "Other facts of cases: claimed, visit, lost", "fact")
STOPS = gauge("quanzu_stop_payments", "Stop-payments by their present state", "state")
OBJECTIONS = counter(
    "quanzu_stop_objections_total",
    "Objections to stop orders: made, upheld (with the cause of the wrongful stop) or rejected",
    "outcome",
    "cause",
)
FALSE_REPORTS = counter(
    "quanzu_false_reports_total", "Reports behind stops that a review found to be false, by their source", "source"
)
HANDOVERS = counter(
    "quanzu_handovers_total",
    "Cases offered to other provinces: accepted in time, refused, unanswered by the deadline, or accepted late, so "
    "that both provinces handled the resident",
    "offer",
)
ESTIMATE = gauge(
    "quanzu_loss_avoided_estimate_fen",
    "Loss avoided of class D, which is never added to the others: the calibrated estimate and its interval",
    "limit",
)
KNOWN = gauge("quanzu_cases_known", "All cases, including closed ones")
WARNED = gauge("quanzu_cases_warned", "Cases in which a contact reached the resident")
DISSUADED = gauge(
    "quanzu_dissuaded",
    "Cases in which the resident was dissuaded: evidenced by a call or a visit, or stated on another ground",
    "basis",
)
WEEK = gauge(
    "quanzu_week_answers",
    "Dissuaded residents who were asked a week later whether they have paid since, by their answer",
    "answer",
)
FALSE_ALARMS = gauge("quanzu_false_alarms", "Cases that were found to be no fraud")
KEPT = gauge("quanzu_loss_avoided_fen", "Money kept, by the classes that have evidence", "evidence")
FROZEN = gauge("quanzu_frozen_fen", "Money frozen at banks")
LOST = gauge("quanzu_lost_fen", "Money finally lost by residents with a case")
DEFRAUDED = gauge("quanzu_defrauded_after_warning", "Cases defrauded within so many days of a warning", "days")
WARNED_BY = gauge(
    "quanzu_cases_warned_by_group",
    "Cases in which a warning reached the resident, by its level, channel, and message or script",
    "dimension",
    "value",
)
DEFRAUDED_BY = gauge(
    "quanzu_recorded_frauds_after_warning",
    "Cases whose resident was defrauded within so many days of such a warning, by the police's records",
    "days",
    "dimension",
    "value",
)
SIGNALS = gauge(
    "quanzu_signals",
    "Signals by outcome, each counted once; a resent dead letter changes its outcome",
    "source",
    "outcome",
)
TO_AN_OUTCOME = ("raised", "below_threshold", "unmatched", "duplicate", "dead_lettered")

FAMILIES = (
    CASES_OPEN, BY_PREFECTURE, OPENED, RAISED, STATES, CLOCKS, CONTACTS, DISPATCHED, HELD, SKIPPED, DROPPED, PUT_OFF,
    FACTS, STOPS, OBJECTIONS, FALSE_REPORTS, HANDOVERS, ESTIMATE, KNOWN, WARNED, DISSUADED, FALSE_ALARMS, KEPT, FROZEN,
    LOST, DEFRAUDED, WARNED_BY, DEFRAUDED_BY, SIGNALS, WEEK,
)  # fmt: skip

BASES = ("evidenced", "stated")
_DISSUADED = CaseState.DISSUADED
_OF_DISSUADED = tuple((_DISSUADED.value, basis) for basis in BASES)
_LEVELS = [level.value for level in Level]
_OPEN = [state.value for state in CaseState if state is not CaseState.CLOSED]
_ALWAYS: dict[Family, Callable[[date], Iterable[Labels]]] = {
    CASES_OPEN: lambda today: product(_LEVELS, _OPEN),
    BY_PREFECTURE: lambda today: product(_LEVELS, (each.code[:PREFECTURE_DIGITS] for each in prefectures(today))),
    OPENED: lambda today: ((level,) for level in _LEVELS),
    RAISED: lambda today: ((level,) for level in _LEVELS),
    STATES: lambda today: (*((state.value, "") for state in CaseState if state is not _DISSUADED), *_OF_DISSUADED),
    CLOCKS: lambda today: product(ResponsibleParty, _LEVELS, ("kept", "missed")),
    STOPS: lambda today: ((state.value,) for state in StopState),
    WEEK: lambda today: (*((answer.value,) for answer in WeekAnswer), (WAITING,)),
    HANDOVERS: lambda today: ((offer,) for offer in ("accepted", "refused", "unanswered", "late")),
    OBJECTIONS: lambda today: (("made", ""), ("rejected", ""), *(("upheld", cause.value) for cause in WrongfulCause)),
}


def metrics_of(
    counts: Mapping[str, int], ledger: Mapping[str, int], signals: Mapping[str, Mapping[str, int]], today: date
) -> Iterator[Metric]:
    """Yield the metrics of the totals over all partitions. `counts`: numbers by name, as in domain/statistics/counts;
    names that have no metric are left out. `ledger`: fen or numbers of cases, by name; `signals`: number of signals by
    source and then by outcome. `today`: the date whose prefectures get a value, 0 if they have no case.
    """
    found: defaultdict[Family, Counter[Labels]] = defaultdict(Counter)
    for name, number in counts.items():
        if place := _place(name):
            found[place[0]][place[1]] += number
    for source, outcomes in signals.items():
        for outcome in TO_AN_OUTCOME:
            found[SIGNALS][sources.label(source), outcome] += outcomes.get(outcome, 0)
    yield from _of_ledger(ledger)
    for family in FAMILIES:
        if family in _ALWAYS or family in found:
            yield family.filled(found[family], _ALWAYS.get(family, _nothing)(today))


def _of_ledger(ledger: Mapping[str, int]) -> Iterator[Metric]:
    for family, name in (
        (KNOWN, "cases"),
        (WARNED, "warned"),
        (FALSE_ALARMS, "false_alarms"),
        (FROZEN, "frozen"),
        (LOST, "lost"),
    ):
        yield family.value(ledger.get(name, 0))
    yield DISSUADED.filled({(basis,): ledger.get(f"dissuaded_{basis}", 0) for basis in BASES})
    yield KEPT.filled({(name.upper(),): ledger.get(f"kept_{name}", 0) for name in "abc"})
    estimate = estimate_of(ledger.get("kept_d", 0))._asdict()
    yield ESTIMATE.filled({(limit,): fen for limit, fen in estimate.items()})
    days = ("30", "90")
    yield DEFRAUDED.filled({(each,): ledger.get(f"defrauded_after_warning_{each}d", 0) for each in days})


def _place(name: str) -> tuple[Family, Labels] | None:
    """Return the family and label values of a count, or None if another metric covers it."""
    kind, *words = name.split("|")
    if kind == "area":
        level, prefecture = words
        return BY_PREFECTURE, (level, prefecture if known(f"{prefecture}00") else OTHER)
    if kind == "false_report":
        return FALSE_REPORTS, (sources.label(words[0]),)
    if kind in _BY_ACTION:
        action, *result = words
        return _BY_ACTION[kind], (Action(action).channel.value, action, *result)
    return (_AS_THEY_ARE[kind], tuple(words)) if kind in _AS_THEY_ARE else None


_AS_THEY_ARE = {
    "warned": WARNED_BY,
    "defrauded": DEFRAUDED_BY,
    "week": WEEK,
    "open": CASES_OPEN, "opened": OPENED, "reopened": OPENED, "level_raised": RAISED, "state": STATES,
    "clock": CLOCKS, "put_off": PUT_OFF, "stop": STOPS, "fact": FACTS, "objection": OBJECTIONS, "handover": HANDOVERS,
}  # fmt: skip
_BY_ACTION = {"action": CONTACTS, "dispatched": DISPATCHED, "held": HELD, "skipped": SKIPPED, "dropped": DROPPED}


def _nothing(today: date) -> Iterable[Labels]:
    return ()
