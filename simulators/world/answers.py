"""What carriers, banks and stations ask of the province's people, answered as the providers take it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.casework.inputs import BankState
from schemas.levels import Result
from simulators.providers.bank import Stopping
from simulators.providers.carrier import Ringing
from simulators.providers.station import Errand, Stage
from simulators.world.contacts import Contacts


class Answers:
    """Each method is a provider's behaviour."""

    def __init__(self, contacts: Contacts, guest: str | None = None) -> None:
        """`guest`: the officer who is not simulated."""
        self._contacts, self._guest = contacts, guest

    async def telephone(self, ringing: Ringing, now: datetime) -> Sequence[tuple[timedelta, Result]]:
        """What comes of a message or a call; nothing at all when no receipt ever comes."""
        answer = self._contacts.answer(ringing.dispatch, ringing.action, now)
        return [] if answer.result is None else [(answer.after, answer.result)]

    async def bank(self, stopping: Stopping, now: datetime) -> Sequence[tuple[timedelta, BankState, int]]:
        """What the payee's bank tells of a stop."""
        answers = self._contacts.bank(stopping.dispatch, stopping.action, stopping.account, stopping.transfer, now)
        return [(answer.after, answer.state, answer.amount_fen) for answer in answers]

    async def visit(self, errand: Errand, now: datetime) -> Sequence[Stage]:
        """What the officer reports on the way and at the door; the guest tells it himself."""
        if errand.officer == self._guest:
            return []
        return [
            Stage(each.after, each.stage, each.outcome, each.checklist)
            for each in self._contacts.visit(errand.dispatch, now)
        ]
