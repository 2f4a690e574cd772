"""The law of the question a week later and of the reminder: each once, and only to who stands as dissuaded, without a
loss.
"""

from collections.abc import Callable, Iterator

from domain.policy.schedule import WEEK_QUESTIONS, may_ask_after_week, may_remind
from schemas.casework.cases import Case
from schemas.levels import Action
from tests.simulation.laws.contacts import looked_at, stood_since
from tests.simulation.laws.known import known
from tests.simulation.laws.observed import Observed


def asked_once_while_dissuaded(observed: Observed) -> Iterator[str]:
    """The question is put by one step of a case, the reminder is sent by one, and neither once the resident is in
    danger again, has lost money, is no longer dissuaded or wants no messages, and the journal says so.
    """
    here = known(observed)
    steps: dict[tuple[str, bool], str] = {}
    for name, contacts in sorted(here.acted.items()):
        expected = here.expected.get(name)
        if expected is None or expected.dispatch.action not in WEEK_QUESTIONS | {Action.REMINDER}:
            continue
        case, step = expected.dispatch.case, expected.dispatch.step
        reminds = expected.dispatch.action is Action.REMINDER
        may = may_remind if reminds else may_ask_after_week
        if steps.setdefault((case, reminds), step) != step:
            yield f"{expected.words} {'reminds' if reminds else 'asks'} again after {steps[case, reminds]}"
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
