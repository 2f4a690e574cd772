"""The law of answers: what was never sent cannot be answered, whoever says so."""

from collections.abc import Iterator

from domain.dispatches.ids import parts_of
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import BankFeedback, CaseInput, ContactResult, OwnHoldAnswer
from schemas.levels import Result
from tests.simulation.laws.known import FROM_CHANNELS, Known, known
from tests.simulation.laws.observed import Observed

MONEY = ("payments", "traced", "kept", "frozen", "returned", "frozen_beyond", "returned_beyond", "own_holds")


def answers_only_what_was_sent(observed: Observed) -> Iterator[str]:
    """An answer to a dispatch that no earlier input led to changes neither the money of its case nor its step.

    Whether a dispatch was sent is read from the decisions, not from the state of its step.
    """
    here = known(observed)
    for fold in here.folds:
        latest: dict[str, Case] = {}
        for event in fold.events.values():
            before, latest[event.case.id] = latest.get(event.case.id), event.case
            given = _answer(here, event)
            if before is None or given is None or _sent_before(here, given, event):
                continue
            if changed := _changed(given, before, event.case):
                yield (
                    f"{given.kind} {given.id} (case-inputs/{event.partition}/{event.offset}) answers dispatch "
                    f"{given.dispatch}, which was not sent before, and changes {', '.join(changed)} of case "
                    f"{event.case.id}"
                )


Answer = BankFeedback | OwnHoldAnswer | ContactResult


def _answer(here: Known, event: CaseEvent) -> Answer | None:
    """The answer of a party outside that an event tells of; None: another input."""
    given: CaseInput | None = here.inputs.get((event.partition, event.offset))
    if isinstance(given, ContactResult):
        return None if given.result in FROM_CHANNELS else given
    return given if isinstance(given, BankFeedback | OwnHoldAnswer) else None


def _sent_before(here: Known, given: Answer, event: CaseEvent) -> bool:
    """Whether an earlier input led to the dispatch; True also for a dispatch that is none of a case's step."""
    expected = here.expected.get(given.dispatch)
    if expected is None:
        return parts_of(given.dispatch) is None
    return expected.event.offset < event.offset


def _changed(given: Answer, before: Case, after: Case) -> list[str]:
    """What the answer changed: results of its step, and the money. A step that falls due at that moment goes out."""
    fields = [name for name in MONEY if getattr(before, name) != getattr(after, name)]
    return fields + ["results"] * (_results(given, before) != _results(given, after))


def _results(given: Answer, case: Case) -> list[Result]:
    parts = parts_of(given.dispatch)
    return next((step.results for step in case.steps if parts and step.id == parts.step), [])
