"""Orders to banks: stops a payee's account, extends, asks about or lifts the stop; holds the resident's own account."""

from collections.abc import Mapping
from typing import Any

from domain.casework.payments import AGAIN
from domain.dispatches.ids import parse
from domain.payments.same_payment import end_to_end_id
from domain.payments.status import asked_fen
from schemas.casework.cases import Payment
from schemas.casework.events import Dispatch
from schemas.casework.own_account import OwnHold
from schemas.codes.channels import OwnAccount, UnknownAccount
from schemas.levels import Action, Result
from schemas.levels import Channel as Name
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer, Gateway, Order
from streams.iso20022.cancellation import Cancellation, request
from streams.iso20022.status_request import StatusRequest, status_request


class BankProvider(Gateway):
    """The provider of the channel `payment`: the banks' gateway for stop-payments."""

    def __init__(self, outgoing: Outgoing) -> None:
        channels = outgoing.channels
        kind, refusals = channels.kind(Name.PAYMENT), channels.refusals(Name.PAYMENT)
        super().__init__(outgoing.client, outgoing.settings.bank_url, kind, outgoing.signer("bank"), refusals)
        self._outgoing = outgoing

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """Return the request to the bank's gateway, or an Answer with the result FAILED. Nothing is sent.

        For a dispatch with an `own_hold`: the order that holds the resident's own account or lifts the hold. For a
        dispatch about a payment: an order about the payee's account, with the account, its holder ("" if unknown) and
        institution (None if unknown), the payer's name, the amount (fen) and the time. `movement` in it: how the money
        reached an account that the payer did not pay themselves, else None. `dispatch`: its id; the signature covers
        it, because a bank recognises a repeated order by it. `about`, in a question about an order that the bank has
        not answered: the id of that order's dispatch.

        FAILED if the payer or the account number is unknown; if the dispatch has neither a payment nor `own_hold`; or
        if the payment has a `movement` and the register says that the account is the payer's own, unless the order
        lifts a stop or asks about one. Errors of Redis pass through.
        """
        if dispatch.own_hold is not None:
            return await self._own_hold(dispatch, dispatch.own_hold)
        payment = dispatch.payment
        resident = await self._outgoing.resident(dispatch)
        account = await self._outgoing.account(payment.payee) if payment else None
        if payment is None or resident is None or account is None:
            return Answer(Result.FAILED, UnknownAccount())
        asks = dispatch.action not in (Action.STOP_RELEASE, Action.STOP_STATUS) and payment.movement is not None
        if asks and self._outgoing.owns(resident, payment.payee):
            return Answer(Result.FAILED, OwnAccount())
        card = self._outgoing.institutions.of_card(account)
        institution = self._institution(payment) or (card.code if card else None)
        order = {
            "dispatch": dispatch.id,
            "institution": institution,
            "holder": payment.reported.holder if payment.reported else "",
            "action": dispatch.action.value,
            "account": account,
            "payer": resident.name,
            "transfer": payment.transfer,
            "amount_fen": asked_fen(dispatch.action, payment),
            "at": payment.at.isoformat(),
            "movement": payment.movement,
        }
        known = institution if institution in self._outgoing.institutions.by_code else None
        if dispatch.action is Action.STOP_STATUS:
            return self._status_request(dispatch, payment, order | {"about": dispatch.about}, known or "")
        return Order("/stop-payments", order, document=self._document(dispatch, order), bank=known or "")

    async def _own_hold(self, dispatch: Dispatch, hold: OwnHold) -> Order | Answer:
        """Return the order that holds the resident's own account or lifts the hold: with its number, ground, end and
        living allowance (fen), and the approvers' roles.

        Returns a FAILED answer if the register has no such account of the resident. An account that they have given up
        can only be lifted.
        """
        resident = await self._outgoing.resident(dispatch)
        lifts = dispatch.action is Action.LIFT_HOLD  # an account that was given up since is released too
        account = self._outgoing.own_account(resident, hold.own_account, former=lifts) if resident else None
        if resident is None or account is None:
            return Answer(Result.FAILED, UnknownAccount())
        card = self._outgoing.institutions.of_card(account)
        order = {
            "dispatch": dispatch.id,
            "institution": card.code if card else None,
            "holder": resident.name,
            "action": dispatch.action.value,
            "account": account,
            "kind": "delay" if hold.is_delay else "hold",
            "number": hold.number,
            "law": hold.law,
            "allowance_fen": hold.allowance_fen,
            "allowance_span": hold.allowance_span.value,
            "approved_by": [approval.role.value for approval in hold.approvals],
            "until": hold.until.isoformat() if hold.until else None,
        }
        return Order("/own-holds", order, bank=card.code if card else "")

    def _status_request(self, dispatch: Dispatch, payment: Payment, order: Mapping[str, Any], bank: str) -> Order:
        """Return the question what became of an order that the bank has not answered: as pacs.028 if the institution
        got the order as camt.056 and takes such questions, else as JSON.
        """
        to = self._outgoing.institutions.by_code.get(bank)
        document = None
        if to is not None and dispatch.about is not None and _went_as_message(payment, dispatch.about):
            document = status_request(
                StatusRequest(
                    dispatch=dispatch.id,
                    about=dispatch.about,
                    at=dispatch.at,
                    end_to_end=end_to_end_id(payment),
                    amount_fen=payment.amount_fen,
                    paid=payment.at,
                    account=order["account"],
                    holder=order["holder"],
                ),
                to,
            )
        return Order("/stop-statuses", order, document=document, bank=bank)

    def _institution(self, payment: Payment) -> str | None:
        """Return the code of the payee's institution, by the table's code where a bank's answer names it otherwise."""
        known = self._outgoing.institutions.named(payment.institution or "")
        return known.code if known else payment.institution

    def _document(self, dispatch: Dispatch, order: Mapping[str, Any]) -> bytes | None:
        """Return the order as a cancellation request of ISO 20022, if the payee's institution receives orders in this
        form.

        That message can only ask for a stop of the payer's own payment; every other order is sent as JSON.
        """
        payment, to = dispatch.payment, self._outgoing.institutions.by_code.get(order["institution"] or "")
        if payment is None or payment.movement is not None or to is None:
            return None
        if dispatch.action is not Action.STOP_PAYMENT:
            return None
        return request(
            Cancellation(
                dispatch=dispatch.id,
                at=dispatch.at,
                end_to_end=end_to_end_id(payment),
                amount_fen=payment.amount_fen,
                paid=payment.at,
                payer=order["payer"],
                account=order["account"],
                holder=order["holder"],
            ),
            to,
        )


def _went_as_message(payment: Payment, about: str) -> bool:
    """Return whether the order of the dispatch `about` could go out as a cancellation request: a first stop of the
    payer's own payment.
    """
    return payment.movement is None and parse(about).step.partition(".")[0] != AGAIN
