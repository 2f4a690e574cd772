"""POST /v1/objections: a bank passes on an objection to an order that it got, with its source's key: a stop order, or a
hold on its customer's own account.

The objection is written as an input of the case before the answer 202. A bank can object only to an order that it got
itself or that is about an account of its own, and must name the account; any other request is answered with 404. The
account and the text are in no log line, metric label or URL.
"""

from typing import Any, Protocol

from pydantic import ValidationError
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.casework.orders.objections import may_not_object, objection_id, objection_of, subject_of, waiting_for
from domain.casework.orders.records import order_of
from domain.casework.own_account.records import hold_of_step
from domain.dispatches.ids import DispatchId, parse
from domain.identity.identifiers import account_token
from domain.ids import short_hash
from domain.payments.accounts import find
from domain.payments.institutions import Institutions
from domain.wording.codes import in_language
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case, Payment
from schemas.casework.inputs import ObjectStop
from schemas.casework.objections import ObjectionState, StopObjection
from schemas.casework.orders import StopOrder
from schemas.casework.own_account import OwnHold
from schemas.channels.bank_messages import bank_of
from schemas.channels.objections import ObjectionNotice, ObjectionStands
from schemas.codes.refusals import NothingToObjectTo, ObjectionWaits
from schemas.levels import Action
from streams.intake.admission import Admission
from streams.intake.rate import Rate
from streams.intake.settings import Feed, IntakeSettings
from streams.intake.writing import writing
from streams.messaging import case_inputs
from streams.messaging.dead_letter_writer import reason
from streams.messaging.producer import Producer
from streams.messaging.topics import home
from streams.runtime.clock import Clock
from streams.runtime.serving import Refused, read_body
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore

BODY_BYTES = 16 * 1024
COST = 100  # of the rate of payee checks: a hundredth as many objections, because each is kept for good
EVERYBODY = "*"  # the holder of an embedded installation's key
EMBEDDED = "embedded"  # what passes an objection on there, if no bank has the account
AGAIN = {"Retry-After": "1"}


class Context(Protocol):
    """The resources of intake's process: its clock, Redis client, Kafka producer and table of institutions."""

    clock: Clock
    redis: Any
    producer: Producer
    institutions: Institutions


