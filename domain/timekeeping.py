"""The time that all workers share: what is known of it, which steps of it are refused, and how a clock shows it.

A machine's clock may be set while a worker runs, by hand or by a time server. What is not set is its count of seconds
since it started, so a worker's time is that count and an offset. The offset follows one clock that all workers ask,
the shared clock (the time of Redis), as long as that clock runs evenly. If it steps, the worker's time goes on by its
own count. Only when the shared clock and this machine's own clock agree for some seconds, and differ from the worker's
time, it is the worker that is wrong: its time goes to theirs. Offsets and errors are seconds; times are the machine's
count of seconds.
"""

from dataclasses import dataclass, replace
from math import copysign

DRIFT = 0.001  # seconds a second: two clocks that time servers slew by 500 ppm each, the most that they do
RATE = 0.5  # of a second a second: how fast a clock is put right that is ahead, or a little behind
JUMP_SECONDS = 1.0  # a clock that is further behind is put right at once: what waits is late already
BACK_SECONDS = 20.0  # a clock that is further ahead is set back at once: at half its pace it would take over a minute

STEP_SECONDS = 2.0  # a step of the shared clock that is larger is refused
AGREED_SECONDS = 10.0  # so long the shared clock and the machine's agree before the worker's time goes to theirs
SLOW_SECONDS = 0.5  # an answer with a larger error does not tell a small step from a large one
SPENT_SECONDS = 60.0  # steps that are followed add up to STEP_SECONDS at most within this time


@dataclass(frozen=True, slots=True)
class Known:
    """Between which offsets the shared clock stands, known at `at`."""

    least: float
    most: float
    at: float

    @property
    def offset(self) -> float:
        """The likeliest."""
        return (self.least + self.most) / 2

    @property
    def error(self) -> float:
        """How far that may be off."""
        return (self.most - self.least) / 2


@dataclass(frozen=True, slots=True)
class Refused:
    """A shared clock that is not followed. `agreed`: since when the machine's clock agrees with it, if it does."""

    shared: Known
    agreed: float | None = None


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What a worker goes by. `known`: the clock that it follows; None until the shared clock and its machine's agree.

    `spent`: seconds by which small steps have moved it lately.
    """

    known: Known | None = None
    refused: Refused | None = None
    spent: float = 0.0


NOTHING = Reckoning()


def asked(sent: float, told: float, received: float) -> Known:
    """What an answer tells: the clock stood at `told` at some moment between sending and receiving."""
    return Known(told - received, told - sent, received)


def heard(before: Reckoning, answer: Known, machine: float) -> Reckoning:
    """What a worker goes by after another answer of the shared clock; `machine`: the offset of its machine's clock."""
    if before.known is None:
        return _begun(answer, machine)
    known = _drifted(before.known, answer.at)
    spent = max(0.0, before.spent - STEP_SECONDS / SPENT_SECONDS * max(0.0, answer.at - before.known.at))
    if (narrowed := _narrowed(known, answer)) is not None:
        return Reckoning(narrowed, spent=spent)
    step = abs(answer.offset - known.offset)
    if spent + step <= STEP_SECONDS:
        return Reckoning(answer, spent=spent + step)
    if answer.error > SLOW_SECONDS and step <= STEP_SECONDS + answer.error:
        return replace(before, known=known)  # it may be a small step or a large one: a quicker answer tells
    refused = _refused(before.refused, answer, machine)
    if refused.agreed is not None and answer.at - refused.agreed >= AGREED_SECONDS:
        return Reckoning(refused.shared)
    return Reckoning(known, refused, spent)


def disagreement(reckoning: Reckoning, machine: float) -> float:
    """By how many seconds the refused shared clock is ahead: of the worker's time, before that of the machine's."""
    if reckoning.refused is None:
        return 0.0
    own = machine if reckoning.known is None else reckoning.known.offset
    return reckoning.refused.shared.offset - own


def agree(shared: Known, machine: float) -> bool:
    """Whether two clocks agree, even where the answer's error is against it."""
    return abs(shared.offset - machine) + shared.error <= STEP_SECONDS


def approach(shown: float, wanted: float, elapsed: float) -> float:
    """The offset to show now, when `shown` was shown `elapsed` seconds ago.

    A clock that is a little ahead goes at half its pace until it is right, and so never back. One that is far ahead
    is set back: whatever is decided meanwhile would be decided by a wrong time.
    """
    behind, most = wanted - shown, RATE * max(0.0, elapsed)
    if behind > JUMP_SECONDS or behind < -BACK_SECONDS or abs(behind) <= most:
        return wanted
    return shown + copysign(most, behind)


def _begun(answer: Known, machine: float) -> Reckoning:
    """Nothing was done by any time yet: the shared clock is taken as soon as the machine's agrees with it."""
    return Reckoning(answer) if agree(answer, machine) else Reckoning(refused=Refused(answer))


def _drifted(known: Known, now: float) -> Known:
    drifted = DRIFT * max(0.0, now - known.at)
    return Known(known.least - drifted, known.most + drifted, now)


def _narrowed(known: Known, answer: Known) -> Known | None:
    """What both say together, or None when they contradict each other, or what they say together is a step.

    An answer that took long tells little, and what is known stays as narrow as the quickest has made it. After a long
    silence little is known, and an answer far off the likeliest offset is a step all the same.
    """
    least, most = max(known.least, answer.least), min(known.most, answer.most)
    both = Known(least, most, answer.at)
    return both if least <= most and abs(both.offset - known.offset) <= STEP_SECONDS else None


def _refused(before: Refused | None, answer: Known, machine: float) -> Refused:
    """The refused clock after another answer: that of before, or another one when it has stepped again."""
    shared, agreed = answer, None
    if before is not None:
        drifted = _drifted(before.shared, answer.at)
        narrowed = _narrowed(drifted, answer)
        if narrowed is not None or abs(answer.offset - drifted.offset) <= STEP_SECONDS:
            shared, agreed = narrowed or answer, before.agreed
    if not agree(shared, machine):
        return Refused(shared)
    return Refused(shared, answer.at if agreed is None else agreed)
