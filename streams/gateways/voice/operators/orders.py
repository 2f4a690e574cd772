"""The console's orders to the voice gateway: `POST /operator-calls` rings an operator, `POST /operator-call-acts` is
what the operator does during the call, `GET /operator-phones` lists who has a telephone.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Protocol, Self

from pydantic import Base64Bytes, Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from domain.access.ciphers import RecordCipher
from domain.carriers.recorded_sound import KEY_BYTES
from schemas.base import Model, Text
from schemas.casework.call_recordings import RecordingId, WrittenMs
from schemas.casework.third_parties import PartyName, ThirdPartyKind
from schemas.channels.operator_calls import OperatorCallResult
from streams.channels.operator_calls.phones import ACTS, CALLS, PHONES
from streams.channels.signing import SignatureError, SignedMessage, verify
from streams.gateways.front import OrderFront, OrderInterface, OrderStanding, not_carried_out, not_now
from streams.gateways.voice.ledger import VoiceLedger
from streams.gateways.voice.operators.calls import (
    CallAct,
    CallTaking,
    OperatorCalls,
    ThirdPartyTaking,
    WantedThirdParty,
)
from streams.gateways.voice.operators.ledger import OperatorCallLedger
from streams.gateways.voice.operators.recorder import WantedRecording
from streams.gateways.voice.receipts import CHANNEL
from streams.runtime.serving import Refused

IN_DOUBT = "in doubt: the gateway died during this call, and does not dial it again"


class OperatorCallOrder(Model):
    """The body of an order. `operator`: the login; their telephone is in the gateway's configuration, and no order can
    name another; `to`: the resident's number, E.164; `case`: the id of the case, which the reports repeat.
    """

    operator: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,64}$")]
    to: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{5,14}$", repr=False)]
    case: Text


class ThirdPartyOrder(Model):
    """Whom to call into a talk. `to`: the number, E.164; `kind`, `party`: who it is, which the reports repeat."""

    kind: ThirdPartyKind
    party: PartyName
    to: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{5,14}$", repr=False)]


class RecordingOrder(Model):
    """A recording of a talk. `id`, `written_ms`, `case`: the gateway repeats them with each part; `key`: 32 bytes in
    base64, for this recording alone; `cipher`: with which it encrypts.
    """

    id: RecordingId
    written_ms: WrittenMs
    case: Text
    cipher: RecordCipher
    key: Annotated[Base64Bytes, Field(min_length=KEY_BYTES, max_length=KEY_BYTES, repr=False)]


class CallActOrder(Model):
    """The body of a request to do something in an operator's call. `call`: the id of the call's order; `operator`: the
    login of the operator who acts, who must be in the call; `third`: of "add_third" only; `colleague`: of "consult"
    only, the login of whom to ask; `recording`: of "record" only.
    """

    call: Text
    operator: Text
    act: CallAct
    third: ThirdPartyOrder | None = None
    colleague: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,64}$")] | None = None
    recording: RecordingOrder | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.act is CallAct.ADD_THIRD) != (self.third is not None):
            raise ValueError("third: of add_third, and of no other act")
        if (self.act is CallAct.CONSULT) != (self.colleague is not None):
            raise ValueError("colleague: of consult, and of no other act")
        if (self.act is CallAct.RECORD) != (self.recording is not None):
            raise ValueError("recording: of record, and of no other act")
        return self


OPERATOR_CALLS = OrderInterface(CHANNEL, CALLS, OperatorCallOrder, 500, IN_DOUBT)
# A disk that is full must not keep two people in a call; an end that comes again has no effect.
CALL_ACTS = OrderInterface(CHANNEL, ACTS, CallActOrder, 500, IN_DOUBT, lambda order: order.act is CallAct.HANG_UP)


class ActedCalls(Protocol):
    """Calls in which an operator can act, by their ids."""

    def has_acted(self, act_id: str) -> bool:
        """Return True if an operator's act with this id was carried out in a call that is still under way."""

    def operator(self, call: str) -> str | None:
        """Return the login of the operator in a call; None if the call or its operator is unknown here."""

    async def act(self, call: str, act: CallAct, act_id: str) -> bool:
        """Carry out an operator's act in a call. Returns True if it was done, or its id is known; False if the call is
        not under way here, or its state does not allow the act.
        """


