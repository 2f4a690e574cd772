"""The province's people at the other end of the providers: who answers, what the bank finds, what the officer sees."""

from datetime import datetime
from typing import TypedDict

from simulators.contacts import Contacts
from simulators.providers.bank import Deciding, Feedback, Stopping
from simulators.providers.carrier import Answering, Answers, Ringing
from simulators.providers.station import Errand, Stage, Visiting


class Behaviours(TypedDict):
    """What `running` takes."""

    answer: Answering
    decide: Deciding
    visit: Visiting


def behaviours(contacts: Contacts) -> Behaviours:
    """The province's people, for `running(…, **behaviours(contacts))`."""

    async def answer(ringing: Ringing, now: datetime) -> Answers:
        found = contacts.answer(ringing.dispatch, ringing.action, now)
        return [(found.after, found.result)] if found.result else []

    async def decide(stopping: Stopping, now: datetime) -> Feedback:
        asked = contacts.bank(stopping.dispatch, stopping.action, stopping.account, stopping.transfer, now)
        return [(each.after, each.state, each.amount_fen) for each in asked]

    async def visit(errand: Errand, now: datetime) -> list[Stage]:
        reports = contacts.visit(errand.dispatch, now)
        return [Stage(each.after, each.stage, each.outcome, each.checklist) for each in reports]

    return Behaviours(answer=answer, decide=decide, visit=visit)
