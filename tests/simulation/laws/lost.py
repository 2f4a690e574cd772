"""Laws of what must be there: every accepted signal, every alert, every decision, every dispatch."""

from collections import Counter
from collections.abc import Iterator

import orjson

from schemas.levels import Action, Level, Result
from tests.simulation.laws.known import Known, known
from tests.simulation.laws.model import CASE_INPUTS, OUTSIDE_INPUTS
from tests.simulation.laws.observed import AcceptedSignal, Observed
from tests.simulation.laws.signals import Required


def nothing_lost(observed: Observed) -> Iterator[str]:
    """What was accepted is on its topic, has led to its alert, its case, its dispatch, and its contact or report."""
    here = known(observed)
    yield from _signals(here)
    yield from _reports(here)
    yield from _alerts(here)
    yield from _refused(here)
    yield from _events(here)
    yield from _dispatches(here)
    yield from _carried_out(here)


def _signals(here: Known) -> Iterator[str]:
    there = {(*item.place, item.number): item.signal.uid for item in here.signals.items}
    refused = {place for lane in here.signals.lanes.values() for place in lane.refused}
    for signal in here.observed.accepted:
        found = there.get((signal.topic, signal.partition, signal.offset, signal.item))
        if found != signal.uid and not _is_refused(signal, refused):
            yield (
                f"signal {signal.uid} of {signal.source}, accepted at {here.time(signal.at)}, is not at "
                f"{signal.place}, where its acknowledgement said it is"
            )


def _is_refused(signal: AcceptedSignal, refused: set[str]) -> bool:
    return signal.place in refused or signal.place.rpartition("/")[0] in refused


def _reports(here: Known) -> Iterator[str]:
    """What a party outside reported has become an input of its case."""
    passed_on = {given.what.id for given in here.given}
    for partition, record in here.observed.topic(OUTSIDE_INPUTS):
        name = orjson.loads(record.value or b"{}").get("id")
        if name not in passed_on:
            yield f"report {name} ({OUTSIDE_INPUTS}/{partition}/{record.offset}) is not on {CASE_INPUTS}"


def _alerts(here: Known) -> Iterator[str]:
    """Evidence that reaches a level has become an alert of it, and an alert a case."""
    told: dict[str, list[Level]] = {}
    for _, alert in here.alerts:
        told.setdefault(alert.resident, []).append(alert.danger.level)
    for resident, required in _required(here).items():
        most = max((level.rank for level in told.get(resident, ())), default=0)
        if most < required.level.rank:
            what = f"{len(told[resident])} alerts of lower levels" if resident in told else "no alert"
            yield (
                f"resident {resident}: the signals {', '.join(required.uids)} together make {required.level.value}, "
                f"but case-inputs has {what} of it: a signal was lost in screening"
            )
    cases = {resident for each in here.folds for resident in here.observed.store(each.partition).cases}
    for given, alert in here.alerts:
        if alert.resident not in cases:
            yield f"alert {alert.id} ({given.place}, at {here.time(given.at)}) has no case in the store"


def _required(here: Known) -> dict[str, Required]:
    rules = {policy.hash: policy.risk for each in here.folds for policy in each.policies_used.values()}
    settled = {resident: at for each in here.folds for resident, at in each.settled.items()}
    return here.signals.required(list(rules.values()), settled)


def _refused(here: Known) -> Iterator[str]:
    """What cannot be read lies among the dead letters, and nothing else of these topics does."""
    wanted = {f"{CASE_INPUTS}/{each.partition}/{offset}" for each in here.folds for offset in each.refused}
    wanted |= {place for lane in here.signals.lanes.values() for place in lane.refused}
    for place in sorted(wanted - here.letters):
        yield f"{place} was refused, and is not among the dead letters"
    ours = (CASE_INPUTS, "signals", "signals-urgent")
    for place in sorted(here.letters - wanted):
        if place.partition("/")[0] in ours:
            yield f"{place} lies among the dead letters, though nothing is wrong with it"