class OperatorOrders:
    """Takes the console's orders. `keys`: of their signatures, the current one first; `ledger`: has their nonces."""

    def __init__(
        self, calls: OperatorCalls, states: OperatorCallLedger, ledger: VoiceLedger, keys: tuple[bytes, ...]
    ) -> None:
        self._calls, self._states, self._ledger, self._keys = calls, states, ledger, keys
        self._acted: list[ActedCalls] = [calls]
        self._more: Callable[[], Mapping[str, object]] = dict

    def add(self, calls: ActedCalls, more: Callable[[], Mapping[str, object]]) -> None:
        """Take acts for the calls of `calls` as well. `more`: returns the fields to add to the answer that lists the
        telephones.
        """
        self._acted.append(calls)
        self._more = more

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The HTTP routes of orders, of acts and of the list of telephones."""
        acts = _Acts(self._calls, self._acted, self._ledger)
        return [
            *OrderFront(OPERATOR_CALLS, self._keys, self).app().routes,
            *OrderFront(CALL_ACTS, self._keys, acts).app().routes,
            Route(PHONES, self._phones),
        ]

    async def claim(self, nonce: str, dispatch: str) -> bool:
        """Store the nonce of a signature. Returns True if it is new or was used for the same call; False if it was used
        for another one. Raises sqlite3.Error if the disk refuses.
        """
        return await self._ledger.claim(nonce, dispatch, time.time())

    async def standing(self, dispatch: str) -> OrderStanding | None:
        """Return IN_DOUBT if the gateway died during a call, TAKEN in any other state, and None if its order never
        came. Raises sqlite3.Error if the disk cannot be read, and ValidationError if the stored state is invalid.
        """
        report = await self._states.report(dispatch)
        if report is None:
            return None
        return OrderStanding.IN_DOUBT if report.result is OperatorCallResult.IN_DOUBT else OrderStanding.TAKEN

    async def take(self, dispatch: str, order: OperatorCallOrder) -> OrderStanding:
        """Ring the operator's telephone for a call. Returns TAKEN, also if the call is known: then nothing happens.

        Raises Refused (422) if the operator has no telephone or the number may not be called, (409) during another call
        of the operator, and (503) while the trunk or the exchange is down or too many calls are under way; and
        sqlite3.Error if the disk refuses. Nothing was dialled then.
        """
        if order.operator not in self._calls.logins:
            raise not_carried_out("this operator has no telephone", "Add the login to [operators] phones")
        number = self._calls.dialled(order.to)
        if number is None:
            raise not_carried_out(
                "the gateway may not call numbers with this prefix", "Add the prefix to [numbers] allowed"
            )
        if not self._calls.up:
            raise not_now("the trunk or the exchange is down: nothing was done")
        match await self._calls.start(dispatch, order.case, order.operator, number):
            case CallTaking.ON_THE_PHONE:
                raise Refused(409, "the operator has another call", "End that call first")
            case CallTaking.FULL:
                raise not_now("as many operators' calls as [operators] concurrent are under way: nothing was done")
            case _:
                return OrderStanding.TAKEN

    async def _phones(self, request: Request) -> Response:
        """Answer with the logins that have a telephone. Raises Refused (401) without a fitting signature."""
        try:
            verify(self._keys, request.headers, SignedMessage(CHANNEL, PHONES, b"", "GET"), time.time())
        except SignatureError as error:
            raise Refused(401, str(error), "Sign with the key of [operators] secret_file") from None
        third = {"third_parties": True} if self._calls.takes_third_parties else {}
        recording = {"recording": True} if self._calls.records else {}
        return JSONResponse({"logins": [*self._calls.logins], **third, **recording, **self._more()})


class _Acts:
    """Carries out acts. They are not stored, but known while their call lasts: one that comes again has no effect."""

    def __init__(self, own: OperatorCalls, calls: Sequence[ActedCalls], ledger: VoiceLedger) -> None:
        self._own, self._calls, self._ledger = own, calls, ledger

    async def claim(self, nonce: str, dispatch: str) -> bool:
        return await self._ledger.claim(nonce, dispatch, time.time())

    async def standing(self, dispatch: str) -> OrderStanding | None:
        return OrderStanding.TAKEN if any(each.has_acted(dispatch) for each in self._calls) else None

    async def take(self, dispatch: str, order: CallActOrder) -> OrderStanding:
        """Carry out an act. Raises Refused (403) if the call is another operator's: after a transfer, who has
        transferred it must not hang up the colleague and the resident.
        """
        if {each.operator(order.call) for each in self._calls} - {None, order.operator}:
            raise Refused(403, "another operator has this call", "Look at its state")
        if order.third is not None:
            return await self._add_third(dispatch, order.call, order.third)
        if order.colleague is not None:
            return await self._consult(dispatch, order.call, order.colleague)
        if order.recording is not None:
            return await self._record(dispatch, order.call, order.recording)
        for each in self._calls:
            if await each.act(order.call, order.act, dispatch):
                return OrderStanding.TAKEN
        raise Refused(409, "this call is not under way, or nobody talks", "Look at its state")

    async def _add_third(self, dispatch: str, call: str, wanted: ThirdPartyOrder) -> OrderStanding:
        """Call a third party into a talk of an operator's own call.

        Raises Refused (422) if that is not configured or the number may not be called, (409) if nobody talks or there
        is a third party, and (503) while the trunk is down or too many third parties are in talks.
        """
        number = self._own.dialled(wanted.to)
        if number is None or not self._own.takes_third_parties:
            raise not_carried_out(
                "the gateway may not call this third party",
                "Add the prefix to [numbers] allowed, and set [operators] third_parties",
            )
        if not self._own.up:
            raise not_now("the trunk or the exchange is down: nothing was done")
        match await self._own.add_third(call, WantedThirdParty(wanted.kind, wanted.party, number), dispatch):
            case ThirdPartyTaking.TAKEN:
                return OrderStanding.TAKEN
            case ThirdPartyTaking.FULL:
                raise not_now("as many third parties as [operators] third_parties are in talks: nothing was done")
            case ThirdPartyTaking.NO_TALK:
                raise Refused(409, "nobody talks, or a third party is there already", "Look at its state")

    async def _record(self, dispatch: str, call: str, order: RecordingOrder) -> OrderStanding:
        """Record a talk. Raises Refused (422) if that is not configured, and (409) if nobody talks or the call has a
        recording.
        """
        if not self._own.records:
            raise not_carried_out("the gateway records nothing", "Set [operators] recordings_url")
        wanted = WantedRecording(order.id, order.written_ms, order.case, order.cipher, order.key)
        if not await self._own.record(call, wanted, dispatch):
            raise Refused(409, "nobody talks, or this call has a recording", "Look at its state")
        return OrderStanding.TAKEN

    async def _consult(self, dispatch: str, call: str, login: str) -> OrderStanding:
        """Ring a colleague while the resident of a talk is on hold.

        Raises Refused (422) if that is not configured or the colleague has no telephone, (409) if the colleague has a
        call or nobody can be asked in this one, and (503) while the exchange is down or too many calls have a third
        leg.
        """
        if login not in self._own.logins or not self._own.takes_third_parties:
            raise not_carried_out(
                "the gateway cannot ring this colleague",
                "Add the login to [operators] phones, and set [operators] third_parties",
            )
        if not self._own.up:
            raise not_now("the trunk or the exchange is down: nothing was done")
        match await self._own.consult(call, login, dispatch):
            case CallTaking.ON_THE_PHONE:
                raise Refused(409, "the colleague has a call, or nobody can be asked in this call", "Look at its state")
            case CallTaking.FULL:
                raise not_now("as many calls as [operators] third_parties have a third leg: nothing was done")
            case _:
                return OrderStanding.TAKEN
