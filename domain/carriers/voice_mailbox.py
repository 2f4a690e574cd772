"""Guesses whether a mailbox or a person has answered, by the first seconds of sound.

A person says a short greeting and waits ("喂?", "您好"); a machine speaks on, or beeps. The guess is wrong at times, so
a call goes on playing its message, and a pressed key overrules it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FRAME_SECONDS = 0.02


class Answerer(StrEnum):
    """Who seems to have answered. UNDECIDED: listen on."""

    PERSON = "person"
    MAILBOX = "mailbox"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class MailboxRules:
    """The limits of the guess, in seconds; `loud`: the root mean square from which a frame counts as speech, of 16 bit
    samples (32767 is the loudest). Assumed, after the usual settings of answering machine detection: a greeting of a
    person lasts 0.3 to 1.5 s.
    """

    longest_greeting: float = 2.2
    pause_after_greeting: float = 0.8
    silence_at_first: float = 2.0
    beep: float = 0.2
    loud: float = 400.0


@dataclass(frozen=True, slots=True)
class SoundFrame:
    """20 ms of sound: its root mean square, and whether nearly all of its energy is one tone."""

    loudness: float
    tone: bool = False


def who_answered(frames: Sequence[SoundFrame], rules: MailboxRules) -> Answerer:
    """Return who seems to have answered, by the frames since the answer, oldest first.

    MAILBOX: a tone without a break of `beep` seconds, or speech that goes on for longer than a greeting. PERSON: a
    short greeting and then a pause, or silence at first.
    """
    speech, pause, tone, spoken = 0.0, 0.0, 0.0, False
    for frame in frames:
        loud = frame.loudness >= rules.loud
        tone = tone + FRAME_SECONDS if loud and frame.tone else 0.0
        speech, pause = (speech + FRAME_SECONDS, 0.0) if loud else (speech, pause + FRAME_SECONDS)
        spoken = spoken or loud
        if tone >= rules.beep or speech > rules.longest_greeting:
            return Answerer.MAILBOX
        if pause >= (rules.pause_after_greeting if spoken else rules.silence_at_first):
            return Answerer.PERSON
    return Answerer.UNDECIDED
