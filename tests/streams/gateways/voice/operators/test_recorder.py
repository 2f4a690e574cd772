"""What a recorder records, tick by tick: only open sound, after the announcement, on two encrypted tracks."""

from domain.access.ciphers import RecordCipher
from domain.carriers.recorded_sound import new_recording_key, opened_part
from schemas.casework.call_recordings import RecordingInCall, RecordingState
from streams.gateways.voice.media.g711 import A_LAW, FRAME, MU_LAW
from streams.gateways.voice.operators.announcement import Announcement
from streams.gateways.voice.operators.recorder import PART_FRAMES, CallRecorder, SealedSound, WantedRecording

OWN, RESIDENT, THIRD = "operator", "resident", "third"


class Recording:
    """A recorder, its parts, and what it told."""

    def __init__(self) -> None:
        self.parts: list[SealedSound] = []
        self.told: list[RecordingInCall] = []
        self.open, self.takes = True, True
        self.wanted = WantedRecording("a" * 20, 7, "r-1", RecordCipher.AES, new_recording_key())
        self.recorder = CallRecorder(self.wanted, self._put, lambda: self.told.append(self.recorder.report))
        self.recorder.follow(OWN, lambda: self.open)

    def _put(self, part: SealedSound) -> bool:
        self.parts.append(part)
        return self.takes

    def say(self, frames: int, **codes: int) -> None:
        """Let sides say a tone of one code each."""
        for _ in range(frames):
            for side, code in codes.items():
                self.recorder.hear(side, bytes([code]) * FRAME, A_LAW)
            self.recorder.tick()

    def tracks(self) -> tuple[bytes, bytes]:
        """All recorded sound: the operator's, the others'."""
        own, others = b"", b""
        for each in self.parts:
            sound = opened_part(self.wanted.key, self.wanted.id, each.part, each.sealed)
            assert sound is not None
            own, others = own + sound[: len(sound) // 2], others + sound[len(sound) // 2 :]
        return own, others


def test_the_two_tracks_have_the_operator_and_everybody_else() -> None:
    made = Recording()
    made.say(PART_FRAMES + 10, operator=0x90, resident=0xA0, third=0xD5)
    made.recorder.end()
    own, others = made.tracks()
    assert len(own) == len(others) == (PART_FRAMES + 10) * FRAME
    assert (own[5 * FRAME :].strip(b"\x90"), others[5 * FRAME :].strip(b"\xa0")) == (b"", b"")
    assert [(each.part, each.last) for each in made.parts] == [(1, False), (2, True)]
    assert made.recorder.report.seconds == (PART_FRAMES + 10) * 0.02


def test_nothing_is_recorded_before_the_announcement_on_hold_and_while_paused() -> None:
    made = Recording()
    made.open = False
    made.say(50, operator=0x90, resident=0xA0)
    assert made.recorder.report.state is RecordingState.ANNOUNCING
    made.open = True
    made.say(10, operator=0x91, resident=0xA1)
    assert made.recorder.set_paused(True)
    made.say(50, operator=0x92, resident=0xA2)  # the card number
    assert made.recorder.set_paused(False)
    made.say(10, operator=0x93, resident=0xA3)
    made.recorder.end()
    own, others = made.tracks()
    assert len(own) == 20 * FRAME
    assert not {0x90, 0x92} & set(own)
    assert not {0xA0, 0xA2} & set(others)
    assert {0x91, 0x93} <= set(own)
    states = [(each.state, each.begun) for each in made.told]
    waits, records = (RecordingState.ANNOUNCING, False), (RecordingState.RECORDING, True)
    assert states == [waits, records, (RecordingState.PAUSED, True), records]


def test_the_other_law_is_translated_and_two_others_are_heard_together() -> None:
    made = Recording()
    for _ in range(10):
        made.recorder.hear(RESIDENT, MU_LAW.quiet, MU_LAW)
        made.recorder.hear(THIRD, b"\xa0" * FRAME, A_LAW)
        made.recorder.tick()
    made.recorder.end()
    assert made.tracks()[1][-1] == 0xA0


def test_a_recording_that_nobody_takes_ends_and_says_so() -> None:
    made = Recording()
    made.takes = False
    made.say(PART_FRAMES + 50, operator=0x90)
    assert made.told[-1].state is RecordingState.ENDED
    assert made.told[-1].seconds == 0, "the case would name seconds that nobody has"
    assert not made.recorder.set_paused(False)
    made.recorder.end()
    assert len(made.parts) == 1


def test_on_hold_it_does_not_say_that_it_records() -> None:
    made = Recording()
    made.say(5, operator=0x90)
    made.open = False
    made.say(5, operator=0x90)
    made.open = True
    made.say(5, operator=0x90)
    states = [each.state for each in made.told]
    assert states == [RecordingState.RECORDING, RecordingState.WAITING, RecordingState.RECORDING]


def test_a_recording_that_never_began_has_no_part() -> None:
    made = Recording()
    made.open = False
    made.say(5, operator=0x90)
    made.recorder.end()
    assert (made.parts, made.recorder.report.begun, made.recorder.report.seconds) == ([], False, 0)


def test_an_announcement_is_heard_once_everybody_who_is_still_there_had_all_of_it() -> None:
    sound = {A_LAW.name: [b"1", b"2"], MU_LAW.name: [b"3", b"4"]}
    announcement = Announcement(sound, [OWN, RESIDENT, THIRD])
    assert [announcement.take(OWN, A_LAW) for _ in range(3)] == [b"1", b"2", None]
    assert [announcement.take(RESIDENT, MU_LAW) for _ in range(2)] == [b"3", b"4"]
    assert not announcement.is_heard
    announcement.leave(THIRD)
    assert announcement.is_heard
