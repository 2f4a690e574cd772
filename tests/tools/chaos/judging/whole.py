"""The journal folded from nothing is the store, and all that was applied was published."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from domain.casework import deadlines, has_held, queue_rank
from domain.identity.personal import without
from domain.payments import books as daily
from domain.payments import ledger
from domain.statistics import counts
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, RulesEvent, UnchangedEvent
from streams.state.keys import milliseconds
from tests.tools.chaos.judging.books import Books

LONGEST = 300  # characters of what differs


def folded(books: Books) -> Iterator[str]:
    """Key by key, the money to the fen."""
    events = {each.what.id: each.what for each in books.seen.events}
    newest, earlier = latest(events.values())
    store = books.store
    ranks = {case.id: rank for case in newest.values() if (rank := queue_rank(case)) is not None}
    held = {case.resident: True for case in newest.values() if has_held(case)}
    yield from _differ("cases", newest, _as_seen(store.cases, books))
    yield from _differ("earlier", earlier, _as_seen(store.earlier, books))
    yield from _differ("deadlines", _deadlines(newest.values()), store.deadlines)
    yield from _differ("queue", ranks, store.queue)
    yield from _differ("held", held, dict.fromkeys(store.held, True))
    yield from _differ("books", daily.fold_books(events.values()), _some(store.books))
    yield from _differ("ledger", _some(ledger.fold(events.values())._asdict()), _some(store.ledger))
    yield from _differ("counts", _counted(events.values(), [*newest.values(), *earlier.values()]), _some(store.counts))


def applied_and_published(books: Books) -> Iterator[str]:
    """What the journal tells of is known as applied, nothing else but inputs is, and all was published."""
    applied = {name for each in books.seen.journal for name in _inputs(each.what)}
    if missing := applied - books.store.applied:
        yield f"applied: {len(missing)} inputs of the journal are not known as applied"
    if strange := books.store.applied - {each.what.id for each in books.seen.inputs}:
        yield f"applied: {len(strange)} inputs that were never written"
    if books.store.outbox:
        yield f"outbox: {len(books.store.outbox)} entries are still in it"


def _inputs(entry: CaseEvent | RulesEvent | UnchangedEvent) -> Iterable[str]:
    """The inputs that an entry says are applied."""
    return entry.inputs if isinstance(entry, UnchangedEvent) else [entry.input]


def _as_seen(cases: Mapping[str, Case], books: Books) -> Mapping[str, Case]:
    """The store's cases as who has no keys sees the journal's."""
    return {name: without(case) for name, case in cases.items()} if books.seen.sealed else cases


def latest(events: Iterable[CaseEvent]) -> tuple[dict[str, Case], dict[str, Case]]:
    """Each resident's newest case, by resident; and those before it, by their ids. Each at its highest version."""
    cases: dict[str, Case] = {}
    for event in sorted(events, key=lambda event: event.case.version):
        cases[event.case.id] = event.case
    newest = {case.resident: case for case in sorted(cases.values(), key=lambda case: case.number)}
    return newest, {name: case for name, case in cases.items() if newest[case.resident].id != name}


def _deadlines(cases: Iterable[Case]) -> dict[str, float]:
    return {f"{case.id}|{step}": float(milliseconds(due)) for case in cases for step, due in deadlines(case).items()}


def _counted(events: Iterable[CaseEvent], cases: Iterable[Case]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for event in events:
        total.update(counts.of_event(event))
    total.update(counts.clocks_of(events))
    for case in cases:
        total.update(counts.of_standing(None, case))
    return _some(total)


def _some(amounts: "Counter[str] | dict[str, int]") -> dict[str, int]:
    return {name: amount for name, amount in amounts.items() if amount}


def _differ(what: str, journal: Mapping[str, object], store: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(journal.keys() | store.keys()):
        if journal.get(name) != store.get(name):
            told, kept = str(journal.get(name))[:LONGEST], str(store.get(name))[:LONGEST]
            yield f"{what}: {name} differs: the journal says {told}, the store {kept}"
