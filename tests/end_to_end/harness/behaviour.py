"""How telephones, banks and officers of a test behave: what each does is said, what is not said is usual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.casework.acts import OutcomeAct
from schemas.casework.inputs import BankState, VisitStage
from schemas.levels import Action, Channel, Outcome, Result
from simulators.providers.bank import BankSays, Feedback, Stopping
from simulators.providers.carrier import Answers, Ringing
from simulators.providers.station import Errand, Stage

SOON = timedelta(seconds=5)  # until a message's receipt
RINGING = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)
DISSUADED = OutcomeAct(outcome=Outcome.DISSUADED)
NOBODY_ANSWERS: Mapping[Channel, Sequence[Result | None]] = {
    Channel.SMS: (Result.DELIVERED,),
    Channel.PHONE: (Result.NO_ANSWER,),
}


def goes_there(outcome: OutcomeAct = DISSUADED) -> list[Stage]:
    """An officer who accepts, arrives and talks with the resident."""
    return [
        Stage(MINUTE, VisitStage.ACCEPTED),
        Stage(15 * MINUTE, VisitStage.ARRIVED),
        Stage(30 * MINUTE, VisitStage.DONE, outcome),
    ]


def refuses() -> list[Stage]:
    return [Stage(MINUTE, VisitStage.REFUSED)]


@dataclass
class Behaviour:
    """By telephone, by account, by officer. Of several results the last is given again and again; None: no receipt."""

    phones: dict[str, dict[Channel | Action, list[Result | None]]] = field(default_factory=dict)
    delays: dict[str, timedelta] = field(default_factory=dict)  # of a telephone's message receipts
    banks: dict[str, list[BankSays]] = field(default_factory=dict)
    officers: dict[str, list[Stage]] = field(default_factory=dict)

    async def answer(self, ringing: Ringing, now: datetime) -> Answers:
        known = self.phones.get(ringing.phone, {})
        channel = ringing.action.channel
        results = known.get(ringing.action) or known.get(channel) or list(NOBODY_ANSWERS[channel])
        result = results.pop(0) if len(results) > 1 else results[0]
        usual = RINGING if channel is Channel.PHONE else self.delays.get(ringing.phone, SOON)
        return [] if result is None else [(usual, result)]

    async def decide(self, stopping: Stopping, now: datetime) -> Feedback:
        state = BankState.RELEASED if stopping.action is Action.STOP_RELEASE else BankState.IN_FORCE
        return self.banks.get(stopping.account, [BankSays(MINUTE, state, 0)])

    async def visit(self, errand: Errand, now: datetime) -> Sequence[Stage]:
        return self.officers.get(errand.officer, [])
