"""The figures of the report of a run, computed from the run's journal alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles

from domain.payments.ledger import Totals, fold
from schemas.casework.events import CaseEvent, FactKind
from schemas.levels import GRAVEST_FIRST, Action, Channel, Level, Result

NO_CONTACT = frozenset({Result.FAILED, Result.NOT_SENT, Result.UNDELIVERED})


@dataclass(frozen=True, slots=True)
class Published:
    """A journal event, and the time at which Kafka received it (`published`), in wall-clock seconds since 1970."""

    event: CaseEvent
    published: float


def unique(entries: Iterable[Published]) -> list[Published]:
    """Return each event once, by its id: the entry that was published first, in the order in which the ids
    first occur.
    """
    first: dict[str, Published] = {}
    for entry in entries:
        known = first.setdefault(entry.event.id, entry)
        if entry.published < known.published:
            first[entry.event.id] = entry
    return list(first.values())


def cases_by_level(entries: Sequence[Published]) -> dict[str, int]:
    """Return the number of cases in the events of a journal, by the gravest level that each reached. All four levels
    are keys, the gravest first.
    """
    gravest: dict[str, Level] = {}
    for entry in entries:
        case = entry.event.case
        gravest[case.id] = max(case.level, gravest.get(case.id, case.level), key=lambda level: level.rank)
    found = Counter(gravest.values())
    return {level.value: found[level] for level in GRAVEST_FIRST}


def warned(entries: Sequence[Published]) -> dict[str, int]:
    """Return the number of contacts in the events of a journal, by kind, all five as keys: sms, phone, visit,
    trusted_contact, stop_payment. Each dispatch counts once, if it has a result other than failed, not sent or
    undelivered.
    """
    made: set[tuple[str, str]] = set()
    for entry in entries:
        for fact in entry.event.facts:
            if fact.kind is FactKind.RESULT and fact.action and fact.result not in NO_CONTACT:
                made.add((_kind(fact.action), _dispatch(entry.event)))
    found = Counter(kind for kind, _ in made)
    return {kind: found[kind] for kind in ("sms", "phone", "visit", "trusted_contact", "stop_payment")}


def first_contacts(entries: Sequence[Published], speed: float) -> list[float]:
    """Return, for each flash SMS that was decided on because of a signal, the wall-clock seconds from the signal's
    arrival until the carrier accepted the SMS, in the order of dispatch. `entries`: a journal's events; `speed`:
    seconds of the run's clock per wall-clock second. A flash SMS that no carrier accepted is left out.
    """
    raised: dict[str, datetime] = {}
    sent: dict[str, datetime] = {}
    for entry in entries:
        for dispatch in entry.event.dispatches:
            if dispatch.action is Action.FLASH_SMS and dispatch.signal_at is not None:
                raised[dispatch.id] = dispatch.signal_at
        if any(fact.kind is FactKind.RESULT and fact.result is Result.SENT for fact in entry.event.facts):
            sent.setdefault(_dispatch(entry.event), entry.event.at)
    return [(sent[name] - at).total_seconds() / speed for name, at in raised.items() if name in sent]


def deadline_errors(entries: Sequence[Published], wall_time: Callable[[datetime], float]) -> list[float]:
    """Return, for each deadline in a journal's events, the wall-clock seconds from its due time until its event was in
    the journal.

    `wall_time`: returns the wall-clock time (seconds since 1970) at which the run's clock showed a time.
    """
    errors = []
    for entry in entries:
        if entry.event.input_kind == "deadline":
            due = datetime.fromtimestamp(int(entry.event.input.rpartition(":")[2]) / 1000, UTC)
            errors.append(entry.published - wall_time(due))
    return errors


def percentiles(values: Sequence[float], *wanted: int) -> dict[str, float | None]:
    """Return the wanted percentiles (1 to 99) by name ("p50"), interpolated and rounded to 4 digits; each is None if
    there are no values.
    """
    if not values:
        return {f"p{number}": None for number in wanted}
    cuts = quantiles(values, n=100, method="inclusive") if len(values) > 1 else list(values) * 99
    return {f"p{number}": round(cuts[number - 1], 4) for number in wanted}


def money(entries: Iterable[Published]) -> Totals:
    """Return the totals of money and cases, computed anew from a journal's events."""
    return fold(entry.event for entry in entries)


def _kind(action: Action) -> str:
    if action.to_contact:
        return "trusted_contact"
    return {
        Channel.SMS: "sms",
        Channel.PHONE: "phone",
        Channel.VISIT: "visit",
        Channel.PAYMENT: "stop_payment",
        Channel.PROVINCE: "handover",
    }[action.channel]


def _dispatch(event: CaseEvent) -> str:
    return event.input.rpartition(":")[0]
