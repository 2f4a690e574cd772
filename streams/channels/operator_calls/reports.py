"""Takes the voice gateway's reports at intake's server: POST /receipts/operator-calls and /receipts/incoming-calls, and
the parts of recordings: POST /receipts/call-recordings.
"""

import asyncio
import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.carriers.operator_calls import inputs_of
from domain.ids import resident_of, short_hash
from schemas.casework.inputs import OperatorReport
from schemas.channels.incoming_calls import IncomingCallReport
from schemas.channels.operator_calls import OperatorCallReport
from streams.channels.operator_calls.incoming import IncomingBoard
from streams.channels.operator_calls.live import LiveCalls
from streams.channels.operator_calls.receiving import StoreAwayError, UnknownCaseError, answer_report
from streams.channels.operator_calls.recorded_parts import RecordedPartReports
from streams.channels.outgoing import Outgoing
from streams.channels.receipts import KAFKA_SECONDS, Receipts
from streams.channels.settings import ChannelSettings
from streams.messaging import case_inputs
from streams.messaging.topics import home
from streams.state.case_store import CaseStore

_OF_CALL_BACK = re.compile(r"c[0-9a-f]{20}")  # in place of a case: a stranger is called back, who has none


class OperatorCallReports:
    """Verifies reports, stores the call's state for the console, and writes the notes of the case."""

    def __init__(self, outgoing: Outgoing, channels: ChannelSettings) -> None:
        self._receipts, self._partitions = Receipts(outgoing, channels), outgoing.settings.partitions
        self._live = LiveCalls(outgoing.redis, self._partitions)
        self._board = IncomingBoard(outgoing.settings, outgoing.redis, outgoing.producer)
        self._store, self._producer, self._clock = CaseStore(outgoing.redis), outgoing.producer, outgoing.clock

    async def receive(self, request: Request) -> Response:
        """Process a signed report on an operator's call, and answer it: 200, with the ids of the case's new notes as
        `inputs`, once Kafka has stored them.

        400 for an invalid report, 401 for a wrong signature, 404 for an unknown case, 408 or 413 for a slow or long
        body, 409 for a nonce that was used, and 503 if it must be sent again.
        """
        return await answer_report(
            self._receipts, request, OperatorCallReport, lambda report: resident_of(report.case), self._taken
        )

    async def _taken(self, report: OperatorCallReport) -> object:
        return {"inputs": list(await self.take(report))}

    async def take(self, report: OperatorCallReport) -> Sequence[str]:
        """Store the reported state of the call for the console in Redis, and write the notes of the case that follow
        from it to outside-inputs. Returns the ids of the notes, often none. A repeated report gives notes with the same
        ids, which count once.

        A report on a call back only updates its request, and returns an empty list. Raises UnknownCaseError if there is
        no such case, StoreAwayError if that is unknown because the partition's store is being restored, TimeoutError if
        Kafka does not answer within 3 s, SendError or CodecError if a note cannot be written, and RedisError if Redis
        does not answer.
        """
        await self._board.take_call_back(report, self._clock.now())
        if _OF_CALL_BACK.fullmatch(report.case):
            return []
        partition = home(resident_of(report.case), self._partitions)
        case = await self._store.case(partition, report.case)
        if case is None:
            if not await self._store.is_whole(partition):
                raise StoreAwayError
            raise UnknownCaseError("no case has this id")
        now = self._clock.now()
        await self._live.take(report, now)
        notes = [
            OperatorReport(
                id=short_hash("operator-call", report.call, each.name),
                at=now,
                resident=case.resident,
                case=case.id,
                by=each.by,
                seen=case.version,
                act=each.act,
            )
            for each in inputs_of(report)
        ]
        async with asyncio.timeout(KAFKA_SECONDS):
            await self._producer.send_all([case_inputs.outside_record(each, partition) for each in notes])
        return [each.id for each in notes]


class IncomingCallReports:
    """Verifies the voice gateway's reports on calls to the centre, and stores each call's present state for the
    console.
    """

    def __init__(self, outgoing: Outgoing, channels: ChannelSettings) -> None:
        self._receipts, self._clock = Receipts(outgoing, channels), outgoing.clock
        self._board = IncomingBoard(outgoing.settings, outgoing.redis, outgoing.producer)

    async def receive(self, request: Request) -> Response:
        """Process a signed report on a call to the centre, and answer it: 200 once Redis has stored it, with `taken`
        False if the same or a later state of the call was known already.

        400 for an invalid report, 401 for a wrong signature, 408 or 413 for a slow or long body, 409 for a nonce that
        was used, and 503 if it must be sent again.
        """
        return await answer_report(self._receipts, request, IncomingCallReport, lambda report: report.call, self._taken)

    async def _taken(self, report: IncomingCallReport) -> object:
        return {"taken": await self._board.take(report, self._clock.now())}


def report_routes(outgoing: Outgoing, channels: ChannelSettings) -> list[Route]:
    """Return the three routes by which intake's server takes the voice gateway's reports (POST):
    /receipts/operator-calls, incoming-calls and call-recordings. Raises SettingsError if a channel or bank has no key.
    """
    of_operators, incoming = OperatorCallReports(outgoing, channels), IncomingCallReports(outgoing, channels)
    recorded = RecordedPartReports(outgoing, channels)
    return [
        Route("/receipts/operator-calls", of_operators.receive, methods=["POST"]),
        Route("/receipts/incoming-calls", incoming.receive, methods=["POST"]),
        Route("/receipts/call-recordings", recorded.receive, methods=["POST"]),
    ]
