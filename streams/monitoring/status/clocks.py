"""Troubles of the clocks: processes that refuse the clock of Redis, or wait until it agrees with their
machine's clock.
"""

from collections.abc import AsyncIterator, Iterable

from redis.asyncio import Redis

from streams.monitoring.status.page import Trouble, danger, listed, missed
from streams.runtime.clock_sync import SET_IT, Off, clocks_off, direction


class ClockChecks:
    """Checks whether the clocks of an installation's processes agree."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def clocks(self) -> AsyncIterator[Trouble]:
        """Yield one trouble of the weight MISSED if processes wait for their clocks to agree, and one of the weight
        DANGER if processes refuse Redis's clock; nothing if all clocks agree. Raises RedisError if Redis does not
        answer. Raises ValueError if a process's report is invalid.
        """
        found = await clocks_off(self._redis)
        waiting = {name: off for name, off in found.items() if off.waits}
        refusing = {name: off for name, off in found.items() if off.refused and not off.waits}
        if waiting:
            what = (
                f"{_told(waiting)}: it has not begun its work, since the clock of Redis is {_by(waiting.values())} its"
            )
            do = f"One of them is wrong: if other machines agree with Redis, it is that one's. {SET_IT}"
            yield missed("clocks-differ", f"{what} machine's", do)
        if refusing:
            what = f"the clock of Redis is {_by(refusing.values())} the workers' time, and refused by {_told(refusing)}"
            do = f"Nothing is sent early or late meanwhile. {SET_IT} on the machine of Redis"
            yield danger("clock-refused", what, do)


def _told(found: Iterable[str]) -> str:
    return listed(sorted(found))


def _by(found: Iterable[Off]) -> str:
    """Return the largest difference as text, such as "2.1 s ahead of"."""
    ahead = max((off.refused for off in found), key=abs)
    return f"{abs(ahead):.1f} s {direction(ahead)}"
