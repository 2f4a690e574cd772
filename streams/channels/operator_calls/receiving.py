"""Takes a signed report of the voice gateway at intake, and answers it so that the gateway knows what to do next."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import ValidationError
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from schemas.base import Model
from streams.channels.operator_calls.phones import VOICE
from streams.channels.receipts import AGAIN, BODY_BYTES, BODY_SECONDS, Receipts, ReplayedError
from streams.channels.signing import SignatureError, SignedMessage
from streams.messaging.codec import CodecError
from streams.messaging.dead_letter_writer import reason
from streams.messaging.producer import SendError
from streams.runtime.serving import Refused, read_body

log = logging.getLogger(__name__)

SignedReport = TypeVar("SignedReport", bound=Model)


class UnknownCaseError(LookupError):
    """No case has the id that a report names."""


class StoreAwayError(RuntimeError):
    """The partition's store is being restored: it is unknown whether the case exists."""


async def answer_report(
    receipts: Receipts,
    request: Request,
    model: type[SignedReport],
    home: Callable[[SignedReport], str],
    take: Callable[[SignedReport], Awaitable[object]],
) -> Response:
    """Process a signed report of the voice gateway, which is JSON of the type `model`. Returns the answer: 200 with the
    JSON that `take` returns.

    `take`: stores the report. `home`: returns the id of the report's resident, or another id; the partition of this id
    stores that the report's nonce was used. The answer is 400 for an invalid report, 401 for a wrong signature, 404 for
    an unknown case (UnknownCaseError of `take`), 408 or 413 for a slow or long body, 409 for a nonce that was used, and
    503 if it must be sent again: Redis, Kafka or the store is unavailable, or a record cannot be written. Other errors
    of `take` pass through.
    """
    try:
        body = await read_body(request, BODY_BYTES, BODY_SECONDS, packed=False)
        signed = receipts.verify(request.headers, SignedMessage(VOICE, request.url.path, body, request.method))
        report = model.model_validate_json(body)
        name = request.url.path.rpartition("/")[2]
        async with receipts.use_nonce(name, signed.nonce, home(report)):
            taken = await take(report)
    except Refused as refused:
        return JSONResponse({"reason": refused.what, "do": refused.do}, refused.status)
    except ValidationError as error:
        return JSONResponse({"reason": reason(error)}, 400)
    except SignatureError as error:
        return JSONResponse({"reason": str(error)}, 401)
    except UnknownCaseError as error:
        return JSONResponse({"reason": str(error)}, 404)
    except ReplayedError as error:
        return JSONResponse({"reason": str(error)}, 409)
    except (TimeoutError, RedisError, StoreAwayError):
        return JSONResponse({"reason": "not written yet: send it again"}, 503, AGAIN)
    except (SendError, CodecError) as error:
        log.error("a report cannot be written; run `quanzu doctor`: %s", error)  # noqa: TRY400 - the text says it all
        return JSONResponse({"reason": "not written: send it again later"}, 503, AGAIN)
    return JSONResponse(taken)