def _events(here: Known) -> Iterator[str]:
    published = {each.what.id for each in here.published}
    for event in here.events.values():
        if event.id not in published:
            yield (
                f"input {event.input} ({CASE_INPUTS}/{event.partition}/{event.offset}, {event.input_kind}) makes "
                f"version {event.case.version} of case {event.case.id}, and the journal has no event of it"
            )
    entries = {(each.partition, each.what.input) for each in here.journal}
    for (partition, name), entry in here.standing.items():
        if (partition, name) not in entries:
            yield f"input {name} ({CASE_INPUTS}/{partition}/{entry.offset}) changes the rules: the journal lacks it"


def _dispatches(here: Known) -> Iterator[str]:
    """Every dispatch is on its channel's topic, in its resident's partition, as it was decided."""
    for name, expected in here.expected.items():
        there = here.dispatched.get(name, [])
        right = [each for each in there if (each.topic, each.partition) == (expected.topic, expected.event.partition)]
        if not there:
            yield f"{expected.words} is not on {expected.topic}: no channel knows of it"
        elif not right:
            yield f"{expected.words} belongs on {expected.topic}/{expected.event.partition}, but is at {there[0].place}"
        for each in there:
            if each.what != expected.dispatch:
                yield f"{expected.words} says something else at {each.place} than what was decided"


def _carried_out(here: Known) -> Iterator[str]:
    """Its channel reports each dispatch in time; what was reported as sent is in the provider's book."""
    tolerances = here.observed.tolerances
    for name, there in sorted(here.dispatched.items()):
        if name not in here.expected:
            continue
        first = min(each.at for each in there)
        until = max(first, here.observed.whole_at) + tolerances.report
        reported, words = here.reported(name), here.expected[name].words
        if not reported and here.observed.ended_at > until:
            sent = ", though its provider was asked to send it" if name in here.requests else ""
            yield f"{words} is on {there[0].place} since {here.time(first)}, and no channel has reported it{sent}"
        on_the_desk = there[0].what.action is Action.OPERATOR_CALL
        if Result.SENT in reported and not on_the_desk and name not in here.acted:
            yield f"{words} was reported as sent, and no provider has carried it out"


def conservation(observed: Observed) -> Iterator[str]:
    """By source: each signal on the lanes has exactly one outcome, and what was refused is counted as that."""
    here = known(observed)
    there, kept, refused = _on_the_lanes(here)
    counted, dead = _counted(observed)
    may_be_gone = bool(observed.lost_at)  # of what retention deleted, a store built anew knows nothing
    for source in sorted(there.keys() | counted.keys()):
        least = kept[source] if may_be_gone else there[source]
        if not least <= counted[source] <= there[source]:
            yield f"source {source}: {there[source]} signals are on the lanes, and {counted[source]} have an outcome"
        elif not may_be_gone and dead[source] != refused[source]:
            yield f"source {source}: {refused[source]} signals are refused, {dead[source]} are counted as dead-lettered"


def _on_the_lanes(here: Known) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """By source: all signals, those that retention has left, those that are refused."""
    there: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for (topic, partition), lane in here.signals.lanes.items():
        begin = here.observed.begin(topic, partition)
        there.update(lane.counted)
        refused.update(lane.refused.values())
        kept.update(item.signal.source for item in lane.items if item.place[2] >= begin)
        kept.update(source for place, source in lane.refused.items() if int(place.split("/")[2]) >= begin)
    return there, kept, refused


def _counted(observed: Observed) -> tuple[Counter[str], Counter[str]]:
    counted: Counter[str] = Counter()
    dead: Counter[str] = Counter()
    for partition in range(observed.partitions):
        for name, number in observed.store(partition).tally.items():
            source, bar, outcome = name.partition("|")
            if bar:
                counted[source] += number
                dead[source] += number if outcome == "dead_lettered" else 0
    return counted, dead
