"""Sound: G.711, keys as tones, session descriptions, and espeak-ng."""

import asyncio
import struct
import time
from unittest.mock import Mock

import numpy as np
import pytest

from streams.gateways.voice.configuration import SpeechTable
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.media.g711 import A_LAW, FRAME, G711, MU_LAW, Samples, mixed
from streams.gateways.voice.media.hearing import HIGH, LOW, PAD, ToneKeys, heard
from streams.gateways.voice.media.session import MediaRefusedError, agreed, new_srtp_key, offer
from streams.gateways.voice.media.stream import HEADER, RtpStream
from streams.gateways.voice.voices import load_voices


def tones(seconds: float, *hertz: int, size: float = 4000.0) -> Samples:
    times = np.arange(int(seconds * 8000)) / 8000
    made: Samples = np.sum([size * np.sin(2 * np.pi * each * times) for each in hertz], axis=0).astype(np.int16)
    return made


def keys_in(law: G711, samples: Samples) -> list[str]:
    listener = ToneKeys(law)
    return [key for frame in law.frames(samples) if (key := listener.hear(frame))]


@pytest.mark.parametrize("law", [A_LAW, MU_LAW], ids=["A-law", "µ-law"])
def test_each_code_of_a_law_survives_and_any_sound_stays_near(law: G711) -> None:
    levels = law.decode(bytes(range(256)))
    again = law.decode(b"".join(law.frames(levels)))[:256]
    assert np.array_equal(again, levels)
    sound = tones(0.1, 440)
    error = law.decode(b"".join(law.frames(sound)))[: len(sound)].astype(float) - sound
    assert np.sum(error**2) < 1e-3 * np.sum(sound.astype(float) ** 2)  # 30 dB


def test_the_laws_have_the_levels_of_the_standard() -> None:
    assert (A_LAW.decode(b"\xd5\x55\xaa\x2a")).tolist() == [8, -8, 32256, -32256]
    assert (MU_LAW.decode(b"\xff\x80\x00")).tolist() == [0, 32124, -32124]


