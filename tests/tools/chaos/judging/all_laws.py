"""What must hold of a round's books, whatever struck. Each law tells what breaks it, in words; nothing is good."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.dispatches.validity import AFTER_SETTLED
from schemas.casework.cases import Case, StepState
from schemas.casework.events import CaseEvent, FactKind
from schemas.casework.inputs import ContactResult
from schemas.levels import Action, Result
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.late import late
from tests.tools.chaos.judging.money import twice
from tests.tools.chaos.judging.orders import no_order_twice, no_order_unapproved
from tests.tools.chaos.judging.seen import LANES, WORD, Arrived
from tests.tools.chaos.judging.whole import applied_and_published, folded
from tests.tools.chaos.voice.calls import untrue

SPOKEN = WORD - {Result.IN_DOUBT}
NOT_SENT = {Result.FAILED, Result.NOT_SENT}
ON_ITS_WAY = 1.0  # wall seconds: the channel had looked just before the case was settled


@dataclass(frozen=True, slots=True)
class Broken:
    """`law`: what the report counts it as, `amount` times; none of its counts for what breaks a round all the same."""

    law: str
    words: str
    amount: int = 1


def broken(books: Books) -> list[Broken]:
    """All that breaks a law."""
    found = [Broken(law, words) for law, tell in LAWS.items() for each in tell for words in each(books)]
    money = [Broken("money_twice_fen", words, amount) for words, amount in twice(books)]
    return [*found, *money]


def conserved(books: Books) -> Iterator[str]:
    """Each accepted signal is on the topic, and each on the topic has one outcome.

    What retention deleted before Redis was wiped can be counted by nobody.
    """
    signals, screened, dropped = books.seen.signals, books.store.screened, books.dropped
    for source in sorted(signals.keys() | books.accepted.keys() | screened.keys() - {"unknown"}):
        accepted, there = books.accepted[source], signals[source]
        if screened[source] != there - dropped[source]:
            yield f"{source}: {there} signals on the topic, {dropped[source]} deleted, {screened[source]} outcomes"
        answered = books.sent[source] == accepted + books.refused[source]
        if there != accepted and (answered or not accepted < there <= books.sent[source]):
            yield f"{source}: {accepted} accepted, {there} on the topic, {books.sent[source]} sent"
    unreadable = sum(count for topic, count in books.seen.unreadable.items() if topic in LANES) - dropped["unknown"]
    if screened["unknown"] != unreadable:
        yield f"{unreadable} records of signals that nobody can read, {screened['unknown']} were put aside"


def contacted_once(books: Books) -> Iterator[str]:
    """By the providers' books one contact for each attempt at a step, and no attempt given up that was one.

    No provider can refuse a request that was held up past its lease: one that is idempotent does nothing then, and one
    that can be asked, or neither, may act again.
    """
    attempts: defaultdict[tuple[str, str, int, Action], list[str]] = defaultdict(list)
    for contact in books.contacts:
        if dispatch := books.dispatches.get(contact.dispatch):
            attempts[dispatch.case, dispatch.step, dispatch.attempt, dispatch.action].append(dispatch.id)
    for names in attempts.values():
        results = {result for name in names for result in books.seen.reports.get(name, ())}
        if any(books.in_doubt_with_neither(name) or books.came_late(name) for name in names):
            continue
        if len(names) > 1:
            yield f"{names[0]}: carried out {len(names)} times"
        if results & SPOKEN and results & SPOKEN <= NOT_SENT:
            yield f"{names[0]}: reported as {_told(results)}, and a provider has it"


def reached(books: Books) -> Iterator[str]:
    """Each dispatch has its channel's report; what was reported as sent is in a provider's book.

    A dispatch whose key was lost before its channel read it has a dead letter instead. A gateway that has an order may
    find later that it cannot call, and say so: its receipt takes the word of the channel back.
    """
    carried = {contact.dispatch for contact in books.contacts}
    taken_back = books.gateway_doubts | {call.dispatch for call in books.calls if call.failed_unplaced}
    for name in sorted(books.due):
        if name not in books.seen.reports and name not in books.seen.aside:
            yield f"{name}: lost, no channel has reported it" + (", though it was sent" if name in carried else "")
    for name, results in books.seen.reports.items():
        known = books.dispatches.get(name)
        on_the_desk = known is not None and known.action is Action.OPERATOR_CALL
        if results & SPOKEN == {Result.SENT} and not on_the_desk and name not in carried | taken_back:
            yield f"{name}: reported as sent, and no provider has it"


def arrived_messages(books: Books) -> Iterator[str]:
    """The carrier delivers all that is on the wire: of none the SMS gateway reports that it was not delivered, and of
    none that was not there that it was.
    """
    carried = {contact.dispatch for contact in books.contacts}
    for given in (each.what for each in books.seen.inputs):
        if isinstance(given, ContactResult) and given.dispatch in books.by_gateway:
            on_the_wire = given.dispatch in carried
            if given.result is (Result.UNDELIVERED if on_the_wire else Result.DELIVERED):
                yield f"{given.dispatch}: reported as {given.result}, on the wire: {on_the_wire}"


def told_truly(books: Books) -> Iterator[str]:
    """The voice gateway reports each call that it took as it ended on the wire, or calls it in doubt."""
    for call in books.calls:
        yield from untrue(call)


def alerts_have_cases(books: Books) -> Iterator[str]:
    """Every alert was applied, and its resident has a case.

    An alert whose key was lost before casework read it has a dead letter instead.
    """
    for message in (each.what for each in books.seen.inputs if each.what.id not in books.seen.aside):
        if message.kind == "alert" and message.id not in books.store.applied:
            yield f"alert {message.id} was not applied"
        if message.kind == "alert" and message.resident not in books.store.cases:
            yield f"{message.resident}: an alert and no case"


def moving(books: Books) -> Iterator[str]:
    """A step that waits has a deadline; one that does not was ended by something."""
    cases = {case.id: case for case in (*books.store.earlier.values(), *books.store.cases.values())}
    fired = {(each.what.case, each.what.step) for each in books.seen.deadlines}
    for case in cases.values():
        for step in case.steps if case.open else ():
            waits = step.state in (StepState.SENT, StepState.PENDING, StepState.HELD, StepState.PROPOSED)
            if waits and f"{case.id}|{step.id}" not in books.store.deadlines:
                yield f"{case.id} {step.id}: {step.state.value}, with neither an end nor a deadline"
    for dispatch in books.dispatches.values():
        of = cases.get(dispatch.case)
        asked = next((step for step in of.steps if step.id == dispatch.step), None) if of else None
        if of is None or asked is None or asked.attempt < dispatch.attempt:
            yield f"{dispatch.id}: dispatched, and its case does not know of it"
        elif asked.attempt > dispatch.attempt:
            continue  # a later decision has ended it: an operator's report, say
        elif asked.state is not StepState.SENT and not (
            asked.results or of.settled or of.outcome or (of.id, asked.id) in fired
        ):
            yield f"{dispatch.id}: ended by nothing"


def known(books: Books) -> Iterator[str]:
    """Nobody is contacted without a dispatch, and no channel contradicts itself."""
    for name in sorted({contact.dispatch for contact in books.contacts} - books.dispatches.keys()):
        yield f"{name}: contacted without a dispatch"
    for name, results in books.seen.reports.items():
        if len(results & SPOKEN) > 1:
            yield f"{name}: reported as {_told(results)}"


def no_fork(books: Books) -> Iterator[str]:
    """A case's versions are 1 to n, each with one content, and its level rises unless somebody lowered it by name.

    All must be equal but the commit: inputs may be decided twice, in batches that are cut differently. A worker commits
    some on a primary and publishes a part of them; a replica without that commit is promoted, and its first batch is
    of the same inputs and those that came since. The order of the inputs is the same, so the decisions, their ids and
    their dispatches are. The part proves nothing, and a reader drops an event that it knows, or has the same twice.
    """
    versions: defaultdict[str, dict[int, CaseEvent]] = defaultdict(dict)
    for event in (each.what for each in books.seen.events):
        known = versions[event.case.id].setdefault(event.case.version, event)
        if event.model_copy(update={"commit": known.commit}) != known:
            yield f"{event.case.id}: two events of version {event.case.version}"
    for name, story in versions.items():
        if sorted(story) != list(range(1, len(story) + 1)):
            yield f"{name}: versions {sorted(story)}"
        for number in sorted(story)[1:]:
            before, after = story.get(number - 1, story[number]), story[number]
            allowed = any(fact.kind in (FactKind.LEVEL_LOWERED, FactKind.REOPENED) for fact in after.facts)
            if after.case.level.rank < before.case.level.rank and not allowed:
                yield f"{name}: its level fell by itself in version {number}"


def one_open_case(books: Books) -> Iterator[str]:
    """A resident's next case is opened when the one before is closed."""
    latest: dict[str, CaseEvent] = {}
    events = (each.what for each in books.seen.events)
    for event in sorted(events, key=lambda event: (event.partition, event.offset, event.case.version)):
        before = latest.get(event.case.resident)
        if before and before.case.number < event.case.number and before.case.open:
            yield f"{event.case.id}: opened while {before.case.id} was open"
        if before is None or before.case.number <= event.case.number:
            latest[event.case.resident] = event


