"""What must hold of a demo's books, whatever disturbed it. Each law tells what breaks it, in words; nothing is good."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from domain import counts, ledger
from domain.casework import deadlines, has_held, queue_rank
from domain.standing import AFTER_SETTLED
from schemas.cases import Case, StepState
from schemas.events import CaseEvent, FactKind
from schemas.levels import Action, Result
from streams.channels.book import REPORTED
from streams.store import milliseconds
from tests.disturbed.books import Books, Published

SPOKEN = {result.value for result in REPORTED} - {Result.IN_DOUBT.value}
NOT_SENT = {Result.FAILED.value, Result.NOT_SENT.value}
LONGEST = 300  # characters of what differs
ON_ITS_WAY = timedelta(seconds=60)  # a wall second: the channel had looked just before the case was settled


def broken(books: Books, settled: set[str]) -> list[str]:
    """All that breaks a law. `settled`: dispatches that came while there was time to carry them out."""
    return [
        *conserved(books),
        *contacted_once(books),
        *reported(books, settled),
        *booked(books),
        *awaited(books),
        *alerts_have_cases(books),
        *no_fork(books.events),
        *one_open_case(books.events),
        *nothing_after_settled(books),
        *folded(books),
        *applied_and_published(books),
    ]


def conserved(books: Books) -> Iterator[str]:
    """Each accepted signal is on the topic, and each on the topic has one outcome."""
    for source in books.signals.keys() | books.accepted.keys() | books.screened.keys():
        accepted, there = books.accepted[source], books.signals[source]
        screened = sum(books.screened.get(source, {}).values())
        if screened != there:
            yield f"{source}: {there} signals on the topic, {screened} outcomes"
        answered = books.sent[source] == accepted + books.refused[source]
        if there != accepted and (answered or not accepted < there <= books.sent[source]):
            yield f"{source}: {accepted} accepted, {there} on the topic, {books.sent[source]} sent"


def contacted_once(books: Books) -> Iterator[str]:
    """By the providers' own books, whatever the provider promises."""
    for name, times in Counter(contact.dispatch for contact in books.contacts).items():
        if times > 1:
            yield f"{name}: carried out {times} times"


def reported(books: Books, settled: set[str]) -> Iterator[str]:
    """Each dispatch has its channel's report, and not two that contradict one another."""
    reports = books.reports
    for name in settled:
        if not reports.get(name, set()) & {result.value for result in REPORTED}:
            yield f"{name}: lost, no channel has reported it"
    for name, results in reports.items():
        if len(results & SPOKEN) > 1:
            yield f"{name}: reported {', '.join(sorted(results & SPOKEN))}"


def booked(books: Books) -> Iterator[str]:
    """What a channel reports as sent is in a provider's book, what it reports as not sent is in none."""
    known = {dispatch.id: dispatch for dispatch in books.dispatches}
    carried = {contact.dispatch for contact in books.contacts}
    for name in carried - known.keys():
        yield f"{name}: contacted without a dispatch"
    for name, results in books.reports.items():
        spoken = results & SPOKEN
        if spoken == {Result.SENT.value} and known[name].action is not Action.OPERATOR_CALL and name not in carried:
            yield f"{name}: reported as sent, and no provider has it"
        if spoken and spoken <= NOT_SENT and name in carried:
            yield f"{name}: reported as {', '.join(spoken)}, and a provider has it"


def awaited(books: Books) -> Iterator[str]:
    """A step that waits for a dispatch has a deadline; one that does not was ended by something."""
    cases = {case.id: case for case in (*books.store.earlier.values(), *books.store.cases.values())}
    fired = {(event.case.id, event.input.split(":")[2]) for event in books.events if event.input_kind == "deadline"}
    for dispatch in {dispatch.id: dispatch for dispatch in books.dispatches}.values():
        case = cases.get(dispatch.case)
        step = next((step for step in case.steps if step.id == dispatch.step), None) if case else None
        if case is None or step is None or step.attempt < dispatch.attempt:
            yield f"{dispatch.id}: dispatched, and its case does not know of it"
        elif step.state is StepState.SENT and step.attempt == dispatch.attempt:
            if case.open and f"{case.id}|{step.id}" not in books.store.deadlines:
                yield f"{dispatch.id}: sent, with neither an end nor a deadline"
        elif not (step.results or case.settled or case.outcome or (case.id, step.id) in fired):
            yield f"{dispatch.id}: ended by nothing"


