"""Limits log lines that another party can cause: a flood of hostile or refused units does not fill the disk."""

from collections.abc import Hashable
from dataclasses import dataclass, field

EVERY_SECONDS = 10.0


@dataclass(slots=True)
class _Line:
    at: float
    left_out: int = 0


@dataclass(slots=True)
class LogLimit:
    """Lets one line of each kind through in 10 s, and counts those that it leaves out.

    Kinds are kept for ever, so they must not come from outside.
    """

    _lines: dict[Hashable, _Line] = field(default_factory=dict)

    def due(self, kind: Hashable, now: float) -> int | None:
        """Return the number of lines of this kind that were left out since the last one (0 or more) if a line is to be
        logged now; None if one was logged less than 10 s ago: leave this line out, it is counted here.

        `now`: in seconds of the monotonic clock.
        """
        last = self._lines.get(kind)
        if last is not None and now - last.at < EVERY_SECONDS:
            last.left_out += 1
            return None
        self._lines[kind] = _Line(now)
        return last.left_out if last else 0
