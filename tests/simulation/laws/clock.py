"""The law of the clock: what the shared clock is set to makes nothing happen before its time."""

from collections.abc import Iterator

from tests.simulation.laws.known import known
from tests.simulation.laws.observed import Observed

EARLY_SECONDS = 2.5  # a step of two seconds is followed, and a message takes its time


def no_deadline_early(observed: Observed) -> Iterator[str]:
    """No deadline fires before it falls due by the true time."""
    here = known(observed)
    for (case, step, due), at in sorted(here.fired.items()):
        early = due / 1000 - at
        if early > EARLY_SECONDS:
            yield f"the deadline of step {step} of case {case} fired at {here.time(at)}, {early:.1f} s before it is due"
