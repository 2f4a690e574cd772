"""Sends a hand-over to another province's intake, and reads the answer: taken, refused, or not known.

Each attempt has the same offer's id, by which the receiver knows a repeated one, so a request may always be sent again.
"""

from collections.abc import Mapping

import httpx
from pydantic import ValidationError

from schemas.base import ANY_VERSION
from schemas.casework.events import Dispatch
from schemas.channels.handovers import HandoverRefusal, HandoverTaken
from schemas.codes.channels import ConnectionLost, NoGateway, NotTakenThere, ProviderAnswered, ProviderAway, TakenThere
from schemas.levels import Result
from streams.channels.provider import KEY_HEADER, Answer, Kind, Order, UnknownOutcomeError
from streams.channels.signing import Signer
from streams.runtime import tracing
from streams.security.secrets import province_signer

PATH = "/handovers"
LARGEST_ANSWER = 4_096  # bytes that are read of an answer
_REFUSED = 409


class ProvinceGateway:
    """The intakes of other provinces. `addresses`: by the province's code. `signer`: has the key of each."""

    kind = Kind.IDEMPOTENT

    def __init__(self, client: httpx.AsyncClient, addresses: Mapping[str, str], signer: Signer) -> None:
        self._client, self._addresses, self._signer = client, addresses, signer

    async def send(self, dispatch: Dispatch, order: Order) -> Answer:
        """Send the request. Returns an Answer: DELIVERED with the id of the case there, REFUSED with the reason, or
        FAILED if it certainly did not arrive or the province has no address. Raises UnknownOutcomeError for any other
        answer, and without one.
        """
        province = dispatch.offer.province if dispatch.offer else ""
        address = self._addresses.get(province)
        if address is None:
            return Answer(Result.FAILED, NoGateway())
        content = order.content
        signed = self._signer.headers(province_signer(province), "POST", order.path, content)
        more = {KEY_HEADER: dispatch.id, "Content-Type": order.media_type, **tracing.of_request()}
        try:
            answer = await self._client.post(address + order.path, content=content, headers=more | signed)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Answer(Result.FAILED, ProviderAway(type(error).__name__))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise UnknownOutcomeError(ConnectionLost(type(error).__name__)) from None
        return _read(answer)

    async def ask(self, dispatch: Dispatch, order: Order) -> Answer | None:
        """Send the request again, as `send` does: the answer also states the outcome of an earlier request. Never
        returns None. Raises UnknownOutcomeError if the outcome is unknown.
        """
        return await self.send(dispatch, order)

    async def ended(self, dispatch: Dispatch, answer: Answer) -> None:
        """Do nothing: preparing takes no resources."""


def _read(answer: httpx.Response) -> Answer:
    """Return what a hostile answer may say: taken, or refused. Raises UnknownOutcomeError for anything else."""
    try:
        if answer.status_code == httpx.codes.OK and len(answer.content) <= LARGEST_ANSWER:
            case = HandoverTaken.model_validate_json(answer.content, extra=ANY_VERSION).case
            return Answer(Result.DELIVERED, TakenThere(case))
        if answer.status_code == _REFUSED and len(answer.content) <= LARGEST_ANSWER:
            refused = HandoverRefusal.model_validate_json(answer.content, extra=ANY_VERSION).refused
            return Answer(Result.REFUSED, NotTakenThere(refused))
    except ValidationError:
        pass
    raise UnknownOutcomeError(ProviderAnswered(answer.status_code))
