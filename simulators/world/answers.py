"""Answers the simulated providers' questions with the behaviour of the province's people."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from schemas.channels.receipts import AccountNumber, MovementReceipt
from schemas.levels import Result
from simulators.population.numbers import bank_of
from simulators.providers.bank import BankSays, Feedback, Stopping
from simulators.providers.carrier import Ringing
from simulators.providers.station import Errand, Stage
from simulators.world.contacts import BankAnswer, Contacts
from simulators.world.mules import Moved


class Answers:
    """The behaviour of the province's people for the simulated providers, one method for each provider."""

    def __init__(self, contacts: Contacts, guest: str | None = None) -> None:
        """`guest`: id of the officer whom the user plays; None: all officers are simulated."""
        self._contacts, self._guest = contacts, guest

    async def telephone(self, ringing: Ringing, now: datetime) -> Sequence[tuple[timedelta, Result]]:
        """Return how the telephone's holder reacts to a message or call: a list of pairs (delay after `now`, result),
        the second one a reply; empty if no receipt ever comes. The contact is recorded in the truth and may dissuade
        the resident.
        """
        answer = self._contacts.answer(ringing.dispatch, ringing.action, now)
        told = [each for each in (answer, answer.then) if each is not None]
        return [(each.after, each.result) for each in told if each.result is not None]

    async def bank(self, stopping: Stopping, now: datetime) -> Feedback:
        """Return the bank's messages about a stop, its extension or its release, with delays after `now`; at least one.
        The contact and its effect are recorded in the truth.
        """
        answers = self._contacts.bank(stopping.dispatch, stopping.action, stopping.account, stopping.transfer, now)
        return [_said(stopping, answer) for answer in answers]

    async def visit(self, errand: Errand, now: datetime) -> Sequence[Stage]:
        """Return the officer's reports on a visit, in order of time, with delays after `now`. Empty for the guest,
        whose reports the user makes, and for an officer who does not answer. The visit is recorded in the truth and may
        dissuade the resident.
        """
        if errand.officer == self._guest:
            return []
        return [
            Stage(each.after, each.stage, each.outcome, each.checklist)
            for each in self._contacts.visit(errand.dispatch, now)
        ]


def _said(stopping: Stopping, answer: BankAnswer) -> BankSays:
    bank = bank_of(stopping.account) if answer.onward else None
    return BankSays(answer.after, answer.state, answer.amount_fen, bank, _movements(answer.onward))


def _movements(moved: Iterable[Moved]) -> tuple[MovementReceipt, ...]:
    return tuple(
        MovementReceipt(
            payer=_account(each.payer),
            payee=_account(each.payee) if each.payee else None,
            kind=each.kind,
            amount_fen=each.amount_fen,
            at=each.at,
            sequence=each.sequence,
        )
        for each in moved
    )


def _account(number: str) -> AccountNumber:
    return AccountNumber(bank=bank_of(number), account=number)
