"""Receipts: reports that providers send by HTTP. It is on outside-inputs, as an input of its case,
before it is answered with 200.

A receipt's input has a deterministic id, so a repeated receipt counts once. The dispatch's id identifies the case.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from pydantic import ValidationError
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.casework.orders.late_answers import may_be_answered
from domain.dispatches.ids import DispatchId, is_officer_message, parse
from domain.identity.personal import WITHHELD
from domain.ids import result_id
from domain.payments.accounts import find
from domain.payments.iso_codes import named_id
from domain.payments.same_payment import references
from domain.policy.schedule import OWN_ACCOUNT
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case, Payment
from schemas.casework.inputs import BankFeedback, OfficerReport
from schemas.channels.bank_messages import ReportedFeedback
from schemas.channels.receipts import (
    BankReceipt,
    OwnHoldReceipt,
    SmsReceipt,
    SmsReply,
    StationReceipt,
    VoiceReceipt,
)
from schemas.levels import Action, Channel
from streams.channels.movements import Tokens, UnreadableAccountError
from streams.channels.outgoing import Outgoing
from streams.channels.receipt_inputs import BOM, Input, Receipt, ReceiptBodyError, each_key_once, input_of
from streams.channels.settings import ChannelSettings
from streams.channels.signatures import AnotherBanksError, Signatures, Signed, asked_bank, check_payment
from streams.channels.signing import NONCE, TOLERANCE_SECONDS, SignatureError, SignedMessage
from streams.iso20022.document import MessageError
from streams.iso20022.resolution import Resolution, resolution
from streams.messaging import case_inputs
from streams.messaging.codec import CodecError
from streams.messaging.dead_letter_writer import reason
from streams.messaging.producer import SendError
from streams.runtime import tracing
from streams.runtime.serving import Refused, read_body
from streams.screening.store import EvidenceStore
from streams.state import locks
from streams.state.case_store import CaseStore
from streams.state.keys import WHOLE, key

log = logging.getLogger(__name__)

BODY_BYTES = 64 * 1024
BODY_SECONDS = 10.0
KAFKA_SECONDS = 3.0  # longest wait for Kafka before a receipt is answered with 503
ANSWER_SECONDS = 7 * 86_400  # in which a changed answer under the same id is noticed
AGAIN = {"Retry-After": "1"}
XML = "application/xml"


class UnknownDispatchError(LookupError):
    """No dispatch of this installation and channel has this id, or it is an order of another kind."""


class NotRecoveredError(RuntimeError):
    """It is unknown whether the dispatch exists, because the partition's store is being restored: try again later."""


class ReplayedError(ValueError):
    """A signed receipt has a nonce that was used before."""


class ChangedAnswerError(ValueError):
    """A bank's answer has the id of another answer that was taken."""


class NotHolderError(PermissionError):
    """An officer reports on another officer's task."""


