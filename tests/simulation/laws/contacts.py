"""Laws of the contacts, by the providers' own book: nobody twice, nobody by nothing, every doubt counted."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import orjson

from domain.dispatches.validity import AFTER_SETTLED
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.levels import Result
from tests.simulation.laws.known import ANSWERED_THERE, Arrived, Known, known
from tests.simulation.laws.observed import Contact, Observed, Promise, Request


def nobody_twice(observed: Observed) -> Iterator[str]:
    """One contact by each dispatch, one dispatch for each attempt at a step, and nobody by a dispatch of nothing."""
    here = known(observed)
    yield from _by_one_dispatch(here)
    yield from _by_one_attempt(here)
    yield from _by_an_attempt_denied(here)
    yield from _by_nothing(here)


def _by_one_dispatch(here: Known) -> Iterator[str]:
    for name, contacts in sorted(here.acted.items()):
        promise = here.observed.kinds[contacts[0].channel]
        if len(contacts) == 1 or (promise is Promise.NEITHER and here.in_doubt(name)) or _may_act_again(here, name):
            continue
        counted = " and counted nowhere as in doubt" if promise is Promise.NEITHER else ""
        yield (
            f"{_words(here, name)}: the {promise.value} provider of {contacts[0].channel} carried it out "
            f"{len(contacts)} times, at {here.times(contacts)}{counted}"
        )


def _may_act_again(here: Known, name: str) -> bool:
    """Whether the provider could not tell a repeated request, by one of the cases that docs/reliability.md names: it
    answers queries, and each earlier request was still under way when the next one was sent, because Redis went back or
    its worker was frozen past the lease.
    """
    sent = here.sent.get(name, [])
    return (
        len(sent) > 1
        and here.observed.kinds[sent[0].channel] is Promise.ASKABLE
        and all(
            before.ended > again.at and (_went_back(here, before, again) or _frozen_past_lease(here, before, again))
            for before, again in pairwise(sent)
        )
    )


def _went_back(here: Known, before: Request, again: Request) -> bool:
    lost = (trouble.began for trouble in here.observed.troubles if trouble.who == "redis")
    return any(before.at <= at <= min(again.at, before.ended) for at in lost)


def _frozen_past_lease(here: Known, before: Request, again: Request) -> bool:
    lease = here.observed.tolerances.lease
    return again.at - before.at > lease and any(
        trouble.who == before.worker and trouble.began <= before.at + lease / 2 and trouble.ended > again.at
        for trouble in here.observed.troubles
    )


def _by_one_attempt(here: Known) -> Iterator[str]:
    for (case, step), made in here.attempts():
        by_attempt: defaultdict[int, list[str]] = defaultdict(list)
        for each in made:
            by_attempt[each.attempt].append(each.text)
        for attempt, names in by_attempt.items():
            if len(names) > 1:
                yield f"case {case}, step {step}, attempt {attempt} was carried out as {' and as '.join(names)}"


def _by_an_attempt_denied(here: Known) -> Iterator[str]:
    """An attempt that was reported as not sent, and was: the next one contacts the resident once more, uncounted."""
    for (case, step), made in here.attempts():
        for before, after in pairwise(made):
            if before.attempt < after.attempt and here.denied(before.text):
                yield (
                    f"case {case}, step {step}: attempt {before.attempt} was reported as {_told(here, before.text)}, "
                    f"but the provider has carried it out, at {here.times(here.acted[before.text])}; "
                    f"attempt {after.attempt} was carried out as well, at {here.times(here.acted[after.text])}"
                )


def _by_nothing(here: Known) -> Iterator[str]:
    for name, contacts in sorted(here.requests.items()):
        if name not in here.expected:
            yield (
                f"the provider of {contacts[0].channel} was asked at {here.times(contacts)} to carry out {name}, "
                "which no input leads to"
            )
    for name, there in sorted(here.dispatched.items()):
        if name not in here.expected:
            yield f"dispatch {name} is at {there[0].place}, and no input leads to it"


def one_result(observed: Observed) -> Iterator[str]:
    """A channel does not contradict itself: of sent, failed and not sent it reports one."""
    here = known(observed)
    for name in sorted(here.results):
        told = {Result.SENT if each in ANSWERED_THERE else each for each in here.reported(name) - {Result.IN_DOUBT}}
        if len(told) > 1:
            yield f"{_words(here, name)} was reported as {_told(here, name)}: only one of these can be true"


def counted_doubts(observed: Observed) -> Iterator[str]:
    """Where a resident may be contacted twice, the dispatch is counted as in doubt."""
    here = known(observed)
    for name, contacts in sorted(here.acted.items()):
        if here.denied(name):
            yield (
                f"{_words(here, name)} was reported as {_told(here, name)}, but the provider of "
                f"{contacts[0].channel} has carried it out, at {here.times(contacts)}: the next attempt is a second "
                "contact that nothing counts"
            )
    for name, asked in sorted(here.requests.items()):
        unsafe = here.observed.kinds[asked[0].channel] is Promise.NEITHER
        if unsafe and len(asked) > 1 and not here.in_doubt(name):
            yield (
                f"{_words(here, name)} was sent to a provider of {asked[0].channel} that does not recognise a repeat "
                f"{len(asked)} times, at {here.times(asked)}, and is counted nowhere as in doubt"
            )


def no_needless_doubts(observed: Observed) -> Iterator[str]:
    """One request for each dispatch, and no doubt, unless something went wrong.

    The lease keeps this law: while one worker has a dispatch, no other sends it or takes it for interrupted. What may
    go wrong: an earlier request got no clear answer; the worker that sent it was killed, frozen, or cut off from Redis
    or Kafka; Redis lost data, had two primaries, or its clock was set. A rebalance is no excuse.
    """
    here = known(observed)
    for name, sent in sorted(here.sent.items()):
        for number, again in enumerate(sent[1:], 1):
            if not _caused(here, sent[:number], again.at):
                first = sent[number - 1]
                yield (
                    f"{_words(here, name)} was sent by {first.worker} at {here.time(first.at)} and again by "
                    f"{again.worker} at {here.time(again.at)}, though nothing went wrong in between"
                )
    for name, at in sorted(here.doubts.items()):
        if not _caused(here, [each for each in here.sent.get(name, ()) if each.at <= at], at, name):
            yield (
                f"{_words(here, name)} was reported as in doubt at {here.time(at)}, though nothing went wrong that "
                "leaves its outcome unknown"
            )


def _caused(here: Known, before: Sequence[Request], until: float, name: str = "") -> bool:
    """Whether something explains that the outcome of the requests `before` is unknown at `until`.

    Where no request left a worker, one may have died or been frozen just before it: then the trouble of any counts,
    since the dispatch `name` could be decided on.
    """
    if any(not request.clear and request.ended <= until for request in before):
        return True
    if before:
        who: set[str] | None = {"redis", *(request.worker for request in before)}
        since = before[0].at - here.observed.tolerances.lease
    else:
        who, since = None, here.decided_at(name)
    return any(
        (who is None or trouble.who in who) and trouble.began <= until and trouble.ended >= since
        for trouble in here.observed.troubles
    )


def _state(raw: str) -> str | None:
    """How far a dispatch has come by its entry in the book, before which a fence may stand; None: claimed at most."""
    _, brace, entry = raw.partition("{")
    return str(orjson.loads(brace + entry).get("state")) if brace else None


def doubts_resolved(observed: Observed) -> Iterator[str]:
    """What the store marks as being sent, or as perhaps sent, has its report when there was time for one."""
    here = known(observed)
    for partition in range(observed.partitions):
        store = observed.store(partition)
        for name, raw in sorted(store.dispatches.items()):
            state = _state(raw)
            if state not in (None, "done") and _overdue(here, name):
                yield f"{_words(here, name)} stands as `{state}` in the store, and no channel has reported it"
        for name in sorted(store.unsure):
            if _overdue(here, name):
                yield f"{_words(here, name)} stands as unsure in the store, and no channel has found out its end"


def _overdue(here: Known, name: str) -> bool:
    """Whether its channel has had the time to report it, and has not."""
    there = here.dispatched.get(name, [])
    since = max([here.observed.whole_at, *(each.at for each in there[:1])])
    return not here.reported(name) and here.observed.ended_at > since + here.observed.tolerances.report


def nothing_after_settled(observed: Observed) -> Iterator[str]:
    """Once a resident is dissuaded or cleared, and the journal says so, nothing more of the plan is sent.

    A channel may have looked just before (`Tolerances.on_its_way`), and a worker that was frozen in between, or whose
    request was held up on its way, may have looked before that (`Observed.stalls`).
    """
    here = known(observed)
    for name, contacts in sorted(here.acted.items()):
        expected = here.expected.get(name)
        if expected is None or expected.dispatch.action in AFTER_SETTLED:
            continue
        story = here.stories.get(expected.dispatch.case, [])
        for contact in contacts:
            looked = looked_at(observed, contact)
            if settled := stood_since(story, looked, contact.at, lambda case: case.settled):
                yield (
                    f"{expected.words} was carried out at {here.time(contact.at)}, but the resident is "
                    f"{settled.what.case.state.value} since {here.time(settled.at)} ({settled.place}, input "
                    f"case-inputs/{settled.what.partition}/{settled.what.offset})"
                )


def looked_at(observed: Observed, contact: Contact) -> float:
    """When the channel may have looked at the case for the last time."""
    on_its_way = observed.tolerances.on_its_way
    stalled = [began for began, ended in observed.stalls if began <= contact.at <= ended + on_its_way]
    return min([contact.at, *stalled]) - on_its_way


def stood_since(
    story: list[Arrived[CaseEvent]], looked: float, at: float, ended: Callable[[Case], bool]
) -> Arrived[CaseEvent] | None:
    """The event since which the case stood as `ended` says, from before the channel looked until the contact."""
    told = [each for each in story if each.at <= at]
    before = [number for number, each in enumerate(told) if each.at <= looked]
    if not before or not all(ended(each.what.case) for each in told[before[-1] :]):
        return None
    first = before[-1]
    while first > 0 and ended(told[first - 1].what.case):
        first -= 1
    return told[first]


def _words(here: Known, name: str) -> str:
    return here.expected[name].words if name in here.expected else f"dispatch {name}"


def _told(here: Known, name: str) -> str:
    told = sorted(result.value.replace("_", " ") for result in here.results.get(name, ()))
    return " and as ".join(told) or "nothing"
