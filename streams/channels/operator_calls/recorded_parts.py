"""Takes the encrypted parts of recordings at intake's server and writes them to Kafka. Intake cannot read them."""

import asyncio
import base64

from starlette.requests import Request
from starlette.responses import Response

from domain.ids import resident_of
from schemas.casework.call_recordings import RecordedPartReport, RecordingPart
from streams.channels.operator_calls.receiving import StoreAwayError, UnknownCaseError, answer_report
from streams.channels.outgoing import Outgoing
from streams.channels.receipts import KAFKA_SECONDS, Receipts
from streams.channels.settings import ChannelSettings
from streams.messaging.topics import home
from streams.repositories.call_recordings import CallRecordings, RecordingPlace
from streams.state.case_store import CaseStore


class RecordedPartReports:
    """Verifies the parts that the voice gateway sends, and writes them."""

    def __init__(self, outgoing: Outgoing, channels: ChannelSettings) -> None:
        self._receipts, self._partitions = Receipts(outgoing, channels), outgoing.settings.partitions
        self._store, self._clock = CaseStore(outgoing.redis), outgoing.clock
        self._recordings = CallRecordings(outgoing.settings, outgoing.producer)

    async def receive(self, request: Request) -> Response:
        """Process a signed part of a recording, and answer it: 200 once Kafka has stored it. A part that comes again
        has no effect.

        400 for an invalid part, 401 for a wrong signature, 404 for an unknown case, 408 or 413 for a slow or long body,
        409 for a nonce that was used, and 503 if it must be sent again.
        """
        return await answer_report(
            self._receipts, request, RecordedPartReport, lambda report: resident_of(report.case), self._taken
        )

    async def _taken(self, report: RecordedPartReport) -> object:
        resident = resident_of(report.case)
        partition = home(resident, self._partitions)
        if await self._store.case(partition, report.case) is None:
            if not await self._store.is_whole(partition):
                raise StoreAwayError
            raise UnknownCaseError("no case has this id")
        at = RecordingPlace(report.case, resident, report.recording, report.written_ms)
        sealed = base64.b64encode(report.sealed)
        part = RecordingPart(id=report.recording, part=report.part, sound=sealed, last=report.last)
        async with asyncio.timeout(KAFKA_SECONDS):
            await self._recordings.put_part(at, part, round(self._clock.wall.time() * 1000))
        return {"part": report.part}
