"""Connects the providers' questions to the province's simulated people."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.casework.inputs import BankState
from schemas.levels import Result
from simulators.providers.bank import Stopping
from simulators.providers.carrier import Ringing
from simulators.providers.station import Errand, Stage
from simulators.world.contacts import Contacts


class Answers:
    """The behaviours for the providers, one method each."""

    def __init__(self, contacts: Contacts, guest: str | None = None) -> None:
        """`guest`: the officer who is not simulated."""
        self._contacts, self._guest = contacts, guest

    async def telephone(self, ringing: Ringing, now: datetime) -> Sequence[tuple[timedelta, Result]]:
        """Return the results of a message or call; empty if no receipt ever comes."""
        answer = self._contacts.answer(ringing.dispatch, ringing.action, now)
        return [] if answer.result is None else [(answer.after, answer.result)]

    async def bank(self, stopping: Stopping, now: datetime) -> Sequence[tuple[timedelta, BankState, int]]:
        """Return the bank's feedback to a stop: after how long, which state, and how much (fen)."""
        answers = self._contacts.bank(stopping.dispatch, stopping.action, stopping.account, stopping.transfer, now)
        return [(answer.after, answer.state, answer.amount_fen) for answer in answers]

    async def visit(self, errand: Errand, now: datetime) -> Sequence[Stage]:
        """Return the officer's reports; empty for the guest, who reports themselves."""
        if errand.officer == self._guest:
            return []
        return [
            Stage(each.after, each.stage, each.outcome, each.checklist)
            for each in self._contacts.visit(errand.dispatch, now)
        ]