def nothing_after_settled(books: Books) -> Iterator[str]:
    """Once a resident is dissuaded or cleared, and Kafka knows it, nothing of the plan reaches him."""
    stories: defaultdict[str, dict[int, Arrived[CaseEvent]]] = defaultdict(dict)
    for each in books.seen.events:
        stories[each.what.case.id].setdefault(each.what.case.version, each)
    for contact in books.contacts:
        dispatch = books.dispatches.get(contact.dispatch)
        if dispatch is None or dispatch.action in AFTER_SETTLED or contact.dispatch in books.delayed:
            continue
        # A request that its provider held up was sent before.
        at = books.wall(datetime.fromisoformat(contact.at)) - books.held_up.get(contact.dispatch, 0.0)
        if _was_settled(at, stories[dispatch.case].values()):
            yield f"{contact.dispatch}: contacted at {contact.at}, settled before"


def _was_settled(at: float, story: Iterable[Arrived[CaseEvent]]) -> bool:
    """Whether a case stood settled from well before a moment until then."""
    told: list[tuple[float, Case]] = sorted(
        ((each.at, each.what.case) for each in story if each.at <= at), key=lambda each: each[1].version
    )
    since = [case.version for published, case in told if published <= at - ON_ITS_WAY][-1:]
    return bool(since) and all(case.settled for _, case in told if case.version >= since[0])


def _told(results: Iterable[Result]) -> str:
    return ", ".join(sorted(result.value for result in results))


def sealed(books: Books) -> Iterator[str]:
    """Where there is a vault, nothing on a resident's topics tells of a person to who has no keys."""
    for topic, count in books.seen.bare.items():
        yield f"{topic}: {count} records tell of a person and are not sealed"


def told_as_lost(books: Books) -> Iterator[str]:
    """Only records of residents whose keys were lost are refused for want of a key."""
    for name, resident in books.seen.aside.items():
        if resident not in books.keyless:
            yield f"{name}: refused for want of a key, which {resident} has"


LAWS: dict[str, tuple[Callable[[Books], Iterable[str]], ...]] = {
    "warnings_lost": (reached, alerts_have_cases),
    "warnings_twice": (contacted_once,),
    "deadlines_late": (late,),
    "conservation_broken": (conserved,),
    "open_cases_twice": (one_open_case,),
    "contacts_after_dissuaded": (nothing_after_settled,),
    "stuck_cases": (moving,),
    "orders_unapproved": (no_order_unapproved,),
    "orders_twice": (no_order_twice,),
    "": (known, arrived_messages, told_truly, no_fork, folded, applied_and_published, sealed, told_as_lost),
}
