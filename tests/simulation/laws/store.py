"""Laws of the store at the end: it is what the inputs make, and nothing in it stands still."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from domain.casework import awaited, deadlines
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case, StepState
from schemas.casework.inputs import Hold
from schemas.risk.evidence import PriorLoss
from tests.simulation.laws.known import Known, known
from tests.simulation.laws.model import CASE_INPUTS, Fold, milliseconds, some
from tests.simulation.laws.observed import Observed, Store
from tests.simulation.laws.signals import LANES

APPLIED_KEPT = timedelta(days=9)  # the store forgets older inputs, and older cases that another has followed
EARLIER_KEPT = timedelta(days=120)
LIVE = (StepState.PENDING, StepState.HELD, StepState.PROPOSED, StepState.SENT)
LONGEST = 120  # characters of a value that is told


def store_equals_fold(observed: Observed) -> Iterator[str]:
    """Key by key, each partition's store is what the model makes of the inputs. A lost store: see `not_stuck`."""
    here = known(observed)
    for fold in here.folds:
        store = observed.store(fold.partition)
        if store.offset is None:
            continue
        for words in _different(here, fold, store):
            yield f"partition {fold.partition}: {words} (the store stands at {CASE_INPUTS}/{store.offset})"


def _different(here: Known, fold: Fold, store: Store) -> Iterator[str]:
    yield from _cases("case of", fold.cases, store.cases)
    yield from _cases("earlier case", _remembered(here, fold, store), store.earlier)
    yield from _values("deadline of", fold.deadlines(), store.deadlines)
    yield from _values("place in the queue of", fold.queue(), store.queue)
    yield from _members("as held", fold.held(), store.held)
    yield from _members("as awaited", _awaited(fold), store.awaited)
    yield from _values("sum of money", fold.ledger(), some(store.ledger))
    yield from _values("change in the books", fold.books(), some(store.books))
    yield from _values("count", fold.counts(), some(store.counts))
    yield from _values("time when last settled of", _moments(fold.settled), _read_moments(store.settled))
    yield from _values("loss that shields", fold.lost(), _read_losses(store.lost))
    yield from _members("as applied", *_applied(here, fold, store))
    yield from _rules(fold, store)


