"""A province to run the system on: its people, the events, and the truth that the system does not know.

The same seed gives the same province. Each resident, story and dispatch has its own random stream, so the order of
calls from threads does not matter.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count, islice
from threading import RLock

from schemas.people.residents import Resident, ResidentId
from schemas.risk.signals import Report, Signal
from simulators.assumptions.pace import COMPRESSED, Pace
from simulators.population.people import line, people
from simulators.scams.schedule import HOUR, Hour, hours
from simulators.scams.story import StoryEvent
from simulators.world.contacts import Contacts
from simulators.world.traces import confirmations, moments, trace
from simulators.world.truth import Fate, Life, Truth

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, 9:00 in Jilin
RESIDENTS = 3_000
SECRET = b"only for simulated people"


@dataclass(frozen=True, slots=True)
class Loss:
    """A payment of `amount_fen` that a victim reported as lost at `at`. `transfer`: the payment's uid."""

    resident: ResidentId
    transfer: str
    amount_fen: int
    at: datetime


_Waiting = tuple[datetime, str, int, "Signal | tuple[Life, StoryEvent]"]
"""Ordered by time, then name, then a sequence number: ties are the same in every run."""


class Province:
    """A simulated province. `people`: to be imported before the first signal; `contacts`: the reactions to calls,
    messages, visits and stops; `truth`: the record of what really happens; `seed`, `start`, `pace`: as given.
    """

    def __init__(
        self,
        seed: int,
        residents: int = RESIDENTS,
        start: datetime = START,
        pace: Pace = COMPRESSED,
        secret: bytes = SECRET,
        known: Sequence[Resident] | None = None,
    ) -> None:
        """`residents`: their number; `start`: the first moment; `secret`: the key for the hashes of ID numbers;
        `known`: the people, if they were made before (then `residents` and `secret` are not used); None or empty: they
        are made here.
        """
        self.seed, self.start, self.pace = seed, start, pace
        self.people: Sequence[Resident] = known or people(seed, residents, start.date(), secret)
        self.truth = Truth()
        self._lock = RLock()
        self.contacts = Contacts(seed, self.people, self.truth, self._lock)
        self._hours = hours(seed, self.people, start, pace)
        self._until = start
        self._waiting: list[_Waiting] = []
        self._numbers = count()
        self._losses: list[Loss] = []

    def signals_until(self, now: datetime) -> list[Signal]:
        """Return the feeds' signals that became due since the last call, up to `now` (inclusive), in order of time.
        Scams that begin by then are added to `truth`.
        """
        with self._lock:
            self._fill(now)
            told = []
            while self._waiting and self._waiting[0][0] <= now:
                at, _, _, what = heapq.heappop(self._waiting)
                signal = self._told(at, *what) if isinstance(what, tuple) else what
                if signal is not None:
                    told.append(signal)
            return told

    def next_at(self) -> datetime:
        """Return the time at which `signals_until` may next have something new: that of the next signal or other event,
        or, if that is not computed yet, the beginning of the next hour to be computed.
        """
        with self._lock:
            return min(self._until, self._waiting[0][0]) if self._waiting else self._until

    def losses(self) -> list[Loss]:
        """Return the payments that victims reported as lost since the last call, each only once; often none. Only
        settled payments count.
        """
        with self._lock:
            taken, self._losses = self._losses, []
            return taken

    def fingerprint(self, for_hours: int = 1) -> str:
        """Return a digest (SHA-256 in hex) of the people and of the events of the first `for_hours` hours.

        Equal seed, number of residents, start and pace give equal digests.
        """
        digest = sha256()
        for resident in self.people:
            known = resident.model_copy(update={"id_hash": None})  # the hash depends on the secret, not the seed
            digest.update(line(known).encode())
        for hour in islice(hours(self.seed, self.people, self.start, self.pace), for_hours):
            digest.update(repr([(story.id, story.events) for story in hour.stories]).encode())
            for due in hour.ordinary:
                digest.update(f"{due.at.isoformat()} {due.signal.model_dump_json()}".encode())
        return digest.hexdigest()

    def _fill(self, now: datetime) -> None:
        while self._until <= now:
            hour = next(self._hours)
            self._until = hour.since + HOUR
            self._begin(hour)

    def _begin(self, hour: Hour) -> None:
        for due in hour.ordinary:
            self._wait(due.at, due.order, due.signal)
        for gang in hour.gangs:
            for watch in confirmations(gang):
                self._wait(watch.at, watch.id, watch)
        for story in hour.stories:
            life = self.truth.lives[story.victim.id] = Life(story)
            for beat in story.events:
                for at in moments(beat):
                    self._wait(at, story.id, (life, beat))

    def _wait(self, at: datetime, order: str, what: "Signal | tuple[Life, StoryEvent]") -> None:
        heapq.heappush(self._waiting, (at, order, next(self._numbers), what))

    def _told(self, at: datetime, life: Life, beat: StoryEvent) -> Signal | None:
        signal = trace(life, beat, at, self.truth)
        if isinstance(signal, Report) and not life.loss_known:
            life.loss_known = True
            for payment, fate in self.truth.fates(life, at):
                if fate is Fate.SETTLED:
                    self._losses.append(Loss(life.story.victim.id, payment.uid, payment.amount_fen, at))
        return signal
