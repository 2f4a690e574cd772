"""An announcement before a recording: one telephone on hold mutes nobody, and opens no recording."""

from types import SimpleNamespace
from typing import cast

from domain.access.ciphers import RecordCipher
from domain.carriers.recorded_sound import new_recording_key
from streams.gateways.voice.media.g711 import A_LAW, FRAME
from streams.gateways.voice.media.stream import StreamEars
from streams.gateways.voice.operators.bridge import BridgeState, SoundBridge
from streams.gateways.voice.operators.party import CallParty
from streams.gateways.voice.operators.recorder import CallRecorder, SealedSound, WantedRecording

WORDS = [bytes([code]) * FRAME for code in (1, 2)]
NOTICE = {A_LAW.name: WORDS}
SAID = b"\x91" * FRAME


class Side:
    """A side with a plan, whose source the test asks in place of a clock."""

    def __init__(self) -> None:
        self.stream = SimpleNamespace(ears=StreamEars(), source=lambda: None)
        self.leg = SimpleNamespace(events=SimpleNamespace(pressed=lambda _: None))
        self.plan, self.tones = SimpleNamespace(law=A_LAW), None


def party() -> CallParty:
    return cast(CallParty, Side())


class Talk:
    """A talk of two, with a recording that is announced."""

    def __init__(self) -> None:
        self.operator, self.resident = party(), party()
        self.bridge = SoundBridge(self.operator, self.resident, {})
        self.bridge.set_state(BridgeState.TALK)
        self.parts: list[SealedSound] = []
        wanted = WantedRecording("a" * 20, 7, "r-1", RecordCipher.AES, new_recording_key())
        self.recorder = CallRecorder(wanted, self._put, lambda: None)
        self.bridge.record(self.recorder, NOTICE)

    def _put(self, part: SealedSound) -> bool:
        self.parts.append(part)
        return True

    def say(self, frames: int) -> None:
        for _ in range(frames):
            self.operator.stream.ears.sound(SAID)
            self.recorder.tick()


def hears(side: CallParty) -> bytes | None:
    return side.stream.source()


def test_who_had_the_announcement_hears_the_others_while_a_telephone_is_on_hold() -> None:
    talk, third = Talk(), party()
    talk.bridge.admit(third)  # hears it too, but its telephone is on hold: nobody asks its source
    assert [hears(talk.operator), hears(talk.operator)] == WORDS
    assert [hears(talk.resident), hears(talk.resident)] == WORDS
    talk.say(8)
    assert SAID in [hears(talk.resident) for _ in range(8)]
    talk.recorder.end()
    assert talk.parts == [], "not all have heard it"


def test_an_ended_recording_is_announced_to_nobody_who_joins() -> None:
    talk = Talk()
    talk.recorder.end()
    for side in (talk.operator, talk.resident):
        assert [hears(side), hears(side)] == WORDS
    third = party()
    talk.bridge.admit(third)
    assert hears(third) not in WORDS
