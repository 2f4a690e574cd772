"""A simulated neighbouring province: its intake's POST /handovers, with the real signatures, refusals and answers.

Its centre needs some minutes to open a case. As in a real installation, the answer 200 comes only then; until then, a
request waits a moment and is answered 503, and the sender sends it again.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.identity.identifiers import new_resident_id, normal_phone
from schemas.base import ANY_VERSION
from schemas.casework.provinces import OfferRefusal
from schemas.channels.handovers import CaseHandover, HandoverRefusal, HandoverTaken
from streams.channels.provinces.gateway import PATH
from streams.channels.signing import SignatureError, SignedMessage, verify
from streams.runtime.clock import Clock
from streams.runtime.serving import Refused, read_body

NEIGHBOUR = "liaoning"  # the code of the simulated neighbour
OPENS = timedelta(seconds=90)  # simulated time that its centre needs to open a case; assumed
ANSWER_SECONDS = 2.0  # wall-clock: how long a request waits for the case; the sender waits 3 s
LOOK_SECONDS = 0.05
BODY_BYTES, BODY_SECONDS = 256 * 1024, 10.0


@dataclass(frozen=True, slots=True)
class CaseThere:
    """A case that the neighbour has taken over. `case`: its number there; `other_case`: the sender's; `at`: the time
    from which it is open; `told`: the latest request about it.
    """

    case: str
    other_case: str
    at: datetime
    told: CaseHandover


class NeighbourProvince:
    """The neighbour's intake. `keys`: of the sender's signatures; `opens`: simulated time until a case is open.

    `taken`: the cases that it took over, by the offer's id; one is open from its time `at` on. `acknowledged`: the ids
    of the offers that it answered with a case's number. `refused`: the number of requests that it answered with 409;
    requests without a valid signature or that cannot be received are not counted.
    """

    def __init__(self, clock: Clock, keys: Sequence[bytes], opens: timedelta = OPENS) -> None:
        self._clock, self._keys, self._opens = clock, keys, opens
        self._nonces: set[str] = set()
        self.taken: dict[str, CaseThere] = {}
        self.acknowledged: set[str] = set()
        self.refused = 0

    @property
    def app(self) -> Starlette:
        """Return a new HTTP application with the route `POST /handovers` at each access."""
        return Starlette(routes=[Route(PATH, self._post, methods=["POST"])])

    async def _post(self, request: Request) -> Response:
        try:
            body = await read_body(request, BODY_BYTES, BODY_SECONDS, packed=False)
            signed = verify(self._keys, request.headers, SignedMessage("province", PATH, body), time.time())
        except Refused as refused:
            return JSONResponse({"reason": refused.what}, refused.status)
        except SignatureError as error:
            return JSONResponse({"reason": str(error)}, 401)
        if signed.nonce in self._nonces:
            return JSONResponse({"reason": "this nonce was used before"}, 401)
        self._nonces.add(signed.nonce)
        try:
            told = CaseHandover.model_validate_json(body, extra=ANY_VERSION)
        except ValidationError:
            return self._refuse(OfferRefusal.INVALID)
        why = self._why_not(told)
        return self._refuse(why) if why else await self._open(told)

    def _why_not(self, told: CaseHandover) -> OfferRefusal | None:
        """Return why a case is not taken, or None. A case that was taken before is never refused."""
        if told.offer in self.taken:
            return None
        if told.asks or told.until <= self._clock.now():
            return OfferRefusal.TOO_LATE
        return None if any(map(_is_phone, told.person.phones)) else OfferRefusal.NO_TELEPHONE

    async def _open(self, told: CaseHandover) -> Response:
        known = self.taken.get(told.offer)
        case = known.case if known else _case_number(told.case)
        at = known.at if known else self._clock.now() + self._opens
        self.taken[told.offer] = CaseThere(case, told.case, at, told)
        waits_until = time.monotonic() + ANSWER_SECONDS
        while self._clock.now() < at:
            if time.monotonic() >= waits_until:
                return JSONResponse({"reason": "not taken yet: send it again"}, 503, {"Retry-After": "1"})
            await asyncio.sleep(LOOK_SECONDS)
        self.acknowledged.add(told.offer)
        return JSONResponse(HandoverTaken(case=case).model_dump())

    def _refuse(self, why: OfferRefusal) -> Response:
        self.refused += 1
        return JSONResponse(HandoverRefusal(refused=why).model_dump(mode="json"), 409)


def _case_number(other_case: str) -> str:
    """Return the number of the case there: of a resident whom the neighbour enters anew, so that it is their first."""
    return f"{new_resident_id(sha256(f'{NEIGHBOUR} {other_case}'.encode()).digest()[:10])}-1"


def _is_phone(told: str) -> bool:
    try:
        normal_phone(told)
    except ValueError:
        return False
    return True
