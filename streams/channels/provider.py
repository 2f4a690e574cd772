"""What a channel needs to know of a provider, and providers that are reached over HTTP."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import httpx

from domain.dispatches.unknown_outcomes import certainly_not_done
from schemas.base import legible
from schemas.casework.events import Dispatch
from schemas.casework.inputs import CaseInput
from schemas.codes.base import code_name
from schemas.codes.channels import ChannelCode, ConnectionLost, NoGateway, ProviderAnswered, ProviderAway
from schemas.levels import Result
from streams.runtime import tracing

KEY_HEADER = "Idempotency-Key"
_NOT_FOUND = 404


class Kind(StrEnum):
    """What a provider promises about a request that comes twice."""

    IDEMPOTENT = "idempotent"  # the second does nothing
    ASKABLE = "askable"  # it can be asked whether it has the first
    NEITHER = "neither"


class DoubtError(RuntimeError):
    """Sent or not: it cannot be told from here. `why`: why not."""

    def __init__(self, why: ChannelCode) -> None:
        super().__init__(code_name(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it, and why. `also`: inputs that go with the result, such as which officer has the task."""

    result: Result
    why: ChannelCode | None = None
    also: tuple[CaseInput, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What is sent: a path of the gateway and a body. `sent`: what it means that the provider has it."""

    path: str
    body: Mapping[str, Any] = field(repr=False)  # it holds telephones and accounts: not for a log
    sent: Answer = field(default_factory=lambda: Answer(Result.SENT))


class Provider(Protocol):
    """What a channel module says: what is sent, and how an answer reads."""

    @property
    def kind(self) -> Kind: ...

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """What to send; or an answer, when it is known without sending: no telephone, say."""

    async def send(self, dispatch: Dispatch, order: Order) -> Answer:
        """Send, with the dispatch's id as idempotency key. Raises DoubtError."""

    async def ask(self, dispatch: Dispatch, order: Order) -> Answer | None:
        """Whether the provider has it; None: it has not. Raises DoubtError."""

    async def ended(self, dispatch: Dispatch, answer: Answer) -> None:
        """What came of it is known: give back what preparing took. May come twice."""


class Gateway:
    """A provider's HTTP side: `POST path` with an idempotency key, `GET path/key` to ask.

    `refusals`: the status codes by which this provider says, beside the usual ones, that nothing was done.
    """

    def __init__(self, client: httpx.AsyncClient, url: str | None, kind: Kind, refusals: Collection[int] = ()) -> None:
        self._client, self._url, self.kind, self._refusals = client, url, kind, refusals

    async def send(self, dispatch: Dispatch, order: Order) -> Answer:
        """Send, with the dispatch's id as idempotency key.

        Raises DoubtError when no answer tells whether the provider has carried it out.
        """
        if self._url is None:
            return Answer(Result.FAILED, NoGateway())
        try:
            answer = await self._client.post(
                self._url + order.path,
                json=dict(order.body),
                headers={KEY_HEADER: dispatch.id, **tracing.of_request()},
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Answer(Result.FAILED, ProviderAway(type(error).__name__))
        except httpx.HTTPError as error:
            raise DoubtError(ConnectionLost(type(error).__name__)) from None
        return self._read(answer, order)

    async def ask(self, dispatch: Dispatch, order: Order) -> Answer | None:
        """Ask by the dispatch's id whether the provider has it. Raises DoubtError when it does not say."""
        try:
            answer = await self._client.get(f"{self._url}{order.path}/{dispatch.id}")
        except httpx.HTTPError as error:
            raise DoubtError(ConnectionLost(type(error).__name__)) from None
        if answer.status_code == _NOT_FOUND:
            return None
        if not answer.is_success:
            raise DoubtError(ProviderAnswered(answer.status_code))
        return order.sent

    async def ended(self, dispatch: Dispatch, answer: Answer) -> None:
        """Nothing was taken."""

    def _read(self, answer: httpx.Response, order: Order) -> Answer:
        if answer.is_success:
            return order.sent
        told = ProviderAnswered(answer.status_code, _reason(answer))
        if certainly_not_done(answer.status_code, self._refusals):
            return Answer(Result.FAILED, told)
        raise DoubtError(told)


def _reason(answer: httpx.Response) -> str:
    """The provider's reason, or empty. Other text is left out: it may repeat what was sent."""
    try:
        told = answer.json()
    except ValueError:
        return ""
    return legible(str(told.get("reason", "")))[:200] if isinstance(told, dict) else ""
