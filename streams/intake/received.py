"""What was accepted of a source in a time, by its own ids: a sender finds what never arrived, or came twice."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime

from pydantic import ValidationError

from schemas.base import ANY_VERSION
from schemas.signals import batch_adapter
from streams.messaging.reader import read_all
from streams.messaging.topics import LANES
from streams.runtime.settings import Settings


async def received(
    settings: Settings, source: str, since: datetime, until: datetime
) -> AsyncIterator[Mapping[str, str]]:
    """Each signal that arrived from `since` on and before `until`, of those that the topics still hold.

    Its id, kind, time (`at`) and arrival; one that was sent twice comes twice. In no order over partitions.
    """
    for lane in LANES:
        async for record in read_all(settings, lane.name):
            with suppress(ValidationError):  # a dead letter sent again, or what never was of a feed
                for signal in batch_adapter.validate_json(record.value or b"", extra=ANY_VERSION):
                    if signal.source == source and signal.arrived and since <= signal.arrived < until:
                        times = {"at": signal.at.isoformat(), "arrived": signal.arrived.isoformat()}
                        yield {"id": signal.id, "kind": signal.kind, **times}
