"""Sends the encrypted parts of recordings to intake, those of each recording in their order, until it has them.

They wait in memory only. If intake stays away, a recording ends after MOST_WAITING parts, or once MOST_BYTES of all
recordings wait; it also ends when intake refuses a part. A gateway that dies loses the parts that wait.
"""

import asyncio
import base64
import logging
from collections import deque

import httpx

from schemas.casework.call_recordings import RecordedPartReport
from streams.gateways.receipts import AT_ONCE, ReceiptAddress, ReceiptAnswer
from streams.gateways.voice.operators.recorder import SealedSound
from streams.gateways.voice.receipts import CHANNEL
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

MOST_WAITING = 900  # parts of a recording: half an hour, 40 MB
MOST_BYTES = 512 * 1024 * 1024  # of all recordings: the gateway must not run out of memory, which ends every call
KNOWN_LOST = 1000  # recordings: more than calls can be under way
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
GIVE_UP_SECONDS = 3600.0  # after which the rest of a recording that intake does not take is dropped


class RecordingOutbox:
    """The parts on their way. `url`: that of Quanzu's /receipts/call-recordings; `keys`: of the signatures, the current
    one first.
    """

    def __init__(self, url: str, keys: tuple[bytes, ...]) -> None:
        self._address = ReceiptAddress(CHANNEL, url, keys)
        self._client, self._free = httpx.AsyncClient(), asyncio.Semaphore(AT_ONCE)
        self._waiting: dict[str, deque[bytes]] = {}
        self._bytes = 0  # that wait
        self._lost: deque[str] = deque(maxlen=KNOWN_LOST)  # recordings of which no further part is taken
        self._sending: dict[str, asyncio.Task[None]] = {}

    def put(self, sound: SealedSound) -> bool:
        """Queue a part, to be sent soon. Returns True; False if the part is dropped, because 900 parts of its recording
        or 512 MiB of all recordings wait, or earlier parts of its recording were lost: no further part of it is taken
        then.
        """
        recording = sound.of.id
        if recording in self._lost:
            return False
        waiting = self._waiting.setdefault(recording, deque())
        body = _report(sound).model_dump_json().encode()
        if len(waiting) >= MOST_WAITING or self._bytes + len(body) > MOST_BYTES:
            log.error("a recording ends: intake has not taken its sound for too long, or that of too many")
            self._lost.append(recording)
            if not waiting:
                del self._waiting[recording]
            return False
        waiting.append(body)
        self._bytes += len(body)
        if recording not in self._sending:
            self._sending[recording] = asyncio.create_task(self._send_on(recording))
        return True

    async def settle(self, seconds: float) -> None:
        """Wait, at most `seconds`, until no part waits any more: intake has it, or it was given up."""
        if self._sending:
            await asyncio.wait(tuple(self._sending.values()), timeout=seconds)

    async def close(self) -> None:
        """Stop sending. Parts that intake does not have yet are lost, and their number is logged."""
        tasks = tuple(self._sending.values())
        if lost := sum(map(len, self._waiting.values())):
            log.error("%d parts of recordings are lost: intake did not take them before the gateway stopped", lost)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def _send_on(self, recording: str) -> None:
        waiting = self._waiting[recording]
        try:
            while wanted() and waiting:
                if not await self._sent(waiting[0]):
                    log.error("%d parts of a recording are lost: intake does not take them", len(waiting))
                    self._lost.append(recording)
                    self._bytes -= sum(map(len, waiting))
                    waiting.clear()
                    return
                self._bytes -= len(waiting.popleft())
        finally:
            del self._sending[recording]
            if not waiting:
                del self._waiting[recording]

    async def _sent(self, body: bytes) -> bool:
        """Send a part until intake has it. Returns False if it refuses the part, or after GIVE_UP_SECONDS."""
        loop, wait = asyncio.get_running_loop(), FIRST_WAIT_SECONDS
        until = loop.time() + GIVE_UP_SECONDS
        while wanted() and loop.time() < until:
            async with self._free:
                answer = await self._address.send(self._client, body)
            if answer.is_settled:
                return answer is ReceiptAnswer.ACCEPTED
            await asyncio.sleep(answer.pause(wait))
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        return False


def _report(sound: SealedSound) -> RecordedPartReport:
    of = sound.of
    return RecordedPartReport(
        case=of.case,
        recording=of.id,
        written_ms=of.written_ms,
        part=sound.part,
        sealed=base64.b64encode(sound.sealed),
        last=sound.last,
    )