def _cases(what: str, model: Mapping[str, Case], store: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(model.keys() | store.keys()):
        if name not in store:
            yield f"{what} {name} is not stored: it stands at version {model[name].version}"
        elif name not in model:
            yield f"{what} {name} is stored, and no input leads to it"
        elif model[name].model_dump_json() != store[name]:
            stored = Case.model_validate_json(store[name], extra=ANY_VERSION)
            if different := _fields(model[name], stored):
                yield (
                    f"{what} {name} differs in {', '.join(different)}: the inputs give version "
                    f"{model[name].version} ({model[name].state.value}, {model[name].level.value}), the store has "
                    f"version {stored.version} ({stored.state.value}, {stored.level.value})"
                )


def _fields(one: BaseModel, other: BaseModel) -> list[str]:
    return [name for name in type(one).model_fields if getattr(one, name) != getattr(other, name)]


def _values(what: str, model: Mapping[str, object], store: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(model.keys() | store.keys()):
        if model.get(name) != store.get(name):
            told, stored = _short(model.get(name)), _short(store.get(name))
            yield f"{what} {name}: the inputs give {told}, the store has {stored}"


def _short(value: object) -> str:
    return "nothing" if value is None else str(value)[:LONGEST]


def _members(what: str, model: set[str], store: set[str]) -> Iterator[str]:
    for name in sorted(model - store):
        yield f"{name} is not known {what}"
    for name in sorted(store - model):
        yield f"{name} is known {what}, and should not be"


def _remembered(here: Known, fold: Fold, store: Store) -> dict[str, Case]:
    """The earlier cases that must still be there: very old ones may be."""
    oldest = _moment(here.observed.ended_at) - EARLIER_KEPT
    return {name: case for name, case in fold.earlier.items() if case.updated_at > oldest or name in store.earlier}


def _awaited(fold: Fold) -> set[str]:
    """Dispatches that wait for a result; of an earlier case those of its end (a stop that is being lifted)."""
    return fold.awaited() | {name for case in fold.earlier.values() for name in awaited(case)}


def _applied(here: Known, fold: Fold, store: Store) -> tuple[set[str], set[str]]:
    """The ids that must be known, and those that are: very old ones need not be.

    Neither need one that changed nothing and that retention has deleted: where the store was lost, nothing tells of it.
    """
    oldest = _moment(here.observed.ended_at) - APPLIED_KEPT
    begin = here.observed.begin(CASE_INPUTS, fold.partition)
    untold = {name for name, offset in fold.without_effect.items() if offset < begin and here.observed.lost_at}
    needless = untold | {name for name, at in fold.applied.items() if at <= oldest}
    there = set(store.applied)
    return {name for name in fold.applied if name not in needless or name in there}, there


def _rules(fold: Fold, store: Store) -> Iterator[str]:
    if store.state.get("policy", fold.policy.hash) != fold.policy.hash:
        yield f"policy {store.state['policy']} is in force, and should be {fold.policy.hash}"
    holds = {name: Hold.model_validate_json(raw, extra=ANY_VERSION) for name, raw in store.holds.items()}
    yield from _values("hold", fold.holds, holds)


def _moments(settled: Mapping[str, datetime]) -> dict[str, float]:
    return {name: at.timestamp() for name, at in settled.items()}


def _read_moments(settled: Mapping[str, str]) -> dict[str, float]:
    return {name: datetime.fromisoformat(at).timestamp() for name, at in settled.items()}


def _read_losses(lost: Mapping[str, str]) -> dict[str, PriorLoss]:
    return {name: PriorLoss.model_validate_json(raw, extra=ANY_VERSION) for name, raw in lost.items()}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def not_stuck(observed: Observed) -> Iterator[str]:
    """Everything was taken up to its end, everything decided was published, and each open case has a next step."""
    here = known(observed)
    for fold in here.folds:
        yield from _at_the_end(here, fold.partition)
        yield from _next_steps(here, fold)
    yield from _late(here)


def _at_the_end(here: Known, partition: int) -> Iterator[str]:
    store, end = here.observed.store(partition), here.observed.end(CASE_INPUTS, partition)
    if end > 0 and store.offset is None:
        yield f"partition {partition} has no store at the end, though {CASE_INPUTS} has {end} inputs of it"
    elif store.offset is not None and store.offset != end - 1:
        yield f"partition {partition} stands at input {store.offset}, and {CASE_INPUTS} ends at {end - 1}"
    for name in sorted(store.outbox):
        yield f"partition {partition}: {name} is still in the outbox, not known to be published"
    for lane in LANES:
        last = here.observed.end(lane, partition) - 1
        if last >= 0 and store.screened.get(lane, -1) != last:
            yield f"{lane}/{partition} was screened up to {store.screened.get(lane, -1)}, and ends at {last}"


def _next_steps(here: Known, fold: Fold) -> Iterator[str]:
    stored = here.observed.store(fold.partition).deadlines
    for case in fold.cases.values():
        waiting = [step for step in case.steps if step.state in LIVE]
        if case.open and not any(f"{case.id}|{step.id}" in stored for step in waiting):
            yield f"case {case.id} is open ({case.state.value}), and no deadline of it is stored: it never goes on"
            continue
        for step in waiting:
            if f"{case.id}|{step.id}" not in stored:
                what = f"step {step.id} of case {case.id} is {step.state.value}"
                yield f"{what}, and has neither ended nor a deadline that will fire"


def _late(here: Known) -> Iterator[str]:
    """Every deadline fires in time; while faults last, and recovery after them, there is no time."""
    observed = here.observed
    for case, step, due, since, until in _stood(here):
        fell_due = max(due / 1000, since)
        latest = max(fell_due, observed.whole_at) + observed.tolerances.deadline
        acted = min(here.fired.get((case, step, due), until), until)
        if acted > latest:
            how = "fired" if (case, step, due) in here.fired else "had not fired"
            yield (
                f"the deadline of step {step} of case {case} {how} at {here.time(acted)}: it fell due at "
                f"{here.time(fell_due)}, and was owed by {here.time(latest)}"
            )


def _stood(here: Known) -> Iterator[tuple[str, str, float, float, float]]:
    """Each deadline there was: case, step, when due (milliseconds), and from when to when it stood (seconds)."""
    for case, story in sorted(here.stories.items()):
        since: dict[tuple[str, float], float] = {}
        for each in story:
            now = {(step, milliseconds(due)) for step, due in deadlines(each.what.case).items()}
            for name in sorted(since.keys() - now):
                yield case, *name, since.pop(name), each.at
            since |= dict.fromkeys(sorted(now - since.keys()), each.at)
        for name, at in since.items():
            yield case, *name, at, here.observed.ended_at
