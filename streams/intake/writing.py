"""How the routes of intake write to Kafka: within a time, and every failure is answered with 503."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from streams.messaging.codec import CodecError
from streams.messaging.producer import SendError
from streams.runtime.credentials import AccessError
from streams.runtime.serving import Refused
from streams.runtime.settings import SettingsError

log = logging.getLogger(__name__)

KAFKA_SECONDS = 3.0  # that a request waits for Kafka before it is answered with 503


@asynccontextmanager
async def writing(items: str, away: Callable[[], Refused]) -> AsyncIterator[None]:
    """Context manager: limit the block, which writes to Kafka, to 3 s. Raises the Refused that `away` returns (503) if
    the time is over, Kafka refuses a record permanently or denies access, or a record cannot be encrypted here; all but
    the first are logged as errors. Other errors of the block pass through.

    `items`: what is written, in the plural, for the log.
    """
    try:
        async with asyncio.timeout(KAFKA_SECONDS):
            yield
    except TimeoutError:
        raise away() from None
    except (SendError, CodecError, SettingsError, AccessError) as error:  # the records are small, so it is a setting
        log.error("%s cannot be written; run `quanzu doctor`: %s", items, error)  # noqa: TRY400 - the text says it all
        raise away() from None
