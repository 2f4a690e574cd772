"""The interface of a provider, and its implementation for HTTP gateways."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import httpx
import orjson

from domain.dispatches.unknown_outcomes import certainly_not_done
from schemas.base import legible
from schemas.casework.events import Dispatch
from schemas.casework.inputs import CaseInput
from schemas.codes.base import code_name
from schemas.codes.channels import ChannelCode, ConnectionLost, NoGateway, ProviderAnswered, ProviderAway
from schemas.levels import Result
from streams.channels.signing import Signer
from streams.runtime import tracing
from streams.security.secrets import bank_signer

KEY_HEADER = "Idempotency-Key"
_NOT_FOUND = 404
_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)  # httpx parses an answer's Location even unfollowed


class Kind(StrEnum):
    """A provider's guarantee about a repeated request.

    IDEMPOTENT: the repeated request has no further effect; ASKABLE: the provider can be asked whether it has received
    the first request; NEITHER: no guarantee.
    """

    IDEMPOTENT = "idempotent"
    ASKABLE = "askable"
    NEITHER = "neither"


class UnknownOutcomeError(RuntimeError):
    """It is unknown whether the provider carried out a request. `why`: the reason."""

    def __init__(self, why: ChannelCode) -> None:
        super().__init__(code_name(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a dispatch, and the reason (`why`; None: no reason is given).

    `also`: other inputs to report to casework with it, such as the assigned officer.
    """

    result: Result
    why: ChannelCode | None = None
    also: tuple[CaseInput, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A request to a gateway: a path and a JSON body.

    The body has telephone and account numbers, so it must not be logged.

    `sent`: the answer to report if the provider accepts the request; `document`: an XML document that is sent in place
    of the body, None: the body is sent. `bank`: the code of the bank that the request is for, "" if it is for no bank
    or none of the table.
    """

    path: str
    body: Mapping[str, Any] = field(repr=False)
    sent: Answer = field(default_factory=lambda: Answer(Result.SENT))
    document: bytes | None = field(default=None, repr=False)
    bank: str = ""

    @property
    def content(self) -> bytes:
        """The bytes to send: `document`, or without one the body as JSON."""
        return orjson.dumps(dict(self.body)) if self.document is None else self.document

    @property
    def media_type(self) -> str:
        """The media type of `content`: application/xml for a `document`, else application/json."""
        return "application/json" if self.document is None else "application/xml"


class Identified(Protocol):
    """A message with an id, which is sent as its idempotency key."""

    @property
    def id(self) -> str: ...


class Provider(Protocol):
    """The interface that a channel's module implements: it prepares the request, sends it and reads the answer."""

    @property
    def kind(self) -> Kind: ...

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """Return the request to send, or an Answer if the result is known without sending, such as FAILED without a
        telephone. Nothing is sent.

        The visits' module assigns an officer and takes a lease on the address: call `ended` once the result is known.
        Raises UnknownPolicyError if a policy that is needed is stored nowhere, and PolicyError if this version cannot
        read it. Errors of Redis and Kafka pass through.
        """

    async def send(self, dispatch: Dispatch, order: Order) -> Answer:
        """Send the request, with the dispatch's id as idempotency key, and return the answer; its result is FAILED if
        the request was certainly not carried out.

        Raises UnknownOutcomeError if the outcome is unknown.
        """

    async def ask(self, dispatch: Dispatch, order: Order) -> Answer | None:
        """Ask the provider about an earlier request for this dispatch.

        Returns the answer if the provider has the request, None if it has not: then it may be sent again. Raises
        UnknownOutcomeError if that is unknown.
        """

    async def ended(self, dispatch: Dispatch, answer: Answer) -> None:
        """Release the resources that `prepare` took, such as a lease on an address.

        Call it once the dispatch log has the result, so that nobody sends the dispatch any more; it may be called
        twice. Errors of Redis pass through.
        """


class Gateway:
    """A provider over HTTP: `POST path` with an idempotency key sends a request, `GET path/key` asks about it.

    Each request is signed, an order for a bank with that bank's key. `url`: the gateway's address; None: there is no
    gateway, and requests fail. `refusals`: further status codes by which this provider says that nothing was done.
    """

    def __init__(
        self, client: httpx.AsyncClient, url: str | None, kind: Kind, signer: Signer, refusals: Collection[int] = ()
    ) -> None:
        self._client, self._url, self.kind, self._signer, self._refusals = client, url, kind, signer, refusals

    async def send(self, dispatch: Identified, order: Order) -> Answer:
        """Send the request, with the dispatch's id as idempotency key.

        Returns `order.sent` if the gateway accepts it (2xx), and an Answer with the result FAILED if it was certainly
        not carried out: no gateway is set, it could not be connected to, or its status is one that means so. Raises
        UnknownOutcomeError if the outcome is unknown, and KeyError if the signer has no key of the order's bank.
        """
        if self._url is None:
            return Answer(Result.FAILED, NoGateway())
        try:
            content = order.content
            signed = self._signed(order, "POST", order.path, content)
            more = {KEY_HEADER: dispatch.id, "Content-Type": order.media_type, **tracing.of_request()}
            answer = await self._client.post(self._url + order.path, content=content, headers=more | signed)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Answer(Result.FAILED, ProviderAway(type(error).__name__))
        except _NO_ANSWER as error:
            raise UnknownOutcomeError(ConnectionLost(type(error).__name__)) from None
        return self._read(answer, order)

    async def ask(self, dispatch: Identified, order: Order) -> Answer | None:
        """Ask the gateway about an earlier request.

        Returns `order.sent` if the gateway has it (2xx), and None if not (404). Without a gateway's address, nothing
        was ever sent: returns an Answer with the result FAILED. Raises UnknownOutcomeError if the gateway cannot be
        asked or answers with another status, and KeyError if the signer has no key of the order's bank.
        """
        if self._url is None:
            return Answer(Result.FAILED, NoGateway())
        try:
            path = f"{order.path}/{dispatch.id}"
            answer = await self._client.get(self._url + path, headers=self._signed(order, "GET", path, b""))
        except _NO_ANSWER as error:
            raise UnknownOutcomeError(ConnectionLost(type(error).__name__)) from None
        if answer.status_code == _NOT_FOUND:
            return None
        if not answer.is_success:
            raise UnknownOutcomeError(ProviderAnswered(answer.status_code))
        return order.sent

    async def ended(self, dispatch: Dispatch, answer: Answer) -> None:
        """Do nothing: `prepare` took no resources."""

    def _signed(self, order: Order, method: str, path: str, body: bytes) -> dict[str, str]:
        signer = bank_signer(order.bank) if order.bank else self._signer.channel
        return self._signer.headers(signer, method, path, body)

    def _read(self, answer: httpx.Response, order: Order) -> Answer:
        if answer.is_success:
            return order.sent
        told = ProviderAnswered(answer.status_code, _reason(answer))
        if certainly_not_done(answer.status_code, self._refusals):
            return Answer(Result.FAILED, told)
        raise UnknownOutcomeError(told)


def _reason(answer: httpx.Response) -> str:
    """Return the provider's reason from a JSON answer, or "". Other text is dropped, because it may repeat the
    request.
    """
    try:
        told = answer.json()
    except ValueError:
        return ""
    return legible(str(told.get("reason", "")))[:200] if isinstance(told, dict) else ""
