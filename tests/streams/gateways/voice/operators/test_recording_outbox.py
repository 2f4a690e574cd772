"""What waits for intake is bounded over all recordings, and a recording of which sound was lost ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.access.ciphers import RecordCipher
from domain.carriers.recorded_sound import new_recording_key
from streams.gateways.voice.operators import recording_outbox
from streams.gateways.voice.operators.recorder import SealedSound, WantedRecording
from streams.gateways.voice.operators.recording_outbox import RecordingOutbox
from streams.runtime.serving import serving
from tests.streams.gateways.voice.centre import KEY


def sound(recording: str, part: int, size: int = 10) -> SealedSound:
    wanted = WantedRecording(recording * 20, 7, "r-1", RecordCipher.AES, new_recording_key())
    return SealedSound(wanted, part, bytes(size), last=False)


@asynccontextmanager
async def answering(status: int) -> AsyncIterator[RecordingOutbox]:
    """An outbox whose intake gives one answer."""

    async def answer(request: Request) -> Response:
        return JSONResponse({"reason": "as the test wants"}, status)

    app = Starlette(routes=[Route("/parts", answer, methods=["POST"])])
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    async with serving(config, "127.0.0.1", 0, "test") as address:
        outbox = RecordingOutbox(f"{address}/parts", (KEY,))
        try:
            yield outbox
        finally:
            await outbox.close()


async def test_all_recordings_together_wait_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_outbox, "MOST_BYTES", 1000)
    async with answering(503) as outbox:
        assert outbox.put(sound("a", 1))
        assert not outbox.put(sound("b", 1, 2000)), "the newest recording ends"
        assert not outbox.put(sound("b", 2)), "a part after a lost one"
        assert outbox.put(sound("a", 2)), "an earlier one goes on"


async def test_what_intake_has_taken_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_outbox, "MOST_BYTES", 1000)
    async with answering(200) as outbox:
        for part in range(1, 20):
            assert outbox.put(sound("a", part, 300))
            await outbox.settle(60)


async def test_a_recording_of_which_intake_refuses_a_part_takes_no_more() -> None:
    async with answering(400) as outbox:
        assert outbox.put(sound("a", 1))
        await outbox.settle(60)
        assert not outbox.put(sound("a", 2))
        await asyncio.sleep(0)
        assert outbox.put(sound("b", 1)), "another recording"
