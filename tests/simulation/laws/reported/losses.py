"""The law of losses: once the resident was defrauded, and the journal says so, only what may follow a loss is sent."""

from collections.abc import Iterator

from schemas.casework.cases import CaseState
from schemas.levels import Action
from tests.simulation.laws.contacts import looked_at, stood_since
from tests.simulation.laws.known import known
from tests.simulation.laws.observed import Observed

MAY_FOLLOW = frozenset(
    {
        *(Action.STOP_PAYMENT, Action.STOP_AGAIN, Action.STOP_STATUS, Action.STOP_RELEASE),
        *(Action.HOLD_OUTGOING, Action.LIFT_HOLD, Action.SUPPORT_CALL, Action.FOLLOW_UP, Action.HAND_OVER),
    }
)
"""What may be sent after a loss: the money may still be stopped, the resident be called once more, and another province
asked or told. No warning, no visit, no message to a trusted contact.
"""


def only_what_follows_a_loss(observed: Observed) -> Iterator[str]:
    """While a case stands as defrauded, nothing of its plan is sent but what may follow a loss."""
    here = known(observed)
    for name, contacts in sorted(here.acted.items()):
        expected = here.expected.get(name)
        if expected is None or expected.dispatch.action in MAY_FOLLOW:
            continue
        story = here.stories.get(expected.dispatch.case, [])
        for contact in contacts:
            looked = looked_at(observed, contact)
            lost = stood_since(story, looked, contact.at, lambda case: case.state is CaseState.ALREADY_DEFRAUDED)
            if lost:
                yield (
                    f"{expected.words} was carried out at {here.time(contact.at)}, but the resident stands as "
                    f"defrauded since {here.time(lost.at)} ({lost.place}, input "
                    f"case-inputs/{lost.what.partition}/{lost.what.offset})"
                )
