"""Guesses from the first seconds of sound whether a mailbox or a person has answered.

A person says a short greeting and waits ("喂?", "您好"); a machine speaks on, or beeps. The guess is sometimes wrong,
so a call goes on playing its message, and a pressed key takes precedence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FRAME_SECONDS = 0.02


class Answerer(StrEnum):
    """The guess about the side that answered. UNDECIDED: more sound is needed."""

    PERSON = "person"
    MAILBOX = "mailbox"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class MailboxRules:
    """The limits of the guess, in seconds, except `loud`.

    `loud`: the root mean square, of samples of 16 bits (32767 is the loudest), from which a frame counts as speech. All
    are assumed, after usual settings of answering machine detection: a person's greeting lasts 0.3 to 1.5 s.
    """

    longest_greeting: float = 2.2
    pause_after_greeting: float = 0.8
    silence_at_first: float = 2.0
    beep: float = 0.2
    loud: float = 400.0


@dataclass(frozen=True, slots=True)
class SoundFrame:
    """20 ms of sound. `loudness`: its root mean square, of 16-bit samples; `tone`: True if nearly all its energy is one
    tone.
    """

    loudness: float
    tone: bool = False


def who_answered(frames: Sequence[SoundFrame], rules: MailboxRules) -> Answerer:
    """Return the guess from the frames since the answer, oldest first.

    MAILBOX: an uninterrupted tone of at least `beep` seconds, or more speech than a greeting has. PERSON: a pause after
    a short greeting, or silence from the beginning. UNDECIDED: neither yet.
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


@dataclass(frozen=True, slots=True)
class HeardTalk:
    """What an exchange that detects talk has reported, in seconds since the answer. `began`: when the answering side
    began to talk; `paused`: when its first pause was as long as that after a greeting. None: not reported yet.
    """

    began: float | None = None
    paused: float | None = None


def who_talked(talk: HeardTalk, seconds: float, rules: MailboxRules) -> Answerer:
    """Return the guess, `seconds` after the answer, from an exchange's reports about talk instead of sound. A beep
    cannot be recognized.

    MAILBOX: talk without a pause that is early enough for a greeting. PERSON: such a pause, or silence from the
    beginning. UNDECIDED: neither yet. The exchange reports a pause when it has lasted `pause_after_greeting`, so a
    greeting of the longest length is recognized only after that.
    """
    if talk.began is None:
        return Answerer.PERSON if seconds >= rules.silence_at_first else Answerer.UNDECIDED
    until = talk.began + rules.longest_greeting + rules.pause_after_greeting
    if talk.paused is not None and talk.paused <= until:
        return Answerer.PERSON
    return Answerer.MAILBOX if seconds > until else Answerer.UNDECIDED
