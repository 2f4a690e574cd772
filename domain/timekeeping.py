"""The time that all workers share: the estimate of a shared clock, its refused steps, and how corrections are shown.

A machine's clock may be set while a worker runs, by hand or by a time server. Its monotonic counter is never set, so a
worker's time is that counter plus an offset. The offset follows the shared clock (the time of Redis) as long as that
clock runs evenly. If it steps, the worker's time goes on by its own counter. Only if the shared clock and the machine's
clock agree for some seconds, and differ from the worker's time, is the worker wrong: its time then goes to theirs.
Offsets and errors are in seconds; times are seconds of the machine's monotonic counter.
"""

from dataclasses import dataclass, replace
from math import copysign

DRIFT = 0.001  # seconds per second: two clocks that time servers slew by 500 ppm each, the maximum
RATE = 0.5  # seconds per second at which a clock is corrected that is ahead, or a little behind
JUMP_SECONDS = 1.0  # a clock that is further behind is corrected at once: waiting work is late already
BACK_SECONDS = 20.0  # a clock that is further ahead is set back at once: slowly, it would take over a minute

STEP_SECONDS = 2.0  # a larger step of the shared clock is refused
AGREED_SECONDS = 10.0  # how long the shared and the machine's clock must agree before the worker follows them
SLOW_SECONDS = 0.5  # an answer with a larger error cannot distinguish a small step from a large one
SPENT_SECONDS = 60.0  # within this time, followed steps add up to STEP_SECONDS at most


@dataclass(frozen=True, slots=True)
class OffsetEstimate:
    """An estimate of the shared clock's offset: between `least` and `most` seconds at the counter time `at`."""

    least: float
    most: float
    at: float

    @property
    def offset(self) -> float:
        """The most likely offset, in seconds: the middle of `least` and `most`."""
        return (self.least + self.most) / 2

    @property
    def error(self) -> float:
        """The largest possible error of `offset`, in seconds: half the distance of `least` and `most`."""
        return (self.most - self.least) / 2


@dataclass(frozen=True, slots=True)
class Refused:
    """A shared clock that the worker does not follow. `shared`: the estimate of its offset.

    `agreed`: the counter time (seconds) since which the machine's clock agrees with the shared one; None if it does not
    agree.
    """

    shared: OffsetEstimate
    agreed: float | None = None


@dataclass(frozen=True, slots=True)
class Reckoning:
    """The state from which a worker derives its time.

    `known`: the shared clock that the worker follows; None until that clock and the machine's agree. `refused`: a
    shared clock that it does not follow, or None. `spent`: seconds by which small steps have recently moved the
    worker's time.
    """

    known: OffsetEstimate | None = None
    refused: Refused | None = None
    spent: float = 0.0


NOTHING = Reckoning()


def offset_from_answer(sent: float, told: float, received: float) -> OffsetEstimate:
    """Return the estimate of the shared clock's offset from the machine's counter that one answer of that clock gives.

    `told`: the answer, in seconds since 1970. `sent`, `received`: when the request was sent and the answer received, in
    seconds of the machine's counter.
    """
    return OffsetEstimate(told - received, told - sent, received)


def adjusted(before: Reckoning, answer: OffsetEstimate, machine: float) -> Reckoning:
    """Return the worker's state after another answer of the shared clock. `machine`: the offset of the machine's clock
    from its counter, in seconds.

    An answer that fits is followed, and so is a small step. Steps that add up to over 2 s within a minute are refused
    until the shared clock and the machine's have agreed for 10 s; then the worker follows them. An answer with an error
    over 0.5 s, by which a small step cannot be distinguished from a large one, does not move the worker's time.
    """
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
        return replace(before, known=known)  # a small or a large step: only a quicker answer can tell
    refused = _refused(before.refused, answer, machine)
    if refused.agreed is not None and answer.at - refused.agreed >= AGREED_SECONDS:
        return Reckoning(refused.shared)
    return Reckoning(known, refused, spent)


def disagreement(reckoning: Reckoning, machine: float) -> float:
    """Return by how many seconds a shared clock that is refused is ahead of the worker's time; negative if it is
    behind. Return 0 if no clock is refused.

    While the worker follows no clock yet, its time is the machine's clock. `machine`: the offset of the machine's clock
    from its counter, in seconds.
    """
    if reckoning.refused is None:
        return 0.0
    own = machine if reckoning.known is None else reckoning.known.offset
    return reckoning.refused.shared.offset - own


def agree(shared: OffsetEstimate, machine: float) -> bool:
    """Return True if the shared clock is within 2 s of the machine's clock, even with the estimate's largest error.

    `machine`: the offset of the machine's clock from its counter, in seconds.
    """
    return abs(shared.offset - machine) + shared.error <= STEP_SECONDS


def approach(shown: float, wanted: float, elapsed: float) -> float:
    """Return the offset, in seconds, to show now. `shown`: the offset that was shown `elapsed` seconds ago; `wanted`:
    the right one.

    A clock that is up to 20 s ahead runs at half its pace until it is right, so it never goes back. A clock that is
    further ahead is set back at once, because decisions would otherwise be made at a wrong time. A clock that is up to
    1 s behind runs at one and a half times its pace; one that is further behind is set forward at once.
    """
    behind, most = wanted - shown, RATE * max(0.0, elapsed)
    if behind > JUMP_SECONDS or behind < -BACK_SECONDS or abs(behind) <= most:
        return wanted
    return shown + copysign(most, behind)


def _begun(answer: OffsetEstimate, machine: float) -> Reckoning:
    """Return the first state: the shared clock is followed as soon as the machine's clock agrees, as nothing was timed
    yet.
    """
    return Reckoning(answer) if agree(answer, machine) else Reckoning(refused=Refused(answer))


def _drifted(known: OffsetEstimate, now: float) -> OffsetEstimate:
    drifted = DRIFT * max(0.0, now - known.at)
    return OffsetEstimate(known.least - drifted, known.most + drifted, now)


def _narrowed(known: OffsetEstimate, answer: OffsetEstimate) -> OffsetEstimate | None:
    """Return the intersection of both estimates; None if it is empty, or lies over 2 s from the known offset (a step).

    A slow answer says little, so the estimate stays as narrow as the quickest answer made it. After a long silence the
    estimate is wide, and an answer far from the likeliest offset is a step all the same.
    """
    least, most = max(known.least, answer.least), min(known.most, answer.most)
    both = OffsetEstimate(least, most, answer.at)
    return both if least <= most and abs(both.offset - known.offset) <= STEP_SECONDS else None


def _refused(before: Refused | None, answer: OffsetEstimate, machine: float) -> Refused:
    """Return the refused clock after another answer: the same clock as before, or a new one if the answer shows that it
    stepped again.
    """
    shared, agreed = answer, None
    if before is not None:
        drifted = _drifted(before.shared, answer.at)
        narrowed = _narrowed(drifted, answer)
        if narrowed is not None or abs(answer.offset - drifted.offset) <= STEP_SECONDS:
            shared, agreed = narrowed or answer, before.agreed
    if not agree(shared, machine):
        return Refused(shared)
    return Refused(shared, answer.at if agreed is None else agreed)