class Receipts:
    """Verifies the receipts that providers send, and writes them as inputs of cases to outside-inputs."""

    def __init__(self, outgoing: Outgoing, channels: ChannelSettings) -> None:
        self._signatures = Signatures(channels.receipt_keys(outgoing.settings))
        self._institutions = outgoing.institutions
        self._redis, self._secret = outgoing.redis, outgoing.settings.key()
        self._evidence = EvidenceStore(outgoing.redis, outgoing.settings.partitions)
        self._book, self._rosters, self._store = outgoing.book, outgoing.rosters, CaseStore(outgoing.redis)
        self._producer, self._clock = outgoing.producer, outgoing.clock

    def verify(self, headers: Mapping[str, str], message: SignedMessage) -> Signed:
        """Verify the message's signature. Returns its nonce and its signer. A signature with a former key is counted as
        a metric.

        Raises SignatureError if no key fits, the time or nonce is missing, or the time is over 300 s off. The time is
        compared with the workers' shared time, because this machine's clock may be wrong.
        """
        return self._signatures.verify(headers, message, self._clock.wall.time())

    async def check_bank(self, signed: Signed, receipt: Receipt, dispatch: DispatchId) -> None:
        """Check that a bank's answer comes from the bank that the order went to. Does nothing for other receipts.

        Raises AnotherBanksError if another signer signed the answer, or the answer names another bank, or another
        payment than the order's. Errors of Redis pass through.
        """
        if isinstance(receipt, BankReceipt | OwnHoldReceipt):
            entry = await self._book.entry(dispatch.resident, dispatch.text)
            case = await self._store.case(self._book.partition(dispatch.resident), dispatch.case)
            self._signatures.check_bank(signed, asked_bank(entry, case, dispatch, self._institutions))
            self._signatures.check_name(signed, receipt.bank)
            if isinstance(receipt, BankReceipt):
                check_payment(case, dispatch, receipt.transfer)

    @asynccontextmanager
    async def use_nonce(self, name: str, nonce: str, resident: str) -> AsyncIterator[None]:
        """Context manager: mark the nonce of a receipt as used for 10 minutes.

        If the block raises, the nonce may be used again. `name`: the receipt's channel; `resident`: the id of the
        dispatch's resident. Raises ReplayedError, before the block, if the nonce was used before. Errors of Redis pass
        through.
        """
        place = f"{key('receipt-nonce', self._book.partition(resident))}:{name}:{nonce}"
        async with locks.taken(self._redis, place, 2 * TOLERANCE_SECONDS * 1000) as first:
            if not first:
                raise ReplayedError(f"{NONCE} was used before: sign each attempt with a new one")
            yield

    async def read(self, model: type[Receipt], body: bytes, media_type: str) -> Receipt:
        """Return the receipt in a request's body: JSON of the type `model`, or for a bank also camt.029, pacs.002 or
        pacs.004 as application/xml.

        Raises ValidationError, ReceiptBodyError or MessageError if it is invalid, Refused (415) for XML of another
        type, and for XML UnknownDispatchError if it is not about a known order, NotRecoveredError while that is
        unknown. Errors of Redis pass through.
        """
        if model is BankReceipt and _is_document(body, media_type):
            return await self._resolved(resolution(body))
        return model.model_validate_json(each_key_once(body))

    async def _resolved(self, told: Resolution) -> BankReceipt:
        dispatch = _parsed(told.dispatch, Channel.PAYMENT)
        payment = await self._payment(dispatch)
        ids = set(filter(None, map(named_id, references(payment))))  # the order had one of them, as then known
        if ids and told.end_to_end and told.end_to_end not in ids:
            raise MessageError("CxlDtls/TxInfAndSts/OrgnlEndToEndId: another payment's than the request's")
        return BankReceipt(
            id=told.id,
            dispatch=dispatch.text,
            detail=told.code,
            transfer=payment.transfer,
            state=told.state,
            amount_fen=told.amount_fen,
        )

    async def _payment(self, dispatch: DispatchId) -> Payment:
        """Return the payment that a stop order is about.

        Raises UnknownDispatchError if there is no such order, NotRecoveredError while that is unknown.
        """
        partition = self._book.partition(dispatch.resident)
        case = await self._store.case(partition, dispatch.case)
        step = next((step for step in case.steps if step.id == dispatch.step), None) if case else None
        payment = find(case, step.transfer) if case and step else None
        if payment is None and not await self._store.is_whole(partition):
            raise NotRecoveredError
        if payment is None:
            raise UnknownDispatchError("no order has this case id")
        return payment

    async def write_input(self, receipt: Receipt, channel: Channel) -> str:
        """Write the receipt's input to outside-inputs, and return the input's id once Kafka has acknowledged it.

        An officer's report also updates their task in the roster. The account numbers of movements are stored in Redis
        first. Raises UnknownDispatchError if no dispatch of this channel has the id or it is an order of another kind,
        NotRecoveredError while that is unknown, NotHolderError if an officer reports on another officer's task,
        UnreadableAccountError if a movement has an invalid account, ReceiptBodyError if a bank's stop or hold ended in
        the past or its ended freeze ends in the future, ChangedAnswerError for a bank's changed answer under a known
        id, TimeoutError if Kafka does not answer within 3 s, SendError or CodecError if the input cannot be written
        because Kafka or the vault is wrongly configured, and RedisError if Redis does not answer.
        """
        dispatch = _parsed(receipt.dispatch, channel)
        action = await self._action(dispatch)
        if action is not None and (action in OWN_ACCOUNT) is not isinstance(receipt, OwnHoldReceipt):
            raise UnknownDispatchError(f"this is an order of another kind: {action.value}")
        if action is None:
            if not await self._store.is_whole(self._book.partition(dispatch.resident)):
                raise NotRecoveredError
            raise UnknownDispatchError(f"no dispatch {dispatch.text} is known here")
        taken = await self._check_unchanged(receipt, dispatch)
        if isinstance(receipt, BankReceipt) and receipt.movements and await self._kept_by_none(receipt, dispatch):
            receipt = receipt.model_copy(update={"movements": []})
        tokens = Tokens(self._secret)
        found = input_of(receipt, dispatch, action, self._clock.now(), tokens)
        inputs = await self._with_joined(found)
        if isinstance(receipt, BankReceipt) and isinstance(found, BankFeedback):
            told = {"receipt": receipt.id, "detail": receipt.detail, "accounts": tokens.numbers}
            inputs = [ReportedFeedback.model_validate({**dict(found), **told})]
        records = [case_inputs.outside_record(each, self._book.partition(each.resident)) for each in inputs]
        async with asyncio.timeout(KAFKA_SECONDS):
            if tokens.numbers:  # before a case has the tokens; a worker stores them on their topic
                await self._evidence.keep_accounts(tokens.numbers)
            await self._producer.send_all(records)
        if taken is not None:
            await self._redis.set(*taken, ex=ANSWER_SECONDS)
        return found.id

    async def _check_unchanged(self, receipt: Receipt, dispatch: DispatchId) -> tuple[str, str] | None:
        """Return the key and value that store the content of a bank's answer once it is taken; None for other receipts.

        Raises ChangedAnswerError if another content was taken under the answer's id: its input would count as repeated.
        """
        if not isinstance(receipt, BankReceipt | OwnHoldReceipt):
            return None
        name = self._digest(result_id(dispatch.text, receipt.state, receipt.id))
        content = self._digest(receipt.model_dump_json(exclude={"transfer", "detail"}))  # one payment has many names
        place = f"{key('receipt-nonce', self._book.partition(dispatch.resident))}:answer:{name}"
        before = await self._redis.get(place)
        if before is not None and before.decode() != content:
            raise ChangedAnswerError("another answer was taken under this id: send a changed answer under a new id")
        return place, content

    def _digest(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    async def _with_joined(self, found: Input) -> Sequence[Input]:
        """Return the input; for an officer's report, update the tasks first, and add the inputs of joined visits."""
        if not isinstance(found, OfficerReport):
            return [found]
        await self._check_holder(found)
        async with asyncio.timeout(KAFKA_SECONDS):
            return await self._rosters.take(found)

    async def _kept_by_none(self, receipt: BankReceipt, dispatch: DispatchId) -> bool:
        """Return whether no case will keep the movements: the resident has a later case, or the payment's personal
        data was destroyed. No erasure would find their account numbers again.
        """
        raw = await self._store.raw_cases(self._book.partition(dispatch.resident), [dispatch.resident])
        if dispatch.resident not in raw:
            return False
        case = Case.model_validate_json(raw[dispatch.resident], extra=ANY_VERSION)
        if case.id != dispatch.case:
            return case.number > int(dispatch.case.rpartition("-")[2])
        payment = find(case, receipt.transfer)
        return payment is not None and payment.payee == WITHHELD

    async def _check_holder(self, report: OfficerReport) -> None:
        """Raise NotHolderError unless the officer has the task, and NotRecoveredError if the tasks may be lost."""
        task = await self._rosters.task(report.dispatch)
        if task is None and not await self._redis.exists(WHOLE):
            raise NotRecoveredError
        if task is None or task.officer != report.by:
            raise NotHolderError("this officer does not have the task: only the one who was sent reports on it")

    async def _action(self, dispatch: DispatchId) -> Action | None:
        """Return the dispatch's action from the dispatch log, or from the case if the log lost it; else None.

        By the case alone only an attempt that went out is known: nobody was asked by an order that waits for approval.
        """
        if entry := await self._book.entry(dispatch.resident, dispatch.text):
            return entry.action
        case = await self._store.case(self._book.partition(dispatch.resident), dispatch.case)
        step = next((step for step in case.steps if step.id == dispatch.step), None) if case else None
        if case is None or step is None or step.action.channel is not dispatch.channel:
            return None
        return step.action if may_be_answered(step, dispatch.attempt) else None


_STATUS: dict[type[Exception], int] = {
    MessageError: 400,
    ReceiptBodyError: 400,
    SignatureError: 401,
    UnreadableAccountError: 400,
    NotHolderError: 403,
    AnotherBanksError: 403,
    UnknownDispatchError: 404,
    ReplayedError: 409,
    ChangedAnswerError: 409,
}


def routes(outgoing: Outgoing, channels: ChannelSettings) -> list[Route]:
    """Return the routes of receipts for intake's server: POST /receipts/sms, sms/replies, voice, bank, own-holds and
    station.

    They answer 200 with the input's id, which is null for a message to an officer; 400 for an invalid receipt, 401 for
    a wrong signature, 403 for another officer's task or another bank's order, 404 for an unknown dispatch, 409 for a
    nonce that was used or a changed answer, 408 or 413 for a slow or long body, 415 for XML of another type, and 503 if
    the receipt must be sent again. Raises SettingsError if a channel or bank has no key, or two have the same one.
    """
    receipts = Receipts(outgoing, channels)
    kinds: list[tuple[str, str, type[Receipt], Channel]] = [
        ("sms", "sms", SmsReceipt, Channel.SMS),
        ("sms/replies", "sms", SmsReply, Channel.SMS),
        ("voice", "voice", VoiceReceipt, Channel.PHONE),
        ("bank", "bank", BankReceipt, Channel.PAYMENT),
        ("own-holds", "bank", OwnHoldReceipt, Channel.PAYMENT),
        ("station", "station", StationReceipt, Channel.VISIT),
    ]
    return [
        Route(f"/receipts/{path}", _endpoint(receipts, signer, model, channel), methods=["POST"])
        for path, signer, model, channel in kinds
    ]


def _endpoint(
    receipts: Receipts, name: str, model: type[Receipt], channel: Channel
) -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        try:
            body = await read_body(request, BODY_BYTES, BODY_SECONDS, packed=False)
            signed = receipts.verify(request.headers, SignedMessage(name, request.url.path, body, request.method))
            receipt = await receipts.read(model, body, request.headers.get("content-type", ""))
            if is_officer_message(receipt.dispatch, channel):  # its result is known from the order's answer: no input
                return JSONResponse({"input": None})
            dispatch = _parsed(receipt.dispatch, channel)
            await receipts.check_bank(signed, receipt, dispatch)
            told = {"case": dispatch.case, "dispatch": receipt.dispatch}
            async with receipts.use_nonce(name, signed.nonce, dispatch.resident):
                with tracing.span("receipt", tracing.of_headers(request.headers), **told):
                    taken = await receipts.write_input(receipt, channel)
        except Refused as refused:
            return _refused(refused.status, refused.what, refused.do)
        except ValidationError as error:
            return _refused(400, reason(error), _without_movements(error))
        except tuple(_STATUS) as error:
            return _refused(_STATUS[type(error)], str(error))
        except (TimeoutError, RedisError, NotRecoveredError):
            return _again("not written yet: send it again")
        except (SendError, CodecError) as error:  # our records are small, so a person must mend the configuration
            log.error("a receipt cannot be written; run `quanzu doctor`: %s", error)  # noqa: TRY400 - the text says it all
            return _again("not written: Kafka refuses it as it is configured; send it again later")
        return JSONResponse({"input": taken})

    return receive


def _again(why: str) -> JSONResponse:
    return JSONResponse({"reason": why}, 503, AGAIN)


def _refused(status: int, why: str, do: str = "") -> JSONResponse:
    return JSONResponse({"reason": why} | ({"do": do} if do else {}), status)


def _without_movements(error: ValidationError) -> str:
    """Return how a bank's state is taken whose movements have a fault; "" for faults of other fields."""
    of_movements = any(fault["loc"][:1] == ("movements",) for fault in error.errors(include_url=False))
    return "Send the state without movements first, and the movements later under another id" if of_movements else ""


def _is_document(body: bytes, media_type: str) -> bool:
    """Return whether a bank's answer is a message of ISO 20022. Raises Refused (415) if it is one of another type than
    application/xml.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind == XML:
        return True
    if kind == "text/xml" or body.removeprefix(BOM).lstrip().startswith(b"<"):
        raise Refused(415, "a message of ISO 20022 has another content type", f"Send Content-Type: {XML}")
    return False


def _parsed(text: str, channel: Channel) -> DispatchId:
    try:
        found = parse(text)
    except ValueError as error:
        raise UnknownDispatchError(str(error)) from None
    if found.channel is not channel:
        raise UnknownDispatchError(f"this is a dispatch of {found.channel.value}, not of {channel.value}")
    return found
