"""The law of the question a week later and of the reminder: each once, and only to who stands as dissuaded, without a
loss.
"""

from collections.abc import Callable, Iterator

from domain.policy.schedule import WEEK_QUESTIONS, may_ask_after_week, may_remind
from schemas.casework.cases import Case, StepState
from schemas.levels import Action
from tests.simulation.laws.contacts import looked_at, stood_since
from tests.simulation.laws.known import known
from tests.simulation.laws.observed import Observed


def asked_once_while_dissuaded(observed: Observed) -> Iterator[str]:
    """The question is put by one step of a case, the reminder is sent by one, and neither once the resident is in
    danger again, has lost money, is no longer dissuaded or wants no messages, and the journal says so.

    One that reached nobody and was withdrawn, because the resident was in danger again, may be made again once they are
    dissuaded again.
    """
    here = known(observed)
    steps: dict[tuple[str, bool], str] = {}
    asks = {
        name: expected
        for name, expected in here.expected.items()
        if name in here.acted and expected.dispatch.action in WEEK_QUESTIONS | {Action.REMINDER}
    }
    for name, expected in sorted(asks.items(), key=lambda each: each[1].event.case.version):
        contacts = here.acted[name]
        case, step = expected.dispatch.case, expected.dispatch.step
        reminds = expected.dispatch.action is Action.REMINDER
        may = may_remind if reminds else may_ask_after_week
        before, steps[case, reminds] = steps.get((case, reminds), step), step
        if before != step and _state_of(before, expected.event.case) is not StepState.WITHDRAWN:
            yield f"{expected.words} {'reminds' if reminds else 'asks'} again after {before}"
        story = here.stories.get(case, [])

        def may_not(case: Case, may: Callable[[Case], bool] = may) -> bool:
            return not may(case)

        for contact in contacts:
            looked = looked_at(observed, contact)
            if ended := stood_since(story, looked, contact.at, may_not):
                yield (
                    f"{expected.words} was carried out at {here.time(contact.at)}, but the resident may not be asked "
                    f"since {here.time(ended.at)} ({ended.place}, input "
                    f"case-inputs/{ended.what.partition}/{ended.what.offset})"
                )


def _state_of(step: str, case: Case) -> StepState | None:
    return next((each.state for each in case.steps if each.id == step), None)
