"""POST /handovers: another province hands a case over, signed with its own key.

The case is written to outside-inputs before the answer; 200 comes only once it is open here, with its id, because
the sender stops then. 409 refuses it; 503 says that it must be sent again. The same hand-over counts once. No name and
no number is in a log line, metric label or URL.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import ValidationError
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.casework.provinces.records import taken_from
from domain.casework.provinces.taking import acknowledged, crossing_refusal, may_end_too, may_not_take
from domain.ids import short_hash
from domain.policy import PolicyError
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.inputs import TakeOver
from schemas.casework.provinces import OfferRefusal, TakenCase
from schemas.channels.handovers import CaseHandover, HandoverRefusal, HandoverTaken
from schemas.people.residents import Resident
from streams.channels.outgoing import Outgoing
from streams.channels.provinces.gateway import PATH
from streams.channels.provinces.person import Entered, ResidentFinder
from streams.channels.settings import ChannelSettings
from streams.channels.signatures import Signatures
from streams.channels.signing import TOLERANCE_SECONDS, SignatureError, SignedMessage
from streams.messaging import case_inputs
from streams.messaging.codec import CodecError
from streams.messaging.producer import SendError
from streams.messaging.topics import home
from streams.repositories.policies import UnknownPolicyError
from streams.runtime.serving import Refused, read_body
from streams.screening import state as screening
from streams.screening.evaluation import profile_of
from streams.screening.store import EvidenceStore
from streams.security.secrets import province_signer
from streams.state import locks
from streams.state.case_store import CaseStore
from streams.state.keys import key

log = logging.getLogger(__name__)

BODY_BYTES, BODY_SECONDS = 256 * 1024, 10.0
TAKE_SECONDS = 2.0  # for the whole: the sender waits 3 s for an answer, and sends again
LOOK_SECONDS = 0.05  # between two looks at whether the case is open
AGAIN = {"Retry-After": "1"}
HOUR = timedelta(hours=1)
MOST_AN_HOUR = 200  # new offers of one province that one process of intake takes. Assumed: far more than any hands over


class OffersOfAnHour:
    """Counts each province's new offers of the last hour. A province whose key is stolen could otherwise have any
    number of people called by 96110. `most`: how many of one province are allowed.
    """

    def __init__(self, most: int = MOST_AN_HOUR) -> None:
        self._most = most
        self._offers: defaultdict[str, dict[str, datetime]] = defaultdict(dict)  # by province: when, the earliest first

    def allowed(self, province: str, offer: str, now: datetime) -> bool:
        """Return True if the offer is among those that are allowed, and count it. A repeated one counts once."""
        offers = self._offers[province]
        for name in [each for each, at in offers.items() if now - at >= HOUR]:
            del offers[name]
        if offer not in offers and len(offers) >= self._most:
            return False
        offers.setdefault(offer, now)
        return True


class NotTakenError(Exception):
    """The case is not taken over. `why`: the refusal that the sender gets."""

    def __init__(self, why: OfferRefusal) -> None:
        super().__init__(why.value)
        self.why = why


class Handovers:
    """The handler of POST /handovers. `offers`: counts those that each province makes in an hour."""

    def __init__(self, outgoing: Outgoing, channels: ChannelSettings, offers: OffersOfAnHour | None = None) -> None:
        self._signatures = Signatures(channels.receipt_keys(outgoing.settings))
        self._outgoing, self._redis, self._clock = outgoing, outgoing.redis, outgoing.clock
        self._store = CaseStore(outgoing.redis)
        self._finder = ResidentFinder(outgoing.residents, outgoing.settings.key())
        self._evidence = EvidenceStore(outgoing.redis, outgoing.settings.partitions)
        self._partitions = outgoing.settings.partitions
        self._offers = offers or OffersOfAnHour()

    async def post(self, request: Request) -> Response:
        """Take a case over. Answers 200 with the case's id here once it is open; 409 with the refusal, INVALID if the
        body is no hand-over; 401 for a signature that is wrong or was used before; 400, 408 or 413 if the body breaks
        off, is too slow or is too long; and 503 if it must be sent again, also if this installation must be mended
        first.
        """
        try:
            body = await read_body(request, BODY_BYTES, BODY_SECONDS, packed=False)
            message = SignedMessage("province", PATH, body, request.method)
            signed = self._signatures.verify(request.headers, message, self._clock.wall.time())
            province = signed.by.removeprefix(province_signer(""))
            told = _parsed(body)
            place = f"{key('receipt-nonce', home(told.case, self._partitions))}:province:{signed.nonce}"
            async with asyncio.timeout(TAKE_SECONDS):
                async with locks.taken(self._redis, place, 2 * TOLERANCE_SECONDS * 1000) as first:
                    if not first:
                        return _reason(401, "this nonce was used before: sign each attempt with a new one")
                    return JSONResponse(HandoverTaken(case=await self.take(province, told)).model_dump())
        except Refused as refused:
            return _reason(refused.status, refused.what)
        except SignatureError as error:
            return _reason(401, str(error))
        except NotTakenError as refused:
            return JSONResponse(HandoverRefusal(refused=refused.why).model_dump(mode="json"), 409)
        except (TimeoutError, RedisError):
            return _reason(503, "not taken yet: send it again")
        except (SendError, CodecError, PolicyError, UnknownPolicyError, OSError) as error:
            log.error("a hand-over cannot be taken; run `quanzu doctor`: %s", type(error).__name__)  # noqa: TRY400 - its text may have data
            return _reason(503, "not taken: this installation must be mended; send it again later")

    async def take(self, province: str, told: CaseHandover) -> str:
        """Write the hand-over of `province` (its code) to outside-inputs, and return the id of its case here once the
        case is open. Waits for that without limit: the caller sets a time.

        Raises NotTakenError with the refusal; TimeoutError while the partition's store is being restored, or if the
        case here may itself end because of a hand-over; SendError if Kafka refuses a record; UnknownPolicyError,
        PolicyError or OSError if the policy cannot be read. Errors of Redis pass through.
        """
        now = self._clock.now()
        entered = await self._finder.person(province, told, now)
        if entered is None:
            raise NotTakenError(OfferRefusal.NO_TELEPHONE)
        partition = home(entered.resident.id, self._partitions)
        case, known = await self._known(partition, entered.resident, province, told.offer)
        if case is not None and case.id == told.case:  # QUANZU_PROVINCES names this installation itself
            raise NotTakenError(OfferRefusal.INVALID)
        if may_end_too(case, province, known, asks=told.asks):
            raise TimeoutError
        await self._require_wanted(partition, province, told, known, now)
        given = _input(province, told, entered, now, case)
        if why := crossing_refusal(case, province, told.offer, known, asks=told.asks):
            await self._write(partition, _noted(given), {})
            raise NotTakenError(why)
        if case is not None and _acknowledged(case, known, given):
            return case.id
        await self._write(partition, given, entered.numbers)
        return await self._opened(partition, entered.resident, given)

    async def _require_wanted(
        self, partition: int, province: str, told: CaseHandover, known: TakenCase | None, now: datetime
    ) -> None:
        rules = (await self._outgoing.policies.of(partition)).handover
        why = may_not_take(rules, province, told.until, known, now, asks=told.asks)
        if why is not None:
            raise NotTakenError(why)
        if known is None and not self._offers.allowed(province, told.offer, now):
            log.warning("%s hands over too many cases: those above the limit of an hour are refused", province)
            raise NotTakenError(OfferRefusal.TOO_MANY)

    async def _known(
        self, partition: int, resident: Resident, province: str, offer: str
    ) -> tuple[Case | None, TakenCase | None]:
        """Return the resident's latest case and what it knows of the offer. Raises TimeoutError while the store is
        being restored.
        """
        raw = await self._store.raw_cases(partition, [resident.id])
        case = Case.model_validate_json(raw[resident.id], extra=ANY_VERSION) if raw else None
        known = taken_from(case, province, offer) if case else None
        if known is None and not await self._store.is_whole(partition):
            raise TimeoutError
        return case, known

    async def _write(self, partition: int, given: TakeOver, numbers: Mapping[str, str]) -> None:
        """Write the payees' account numbers, then the input: a stop order finds them by their tokens."""
        producer = self._outgoing.producer
        if numbers:
            await producer.send_all(screening.records(numbers, ()))
            await self._evidence.keep_accounts(numbers)
        await producer.send_all([case_inputs.outside_record(given, partition)])

    async def _opened(self, partition: int, resident: Resident, given: TakeOver) -> str:
        while True:
            case, known = await self._known(partition, resident, given.province, given.offer)
            if case is not None and _acknowledged(case, known, given):
                return case.id
            await asyncio.sleep(LOOK_SECONDS)


