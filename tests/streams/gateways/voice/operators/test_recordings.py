"""A recording between real telephones: announced to everybody first, both directions, and never the paused part."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.carriers.recorded_sound import new_recording_key, opened_part
from schemas.casework.call_recordings import RecordedPartReport, RecordingInCall, RecordingState
from streams.channels.signing import SignedMessage, verify
from streams.gateways.voice.media.g711 import A_LAW, Samples
from streams.runtime.serving import serving
from tests.streams.gateways.voice.centre import KEY
from tests.streams.gateways.voice.operators.desk import Desk
from tests.streams.gateways.voice.operators.test_operator_talks import CONNECTED, said, telephones
from tests.tools.gateway.baresip import BaresipPhone

PATH = "/receipts/call-recordings"
LEAST = 0.5  # likeness; other sound stays below 0.35
TENTH = 800  # samples
LOOKED_AT = 8000 * 20  # the latest samples that are looked at


def likeness(played: Samples, heard: Samples) -> float:
    """The greatest normalised correlation of a tenth of a second of what was played with what was heard: a machine that
    is busy loses packets, but not all of them in a row.
    """
    sound = heard[-LOOKED_AT:].astype(np.float64)
    if len(sound) < 2 * TENTH:
        return 0.0
    size = 2 ** int(np.ceil(np.log2(len(sound) + TENTH)))
    spectrum = np.fft.rfft(sound, size)
    sums = np.concatenate([[0.0], np.cumsum(sound**2)])
    energy, best = sums[TENTH:] - sums[:-TENTH], 0.0
    for start in range(0, len(played) - TENTH + 1, 4 * TENTH):
        sample = played[start : start + TENTH].astype(np.float64)
        product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(sample, size)), size)[: len(energy)]
        best = max(best, float(np.max(product / np.maximum(np.sqrt(energy * np.sum(sample**2)), 1e6))))
    return best


async def hears(phone: BaresipPhone, what: Samples) -> None:
    """Wait until a telephone hears a sound, beginning now."""
    before = len(phone.heard())
    async with asyncio.timeout(60):
        while likeness(what, phone.heard()[before:]) < LEAST:  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.5)


@dataclass
class Intake:
    """Receives the parts of one recording. `refuse`: parts to answer with 503; `address`: where to."""

    key: bytes = field(default_factory=new_recording_key)
    address: str = ""
    refuse: int = 0
    parts: list[RecordedPartReport] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    async def receive(self, request: Request) -> Response:
        body = await request.body()
        verify([KEY], request.headers, SignedMessage("voice", request.url.path, body), time.time())
        if self.refuse:
            self.refuse -= 1
            return JSONResponse({"reason": "later"}, 503)
        self.parts.append(RecordedPartReport.model_validate_json(body))
        self.raw.append(body)
        return JSONResponse({"part": self.parts[-1].part})

    def tracks(self) -> tuple[Samples, Samples]:
        """The operator's sound and the others', of what has come."""
        own, others = b"", b""
        for each in self.parts:
            sound = opened_part(self.key, each.recording, each.part, each.sealed)
            assert sound is not None
            own, others = own + sound[: len(sound) // 2], others + sound[len(sound) // 2 :]
        return A_LAW.decode(own), A_LAW.decode(others)

    async def whole(self) -> None:
        """Wait for the last part."""
        async with asyncio.timeout(40):
            while not (self.parts and self.parts[-1].last):  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.05)


@asynccontextmanager
async def receiving() -> AsyncIterator[Intake]:
    """Run the receiver of parts."""
    intake = Intake()
    app = Starlette(routes=[Route(PATH, intake.receive, methods=["POST"])])
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    async with serving(config, "127.0.0.1", 0, "test") as address:
        intake.address = address + PATH
        yield intake


async def record(desk: Desk, key: bytes, recording: str = "a" * 20) -> int:
    """Order a recording; the status."""
    coded = base64.b64encode(key).decode()
    order = {"id": recording, "written_ms": 1_772_000_000_000, "case": "r-1", "cipher": "aes-256-gcm", "key": coded}
    return await desk.act("c1", "record", recording=order)


async def until_recording(desk: Desk, state: RecordingState) -> RecordingInCall:
    """Wait until the latest report has a recording in a state."""
    async with asyncio.timeout(60):
        while True:
            told = desk.reports[-1].recording
            if told is not None and told.state is state:
                return told
            await asyncio.sleep(0.02)


def loudness(sound: Samples) -> float:
    """The root mean square."""
    return float(np.sqrt(np.mean(sound.astype(np.float64) ** 2))) if len(sound) else 0.0


def on_disk(folder: Path) -> bytes:
    """All that the gateway has on its disk."""
    return b"".join(each.read_bytes() for each in folder.glob("*.sqlite*"))


async def test_both_hear_the_announcement_and_then_both_are_recorded_but_not_what_was_paused(tmp_path: Path) -> None:
    async with receiving() as intake:
        more = f'recordings_url = "{intake.address}"\nrecording_notice = "录音"\nrecording_notice_ko = "녹음"'
        async with telephones(tmp_path, more=more) as (desk, operator, resident):
            assert await desk.call("c1") == 202
            await desk.until(CONNECTED)
            await asyncio.gather(hears(resident, said(1)), hears(operator, said(2)))
            assert (await desk.phones()).json()["recording"] is True
            assert await desk.act("c1", "pause_recording") == 409, "nothing is recorded yet"
            before = len(resident.heard())
            intake.refuse = 2  # intake is away for a moment
            assert await record(desk, intake.key) == 202
            told = await until_recording(desk, RecordingState.ANNOUNCING)
            assert (told.begun, intake.parts) == (False, [])
            assert await record(desk, intake.key, "b" * 20) == 409, "a call has one recording"
            await until_recording(desk, RecordingState.RECORDING)
            announced = [phone.heard()[before:] for phone in (operator, resident)]
            assert min(map(loudness, announced)) > 50
            await asyncio.gather(hears(resident, said(1)), hears(operator, said(2)))
            assert await desk.act("c1", "pause_recording") == 202
            await until_recording(desk, RecordingState.PAUSED)
            paused = intake.tracks()
            await asyncio.sleep(3)
            assert len(intake.tracks()[0]) - len(paused[0]) <= 16_000, "only what waited may still come"
            assert await desk.act("c1", "resume_recording") == 202
            await asyncio.sleep(3)
            assert await desk.act("c1", "stop_recording") == 202
            stopped = await until_recording(desk, RecordingState.ENDED)
            assert await desk.act("c1", "stop_recording") == 409
            assert await desk.act("c1", "resume_recording") == 409
            await hears(resident, said(1))
            assert await desk.act("c1", "hang_up") == 202
            ended = await desk.ended()
            await intake.whole()
    assert ended.recording is not None
    assert (ended.recording.state, ended.recording.begun) == (RecordingState.ENDED, True)
    assert ended.recording == stopped, "nothing is recorded after its end"
    own, others = intake.tracks()
    assert len(own) == len(others) == round((ended.recording.seconds or 0) * 8000)
    assert min(likeness(said(1), own), likeness(said(2), others)) > LEAST
    assert max(likeness(said(2), own), likeness(said(1), others)) < 0.35
    assert [each.part for each in intake.parts] == list(range(1, len(intake.parts) + 1))
    assert ended.seconds is not None
    assert ended.recording.seconds is not None
    assert ended.recording.seconds < ended.seconds - 3, "announcement and pause are not in it"
    stored = on_disk(tmp_path)
    assert stored
    assert base64.b64encode(intake.key) not in stored
    assert intake.key not in stored


async def test_a_gateway_without_an_address_for_recordings_records_nothing(tmp_path: Path) -> None:
    async with telephones(tmp_path) as (desk, _, resident):
        assert await desk.call("c1") == 202
        await desk.until(CONNECTED)
        await hears(resident, said(1))
        assert "recording" not in (await desk.phones()).json()
        assert await record(desk, new_recording_key()) == 422
        assert desk.reports[-1].recording is None
