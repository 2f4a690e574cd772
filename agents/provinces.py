"""Hands cases over to other provinces: the provider of the channel `province`."""

from schemas.casework.events import Dispatch
from schemas.codes.channels import NotRegistered
from schemas.levels import Result
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer, Order
from streams.channels.provinces.gateway import PATH, ProvinceGateway
from streams.channels.provinces.request import handover_of


class ProvinceProvider(ProvinceGateway):
    """The provider of the channel `province`: the other provinces' intakes."""

    def __init__(self, outgoing: Outgoing) -> None:
        super().__init__(outgoing.client, outgoing.channels.province_addresses(), outgoing.signer("province"))
        self._outgoing = outgoing

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """Return the request with the case in its present state, or an Answer with the result FAILED if the register
        has no entry of the resident, the case is not the resident's latest, or the dispatch has no offer. Nothing is
        sent. Errors of Redis pass through.
        """
        resident, case = await self._outgoing.resident(dispatch), await self._outgoing.case(dispatch)
        if resident is None or case is None or dispatch.offer is None:
            return Answer(Result.FAILED, NotRegistered())
        tokens = dict.fromkeys(payment.payee for payment in case.payments)
        found = {token: await self._outgoing.account(token) for token in tokens}
        accounts = {token: number for token, number in found.items() if number}
        guardian = await self._outgoing.guardian(resident)
        told = handover_of(dispatch, dispatch.offer, case, resident, accounts, self._outgoing.clock.now(), guardian)
        # Nothing is written of a field without a value: the other province may not know the field yet.
        return Order(PATH, told.model_dump(mode="json", exclude_none=True))