def routes(outgoing: Outgoing, channels: ChannelSettings) -> list[Route]:
    """Return the route of POST /handovers for intake's server; an empty list if QUANZU_PROVINCES names no province.
    Raises SettingsError if a provider, bank or province has no key.
    """
    if not channels.province_addresses():
        return []
    return [Route(PATH, Handovers(outgoing, channels).post, methods=["POST"])]


def _parsed(body: bytes) -> CaseHandover:
    """Return the hand-over in a body. Provinces update at different times, so unknown fields are ignored. Raises
    NotTakenError if it cannot be read.
    """
    try:
        return CaseHandover.model_validate_json(body, extra=ANY_VERSION)
    except ValidationError:
        raise NotTakenError(OfferRefusal.INVALID) from None


def _acknowledged(case: Case, known: TakenCase | None, given: TakeOver) -> bool:
    return acknowledged(case, known, given.danger.level, len(given.payments), asks=given.both, ended=given.ended)


def _noted(given: TakeOver) -> TakeOver:
    """Return the input by which the case notes a crossing hand-over that is refused. It keeps nothing that was told."""
    nothing: dict[str, object] = {"payments": [], "accounts": [], "contacts": [], "person": None, "guardian": None}
    nothing |= {"prior_loss": None}
    return given.model_copy(update=nothing | {"id": short_hash(given.id, "crosses"), "crosses": True})


def _input(province: str, told: CaseHandover, entered: Entered, now: datetime, case: Case | None = None) -> TakeOver:
    """Return the input. One that tells more than an earlier one, or finds the case's own offers in another state,
    counts anew: while an offer waits, a hand-over may have no effect.
    """
    own = [f"{each.id} {each.waits}" for each in case.offers] if case else []
    own += ["ended"] if told.ended else []
    tells = (str(told.asks), told.danger.level.value, str(len(entered.payments)), *own)
    return TakeOver(
        id=short_hash("take-over", province, told.offer, *tells),
        at=now,
        resident=entered.resident.id,
        province=province,
        offer=told.offer,
        other_case=told.case,
        ground=told.ground,
        danger=told.danger,
        payments=entered.payments,
        profile=profile_of(entered.resident, now),
        accounts=entered.own,
        contacts=told.contacts,
        prior_loss=told.prior_loss,
        both=told.asks,
        ended=told.ended,
        person=entered.resident if entered.new else None,
        guardian=entered.guardian,
    )


def _reason(status: int, why: str) -> JSONResponse:
    return JSONResponse({"reason": why}, status, AGAIN if status == 503 else None)
