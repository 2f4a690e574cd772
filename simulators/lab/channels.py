"""Channels without providers: carries out dispatches on the simulated people, and yields the reports with their times.

Equivalent to the channels' agents and to streams/channels/channel and receipts, with the same inputs and ids, except
that a number replaces the provider's receipt id. Nothing fails and nothing is slow.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from domain.dispatches.validity import ObsoleteDispatch, validity
from domain.identity.identifiers import reach
from domain.ids import result_id
from domain.policy.messages import WEEK_REPLIES
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.inputs import BankFeedback, BankState, ContactResult, ResidentInput, ResidentReply, VisitStage
from schemas.codes.channels import (
    ChannelCode,
    NobodyOnDuty,
    NoGateway,
    NoTelephone,
    OnTheDesk,
    ProviderAnswered,
    UnknownAccount,
)
from schemas.codes.replies import ReplySender
from schemas.levels import Action, Channel, Result
from schemas.people.residents import Resident
from simulators.lab.officers import Officers, told
from simulators.providers.bank import STOP, Stops
from simulators.providers.base import RefusedError
from simulators.world.contacts import BankAnswer, Contacts, VisitReport

Told = tuple[timedelta, ResidentInput]
"""An input, and how long after the dispatch it arrives."""

_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Channels:
    """Carries out dispatches on the simulated people, without providers.

    `people`: residents by id; `contacts`: how people answer; `officers`: make visits; `accounts`: token -> account
    number; `stops`: the bank's stops in force.
    """

    people: Mapping[str, Resident]
    contacts: Contacts
    officers: Officers
    accounts: Mapping[str, str]
    stops: Stops

    def carry(self, dispatch: Dispatch, case: Case | None, now: datetime) -> Iterator[Told]:
        """Carry out a dispatch at `now`, and yield the inputs that report on it, each as (delay after `now`, input).

        `case`: the resident's latest case, or None. For an obsolete dispatch, the only input is the result NOT_SENT.
        For one that cannot be carried out (no telephone, nobody on duty, an unknown account, an account stopped twice
        already, another province), it is FAILED. Otherwise SENT comes first, with delay 0. Visits are given to an
        officer, whose later reports do not come from here. Raises KeyError if `people` lacks the resident.
        """
        fallen = validity(dispatch, case, now)
        if isinstance(fallen, ObsoleteDispatch):
            yield _result(dispatch, Result.NOT_SENT, now, why=fallen.because)
        else:
            yield from self._ways[dispatch.channel](dispatch, now)

    @property
    def _ways(self) -> Mapping[Channel, Callable[[Dispatch, datetime], Iterator[Told]]]:
        return {
            Channel.SMS: self._contact,
            Channel.PHONE: self._contact,
            Channel.VISIT: self._visit,
            Channel.PAYMENT: self._stop,
            Channel.PROVINCE: self._offer,
        }

    def _contact(self, dispatch: Dispatch, now: datetime) -> Iterator[Told]:
        """Yield the reports about a message or an automated call. An operator's call waits on the desk."""
        if dispatch.action is Action.OPERATOR_CALL:
            yield _result(dispatch, Result.SENT, now, why=OnTheDesk())
            return
        if not self._has_telephone(dispatch, now):
            yield _result(dispatch, Result.FAILED, now, why=NoTelephone())
            return
        yield _result(dispatch, Result.SENT, now)
        answer = self.contacts.answer(dispatch.id, dispatch.action, now)
        if answer.result is not None:
            yield _result(dispatch, answer.result, now, answer.after)
        if answer.then is not None and answer.then.result is not None:
            yield _reply(dispatch, answer.then.result, now + answer.then.after, answer.then.after)

    def _has_telephone(self, dispatch: Dispatch, now: datetime) -> bool:
        resident = self.people[dispatch.resident]
        if dispatch.action.to_contact:
            return dispatch.contact is not None and dispatch.contact < len(resident.contacts)
        return reach(resident, self.people.get(resident.guardian or ""), now).phone is not None

    def _visit(self, dispatch: Dispatch, now: datetime) -> Iterator[Told]:
        choice = self.officers.send(dispatch, self.people[dispatch.resident].language)
        if choice is None:
            yield _result(dispatch, Result.FAILED, now, why=NobodyOnDuty())
            return
        yield _result(dispatch, Result.SENT, now, why=choice.because)
        assigned = VisitReport(VisitStage.ASSIGNED, _AT_ONCE)
        yield _AT_ONCE, told(dispatch, assigned, choice.officer.id, now)

    def _offer(self, dispatch: Dispatch, now: datetime) -> Iterator[Told]:
        """Yield that the case was not handed over: the laboratory has one province."""
        yield _result(dispatch, Result.FAILED, now, why=NoGateway())

    def _stop(self, dispatch: Dispatch, now: datetime) -> Iterator[Told]:
        payment = dispatch.payment
        account = self.accounts.get(payment.payee) if payment else None
        if payment is None or account is None:
            yield _result(dispatch, Result.FAILED, now, why=UnknownAccount())
            return
        if dispatch.action is Action.STOP_STATUS:  # the laboratory's banks answer in time or never
            yield _result(dispatch, Result.SENT, now)
            return
        try:
            self.stops.take(account, dispatch.action, now)
        except RefusedError as error:
            yield _result(dispatch, Result.FAILED, now, why=ProviderAnswered(422, str(error)))
            return
        yield _result(dispatch, Result.SENT, now)
        answers = self.contacts.bank(dispatch.id, dispatch.action, account, payment.transfer, now)
        for number, answer in zip(count(1), answers, strict=False):
            yield _feedback(dispatch, answer, payment.transfer, number, now)


def _result(
    dispatch: Dispatch, result: Result, now: datetime, after: timedelta = _AT_ONCE, *, why: ChannelCode | None = None
) -> Told:
    return after, ContactResult(
        id=result_id(dispatch.id, result),
        at=now + after,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        action=dispatch.action,
        result=result,
        why=why,
    )


def _reply(dispatch: Dispatch, answer: Result, at: datetime, after: timedelta) -> Told:
    text = next(figure for figure, result in WEEK_REPLIES.items() if result is answer)
    return after, ResidentReply(
        id=result_id(dispatch.id, "reply", f"{dispatch.id}#1"),
        at=at,
        resident=dispatch.resident,
        dispatch=dispatch.id,
        sender=ReplySender.RESIDENT,
        text=text,
    )


def _feedback(dispatch: Dispatch, answer: BankAnswer, transfer: str, number: int, now: datetime) -> Told:
    at = now + answer.after
    return answer.after, BankFeedback(
        id=result_id(dispatch.id, answer.state, f"{dispatch.id}#{number}"),
        at=at,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        transfer=transfer,
        state=answer.state,
        amount_fen=answer.amount_fen,
        until=at + STOP if answer.state is BankState.IN_FORCE else None,
    )