@pytest.mark.parametrize("first", [b"", b"a", A_LAW.quiet[1:]])
def test_payloads_of_different_lengths_are_not_mixed(first: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be mixed"):
        mixed(first, A_LAW.quiet, A_LAW)


@pytest.mark.parametrize("law", [A_LAW, MU_LAW], ids=["A-law", "µ-law"])
def test_each_key_as_two_tones_is_found_once(law: G711) -> None:
    for row, low in enumerate(LOW):
        for column, high in enumerate(HIGH):
            held = np.concatenate([np.zeros(FRAME * 5, np.int16), tones(0.1, low, high), np.zeros(FRAME * 5, np.int16)])
            assert keys_in(law, held) == [PAD[row][column]]


def test_one_tone_noise_and_silence_are_no_keys() -> None:
    noise = np.random.default_rng(3).normal(0, 3000, 80_000).astype(np.int16)
    for sound in (tones(1, 697), tones(1, 440, 480), noise, np.zeros(8000, np.int16)):
        assert keys_in(A_LAW, sound) == []


def test_a_beep_is_one_tone_and_a_key_is_not() -> None:
    assert heard(tones(0.02, 1000)).tone
    assert not heard(tones(0.02, 697, 1209)).tone
    assert not heard(np.random.default_rng(3).normal(0, 3000, FRAME).astype(np.int16)).tone


def test_an_answer_without_srtp_or_beyond_this_machine_is_refused() -> None:
    key = new_srtp_key()
    assert agreed(offer("127.0.0.1", 4000, None), secure=False).law is A_LAW
    assert agreed(offer("192.0.2.7", 4000, key), secure=True).key == key
    for text, secure in (
        (offer("192.0.2.7", 4000, None), False),
        (offer("192.0.2.7", 4000, None), True),
        (offer("127.0.0.1", 0, None), False),
        ("v=0\r\nm=audio x RTP/AVP\r\n", False),
        ("", False),
    ):
        with pytest.raises(MediaRefusedError):
            agreed(text, secure=secure)


@pytest.mark.parametrize(
    "text",
    [
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP ²\r\n",
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 99999 RTP/AVP 8\r\n",
        f"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP {'8' * 5000}\r\n",
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:é\r\n",
    ],
    ids=["no ASCII digit", "port", "long type", "key"],
)
def test_a_hostile_session_description_is_refused(text: str) -> None:
    with pytest.raises(MediaRefusedError):
        agreed(text, secure="SAVP" in text)


@pytest.mark.parametrize("language", ["zh", "ko"])
async def test_a_text_that_is_not_recorded_is_said_by_espeak(language: str) -> None:
    voices, faults = load_voices(SpeechTable())
    assert not faults
    text = {"zh": "您好，请按1。", "ko": "안녕하십니까, 1번을 눌러 주십시오."}[language]
    said = await voices.speak(text, language)
    assert said.source == "espeak-ng"
    assert 0.8 < len(said.samples) / 8000 < 10
    assert np.abs(said.samples.astype(int)).max() > 1000


@pytest.mark.parametrize(("kind", "taken"), [(300, None), (8, None), (95, None), (96, 96), (127, 127), (128, None)])
def test_key_events_have_a_dynamic_payload_type_or_keys_come_as_tones(kind: int, taken: int | None) -> None:
    text = offer("127.0.0.1", 4000, None).replace("101", str(kind))
    assert agreed(text, secure=False).keys_payload == taken


@pytest.mark.parametrize("kind", [101, 8], ids=["events", "tones"])
@pytest.mark.parametrize("digit", ["", "12", "E"])
def test_what_is_no_key_is_not_pressed(kind: int, digit: str) -> None:
    stream = RtpStream(None)
    stream.agree(agreed(offer("127.0.0.1", 4000, None).replace("101", str(kind)), secure=False))
    with pytest.raises(ValueError):  # noqa: PT011 - of any text
        stream.press(digit)


async def test_a_sound_without_packets_is_played_at_once() -> None:
    async with asyncio.timeout(1):
        await RtpStream(None).play([])


async def test_a_stream_that_fails_does_not_silence_the_others() -> None:
    clock, ticked = MediaClock(), asyncio.Event()
    failing = Mock(tick=Mock(side_effect=struct.error("format requires 0 <= number <= 255")))
    clock.start()
    clock.add(failing)
    try:
        await asyncio.sleep(0.1)
        clock.add(Mock(tick=ticked.set))
        async with asyncio.timeout(2):
            await ticked.wait()
    finally:
        await clock.close()
    assert failing.tick.call_count == 1


def test_without_srtp_only_the_first_port_and_source_after_an_answer_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = RtpStream(None)
    heard_payloads: list[bytes] = []
    stream.ears.sound = heard_payloads.append

    def comes(payload: bytes, port: int, source: int) -> None:
        stream.datagram_received(HEADER.pack(0x80, 8, 1, 160, source) + payload, ("127.0.0.1", port))

    plan = agreed(offer("127.0.0.1", 4000, None), secure=False)
    stream.agree(plan)
    comes(b"early", 4000, 1)
    stream.agree(plan)  # the answer
    comes(b"one", 4002, 2)
    comes(b"other port", 4004, 2)
    comes(b"other source", 4002, 3)
    comes(b"two", 4002, 2)
    assert heard_payloads == [b"early", b"one", b"two"]
    assert (stream.counts.received, stream.counts.refused) == (3, 2)
    monkeypatch.setattr("streams.gateways.voice.media.stream.LOCK_SECONDS", 0.0)  # it has been silent for long
    time.sleep(0.001)
    comes(b"after a transfer", 4004, 4)
    assert heard_payloads[-1] == b"after a transfer"