class Objections:
    """The handler of POST /v1/objections."""

    def __init__(self, settings: Settings, intake: IntakeSettings, context: Context) -> None:
        self._admission = Admission(settings, intake)
        self._rate = Rate(settings, intake, "objections")
        self._store = CaseStore(context.redis)
        self._producer, self._clock = context.producer, context.clock
        self._institutions = context.institutions
        self._partitions, self._secret = settings.partitions, settings.key()

    async def post(self, request: Request) -> Response:
        """Accept an objection. Answers 202 once it is written; 200 with its state if the case already has it, or if
        another objection waits.

        Raises Refused: 400 (invalid), 401 or 403 (key or certificate), 404 (no such order of this bank), 408, 409 (too
        late, or of an earlier case), 413, 415, 429 (rate), or 503 while Kafka or Redis is unavailable, the case is
        being restored, or the objection cannot be encrypted.
        """
        feed = self._admission.feed(request)
        await self._rate.require(feed.source or EVERYBODY, COST)
        notice = _notice(await read_body(request, BODY_BYTES))
        dispatch = _dispatch(notice.dispatch)
        try:
            async with writing("objections", _away):
                case = await self._case(dispatch)
                return await self._take(feed, notice, case, dispatch)
        except RedisError:
            raise _away() from None

    async def _take(self, feed: Feed, notice: ObjectionNotice, case: Case, dispatch: DispatchId) -> Response:
        order, bank = self._own(feed, notice, case, dispatch)
        await self._require_latest(case)
        name = short_hash("objection", bank, case.id, _named(order), notice.id)
        if known := objection_of(case, objection_id(name)):
            return _stands(known)
        match may_not_object(case, order):
            case None:
                await self._write(name, notice, case, order, bank)
            case ObjectionWaits():
                return _stands(waiting_for(case, subject_of(order)))
            case NothingToObjectTo():
                raise _unknown()
            case why:
                raise Refused(409, in_language("en").sentence(why), "Call the centre about this account")
        taken = ObjectionStands(objection=objection_id(name), state=ObjectionState.WAITING)
        return Response(taken.model_dump_json(), 202, media_type="application/json")

    async def _case(self, dispatch: DispatchId) -> Case:
        """Return the case of an order, the resident's latest or an earlier one. Raises Refused: 404 if the case is
        unknown, 503 if the store is being restored.
        """
        partition = home(dispatch.resident, self._partitions)
        if case := await self._store.case(partition, dispatch.case):
            return case
        raise _unknown() if await self._store.is_whole(partition) else _away()

    async def _require_latest(self, case: Case) -> None:
        """Raise Refused (409) if the resident has a later case. Called only for a bank that got the order."""
        raw = await self._store.raw_cases(home(case.resident, self._partitions), [case.resident])
        latest = raw.get(case.resident)
        if latest is None or Case.model_validate_json(latest, extra=ANY_VERSION).id != case.id:
            raise Refused(409, "the order belongs to an earlier case", "Call the centre about this account")

    def _own(
        self, feed: Feed, notice: ObjectionNotice, case: Case, dispatch: DispatchId
    ) -> tuple[StopOrder | OwnHold, str]:
        """Return the order and the bank that objects. Raises Refused (404) unless the account is the order's, and the
        bank got the order or has the account.
        """
        if hold := hold_of_step(case, dispatch.step):
            return self._own_hold(feed, notice, hold, dispatch)
        order = order_of(case, dispatch.step)
        payment = find(case, order.transfer) if order else None
        if order is None or payment is None or order.action.channel is not dispatch.channel:
            raise _unknown()
        if not self._is_of(order.payee, notice.account):
            raise _unknown()
        if feed.source is not None and feed.source not in self._banks(payment, notice.account):
            raise _unknown()
        return order, feed.source or bank_of(payment.transfer)

    def _own_hold(
        self, feed: Feed, notice: ObjectionNotice, hold: OwnHold, dispatch: DispatchId
    ) -> tuple[OwnHold, str]:
        card = self._institutions.of_card(notice.account)
        banks = [name for name in (hold.bank, card.code if card else None) if name]
        if dispatch.channel is not Action.HOLD_OUTGOING.channel or not self._is_of(hold.own_account, notice.account):
            raise _unknown()
        if feed.source is not None and feed.source not in banks:
            raise _unknown()
        return hold, feed.source or next(iter(banks), EMBEDDED)

    def _is_of(self, token: str, account: str) -> bool:
        try:
            return account_token(self._secret, account) == token
        except ValueError:
            return False

    def _banks(self, payment: Payment, account: str) -> set[str]:
        """Return the codes of the banks that may object: the bank that the order went through, and the bank of the
        account.
        """
        named = self._institutions.named(payment.institution or "") or self._institutions.of_card(account)
        through = payment.feed or payment.transfer
        found = {payment.institution, named.code if named else None}
        if payment.reported is None or payment.feed is not None:
            found.add(bank_of(through))  # a report's transfer begins with no bank
        return {name for name in found if name}

    async def _write(
        self, name: str, notice: ObjectionNotice, case: Case, order: StopOrder | OwnHold, bank: str
    ) -> None:
        given = ObjectStop(
            id=name,
            at=self._clock.now(),
            resident=case.resident,
            case=case.id,
            order=_named(order),
            who=notice.who,
            bank=bank,
            receipt=notice.id,
            ground=notice.ground,
            text=notice.text,
        )
        await self._producer.send_all([case_inputs.outside_record(given, home(case.resident, self._partitions))])


def routes(settings: Settings, intake: IntakeSettings, context: Context) -> list[Route]:
    """Return the route of POST /v1/objections. Raises SettingsError if the API keys or the rate are invalid, or this
    process has no QUANZU_SECRET.
    """
    return [Route("/v1/objections", Objections(settings, intake, context).post, methods=["POST"])]


def _named(order: StopOrder | OwnHold) -> str:
    """Return how an objection names its order."""
    return order.step if isinstance(order, StopOrder) else order.id


def _notice(body: bytes) -> ObjectionNotice:
    try:
        return ObjectionNotice.model_validate_json(body)
    except ValidationError as error:
        raise Refused(400, reason(error), "Send one objection as a JSON object") from None


def _dispatch(text: str) -> DispatchId:
    try:
        return parse(text)
    except ValueError:
        raise _unknown() from None


def _stands(known: StopObjection | None) -> Response:
    if known is None:
        raise _away()
    answer = ObjectionStands(objection=known.id, state=known.state, due=known.due)
    return Response(answer.model_dump_json(), media_type="application/json")


def _unknown() -> Refused:
    return Refused(404, "no stop order of this bank has this id and account", "Send the id under which the order came")


def _away() -> Refused:
    return Refused(503, "not written", "Send it again in 1 s", AGAIN)
