"""Requests for a person's decision whether to alert the earlier payers of a watchlist entry.

Screening creates a request and records its outcome; the console shows and answers it.
"""

from collections.abc import Iterable
from datetime import datetime

from schemas.risk.fan_outs import PayersAnswered, PayersRequest, RequestState
from streams.messaging.topics import PAYERS_REQUESTS
from streams.state.compacted_table import CompactedTable, Place


class PayersRequests(CompactedTable[PayersRequest]):
    """All requests, by id.

    The person's answer arrives as a record on the lane of the watchlist entry; screening then closes the request.
    """

    place = Place(PAYERS_REQUESTS, PayersRequest)

    async def ask(self, request: PayersRequest) -> None:
        """Store a request, on the topic and in Redis. A request with a known id stays unchanged. Raises SendError if
        Kafka refuses the record, and TimeoutError if Kafka or Redis does not answer within 8 s. Errors of Redis pass
        through.
        """
        await self.change(request.id, lambda known: known or request)

    async def overtake(self, name: str) -> None:
        """Close an open request as overtaken, because another watchlist entry has replaced its entry. `name`: the
        request's id.

        A closed or unknown request stays unchanged. Raises SendError if Kafka refuses the record, and TimeoutError if
        Kafka or Redis does not answer within 8 s. Errors of Redis pass through.
        """
        await self._close(name, RequestState.OVERTAKEN, {})

    async def answer(self, given: PayersAnswered, counts: bool) -> None:
        """Close an open request with a person's answer, as alerted or refused; as overtaken if `counts` is False (the
        answer came too late).

        A closed or unknown request stays unchanged. Raises SendError if Kafka refuses the record, and TimeoutError if
        Kafka or Redis does not answer within 8 s. Errors of Redis pass through.
        """
        state = RequestState.ALERTED if given.alert else RequestState.REFUSED
        noted = {"answered_by": given.by, "answered_at": given.at, "reason": given.reason}
        await self._close(given.request, state if counts else RequestState.OVERTAKEN, noted)

    async def open(self) -> list[PayersRequest]:
        """Return the requests that wait for an answer, the oldest first. Raises RedisError if Redis is unavailable."""
        return waiting(await self.all())

    async def _close(self, name: str, state: RequestState, noted: dict[str, object]) -> None:
        async with self.locked(name) as known:
            if known is not None and known.state is RequestState.ASKED:
                await self.put(known.model_copy(update={"state": state, **noted}))


def waiting(requests: Iterable[PayersRequest]) -> list[PayersRequest]:
    """Return those of `requests` that wait for an answer, the oldest first."""
    found = [request for request in requests if request.state is RequestState.ASKED]
    return sorted(found, key=lambda request: (request.at, request.id))


def closed(requests: Iterable[PayersRequest], most: int) -> list[PayersRequest]:
    """Return at most `most` closed requests, the most recently closed first."""
    found = [request for request in requests if request.state is not RequestState.ASKED]
    return sorted(found, key=_closed_at, reverse=True)[:most]


def _closed_at(request: PayersRequest) -> tuple[datetime, str]:
    return request.answered_at or request.at, request.id