def alerts_have_cases(books: Books) -> Iterator[str]:
    """Every alert was applied, and its resident has a case."""
    for each in books.inputs:
        if each.kind == "alert" and each.id not in books.store.applied:
            yield f"alert {each.id} was not applied"
        if each.kind == "alert" and each.resident not in books.store.cases:
            yield f"{each.resident}: an alert and no case"


def no_fork(events: Iterable[CaseEvent]) -> Iterator[str]:
    """A case's versions are 1 to n, each with one content, and its level rises unless somebody lowered it by name."""
    versions: defaultdict[str, dict[int, CaseEvent]] = defaultdict(dict)
    for event in events:
        if versions[event.case.id].setdefault(event.case.version, event) != event:
            yield f"{event.case.id}: two events of version {event.case.version}"
    for name, known in versions.items():
        if sorted(known) != list(range(1, len(known) + 1)):
            yield f"{name}: versions {sorted(known)}"
        for number in sorted(known)[1:]:
            before, after = known.get(number - 1, known[number]), known[number]
            allowed = any(fact.kind in (FactKind.LEVEL_LOWERED, FactKind.REOPENED) for fact in after.facts)
            if after.case.level.rank < before.case.level.rank and not allowed:
                yield f"{name}: its level fell by itself in version {number}"


def one_open_case(events: Iterable[CaseEvent]) -> Iterator[str]:
    """A resident's next case is opened when the one before is closed."""
    latest: dict[str, CaseEvent] = {}
    for event in sorted(events, key=lambda event: (event.partition, event.offset, event.case.version)):
        before = latest.get(event.case.resident)
        if before and before.case.number < event.case.number and before.case.open:
            yield f"{event.case.id}: opened while {before.case.id} was open"
        if before is None or before.case.number <= event.case.number:
            latest[event.case.resident] = event


def nothing_after_settled(books: Books) -> Iterator[str]:
    """Once a resident is dissuaded or cleared, and Kafka knows it, nothing of the plan reaches him."""
    stories: defaultdict[str, dict[int, Published]] = defaultdict(dict)
    for each in books.journal:
        if isinstance(each.entry, CaseEvent):
            stories[each.entry.case.id].setdefault(each.entry.case.version, each)
    dispatched = {dispatch.id: dispatch for dispatch in books.dispatches}
    for contact in books.contacts:
        dispatch = dispatched.get(contact.dispatch)
        if dispatch is None or dispatch.action in AFTER_SETTLED:
            continue
        if _was_settled(datetime.fromisoformat(contact.at), stories[dispatch.case].values()):
            yield f"{contact.dispatch}: contacted at {contact.at}, settled before"


def _was_settled(at: datetime, story: Iterable[Published]) -> bool:
    """Whether a case stood settled from well before a moment until then."""
    known = sorted((_case(each).version, each.at, _case(each).settled) for each in story if each.at <= at)
    since = [(version, settled) for version, published, settled in known if published <= at - ON_ITS_WAY][-1:]
    return bool(since) and all(settled for version, _, settled in known if version >= since[0][0])


def _case(each: Published) -> Case:
    assert isinstance(each.entry, CaseEvent)
    return each.entry.case


def folded(books: Books) -> Iterator[str]:
    """The journal folded from nothing gives the store, key by key, the money to the fen."""
    events = {event.id: event for event in books.events}
    newest, earlier = _latest(events.values())
    ranks = {case.id: rank for case in newest.values() if (rank := queue_rank(case)) is not None}
    held = {case.resident: True for case in newest.values() if has_held(case)}
    yield from _differ("cases", newest, books.store.cases)
    yield from _differ("earlier", earlier, books.store.earlier)
    yield from _differ("deadlines", _deadlines(newest.values()), books.store.deadlines)
    yield from _differ("queue", ranks, books.store.queue)
    yield from _differ("held", held, dict.fromkeys(books.store.held, True))
    yield from _differ("ledger", _some(ledger.fold(books.events)._asdict()), _some(books.store.ledger))
    yield from _differ("counts", _counted(events.values(), newest.values()), _some(books.store.counts))


def applied_and_published(books: Books) -> Iterator[str]:
    """What the journal tells of is known as applied, nothing else but inputs is, and all was published."""
    applied = {each.entry.input for each in books.journal}
    if missing := applied - books.store.applied:
        yield f"applied: {len(missing)} inputs of the journal are not known as applied"
    if strange := books.store.applied - {each.id for each in books.inputs}:
        yield f"applied: {len(strange)} inputs that were never written"
    if books.store.outbox:
        yield f"outbox: {len(books.store.outbox)} entries are still in it"


def _latest(events: Iterable[CaseEvent]) -> tuple[dict[str, Case], dict[str, Case]]:
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
