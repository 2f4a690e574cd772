"""The suspects that this centre shares, in the memory of the process that answers: read from their topic, and followed.

Each change of a suspect has a time at which it was added, later than all before it, by which clients ask for what they
do not have yet.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from schemas.base import ANY_VERSION
from schemas.risk.sharing import SharedSuspect
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import beginning_offsets
from streams.messaging.reader import Read, follow, read_all
from streams.messaging.topics import SHARED_SUSPECTS
from streams.runtime.cooperative import in_pieces
from streams.runtime.settings import Settings
from streams.runtime.tasks import until_done, wanted

TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AddedSuspect:
    """The latest version of a suspect in one of the periods in which it was shared, and when this version was added."""

    at: datetime
    suspect: SharedSuspect


class SuspectsByTime:
    """The latest version of each suspect in each period in which it was shared, in the order of addition. A withdrawal
    stays when the suspect is shared again, because that is another period.
    """

    def __init__(self) -> None:
        self._latest: dict[str, AddedSuspect] = {}
        self._order: list[AddedSuspect] = []

    def add(self, suspect: SharedSuspect, milliseconds: int) -> None:
        """Add a version of a suspect, which replaces the earlier version of the same period; ignore it if the earlier
        one is of a later decision: a worker that was held up may write an old confirmation after another has written
        the withdrawal. `milliseconds`: when it was written, since 1970. A version written in the same millisecond as
        another is added a microsecond later.
        """
        known = self._latest.get(suspect.period)
        if known is not None and (suspect.at, suspect.revoked) < (known.suspect.at, known.suspect.revoked):
            return
        at = _EPOCH + timedelta(milliseconds=milliseconds)
        if self._order:
            at = max(at, self._order[-1].at + TICK)
        self._latest[suspect.period] = added = AddedSuspect(at, suspect)
        self._order.append(added)
        if len(self._order) > 2 * len(self._latest) + 100:
            self._order = list(self.after(None))

    def after(self, at: datetime | None) -> Iterator[AddedSuspect]:
        """Yield the suspects that were added later than `at` (None: all), the earliest first. Others may be added while
        a caller iterates: a version that is replaced meanwhile is left out, and its successor is yielded only by a
        later call.
        """
        order = self._order  # which is replaced, not changed, when it is cleared of replaced versions
        first = 0 if at is None else bisect_right(order, at, key=lambda added: added.at)
        for place in range(first, len(order)):
            added = order[place]
            if self._latest[added.suspect.period] is added:
                yield added


class SharedSuspects:
    """The suspects on the topic of shared suspects, kept up to date while `run` runs. `suspects`: None until the topic
    is read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.suspects: SuspectsByTime | None = None

    async def run(self) -> None:
        """Read the topic, and follow it until cancelled. Waits while Kafka is unavailable. Raises AccessError if Kafka
        refuses access.
        """
        while wanted():
            await until_done("the suspects that are shared", self._follow)

    async def _follow(self) -> None:
        following = await beginning_offsets(self._settings, SHARED_SUSPECTS.name)
        read, pause = SuspectsByTime(), in_pieces()
        async for record in read_all(self._settings, SHARED_SUSPECTS.name, {SHARED_SUSPECTS.name: following}):
            _take(read, record)
            following[record.partition] = record.offset + 1
            await pause()
        self.suspects = read  # only now: until then the former list answers, and none before the first
        async for record in follow(self._settings, SHARED_SUSPECTS.name, following):
            _take(read, record)


def _take(suspects: SuspectsByTime, record: Read) -> None:
    if record.value:
        readable(SHARED_SUSPECTS.name, record.offset, partial(_added, suspects, record.value, record.timestamp))


def _added(suspects: SuspectsByTime, value: bytes, milliseconds: int) -> SharedSuspect:
    suspect = SharedSuspect.model_validate_json(value, extra=ANY_VERSION)
    suspects.add(suspect, milliseconds)
    return suspect
