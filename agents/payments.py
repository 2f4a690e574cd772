"""Stop-payments: requests a stop from the payee's bank, extends it or lifts it."""

from schemas.casework.events import Dispatch
from schemas.codes.channels import UnknownAccount
from schemas.levels import Channel as Name
from schemas.levels import Result
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer, Gateway, Order


class BankProvider(Gateway):
    """The banks' stop-payment gateway."""

    def __init__(self, outgoing: Outgoing) -> None:
        channels = outgoing.channels
        kind, refusals = channels.kind(Name.PAYMENT), channels.refusals(Name.PAYMENT)
        super().__init__(outgoing.client, outgoing.settings.bank_url, kind, refusals)
        self._outgoing = outgoing

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """Return the request with the payer's name, the payee's account, amount (fen) and time, and the payee's holder
        and institution where they are known; a FAILED answer if the account or payer is unknown, or the dispatch has
        no payment.
        """
        payment = dispatch.payment
        resident = await self._outgoing.resident(dispatch)
        account = await self._outgoing.account(payment.payee) if payment else None
        if payment is None or resident is None or account is None:
            return Answer(Result.FAILED, UnknownAccount())
        card = self._outgoing.institutions.of_card(account)
        order = {
            "institution": payment.institution or (card.code if card else None),
            "holder": payment.reported.holder if payment.reported else "",
            "action": dispatch.action.value,
            "account": account,
            "payer": resident.name,
            "transfer": payment.transfer,
            "amount_fen": payment.amount_fen,
            "at": payment.at.isoformat(),
        }
        return Order("/stop-payments", order)
