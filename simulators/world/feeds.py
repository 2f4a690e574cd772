"""Feeders: each source sends its signals to intake in batches, and repeats those that are not accepted.

As with real feeds, some signals are sent twice or out of order.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from schemas.risk.signals import BATCH_LIMIT, Signal
from simulators.assumptions import figures
from simulators.assumptions.chance import stream
from streams.runtime.clock import Clock

_LINES = "application/x-ndjson"
_LOOK = 0.05  # wall-clock seconds between two polls of the province
_AGAIN = 0.5  # wall-clock seconds before a batch is repeated, if intake names no time
_ACCEPTED, _SOME_REFUSED, _TOO_MANY, _AWAY = 202, 422, 429, 503
_LATE = timedelta(seconds=20)  # the most by which a signal out of order is late
TIMEOUT = 10.0  # wall-clock seconds


class FeedError(RuntimeError):
    """Intake refuses a whole batch for good, because of its key, size or form. The text says which."""


class Source(Protocol):
    """An object that yields signals as time passes, such as a simulated province: it must have the method
    `signals_until`.
    """

    def signals_until(self, now: datetime) -> list[Signal]:
        """Return all signals that became due since the last call, up to `now` (inclusive), in order of time; often
        none.
        """


class Feeders:
    """All feeds of a province, which send its signals to intake.

    `accepted`, `refused`, `sent`: source -> number of signals, repetitions included; `unanswered`: source -> number of
    signals in requests without an answer, which are sent again although intake may have them. `out_of_order`,
    `sent_twice`: the shares (0 to 1) of signals that are sent late, or twice; without `faults` there are none. Set
    `ended` to stop new events; signals of past events are still sent.
    """

    def __init__(
        self,
        source: Source,
        url: str,
        key_of: Callable[[str], str],
        clock: Clock,
        faults: bool = True,
        timeout: float = TIMEOUT,
    ) -> None:
        self._source, self._clock, self._key_of, self._faults = source, clock, key_of, faults
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout)
        self.out_of_order, self.sent_twice = figures.OUT_OF_ORDER, figures.SENT_TWICE  # shares
        self._queues: dict[str, deque[Signal]] = {}
        self._late: list[tuple[datetime, Signal]] = []
        self._senders: dict[str, asyncio.Task[None]] = {}
        self._new: dict[str, asyncio.Event] = {}
        self.ended = False
        self.sent: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()

    @property
    def queued(self) -> int:
        """Return the number of signals that are to be sent now and are not accepted yet. Signals that are delayed on
        purpose do not count.
        """
        return sum(map(len, self._queues.values()))

    @property
    def waiting(self) -> int:
        """Return the number of signals that are not accepted yet, including those delayed on purpose in order to arrive
        late or twice.
        """
        return self.queued + len(self._late)

    async def run(self, until: datetime) -> None:
        """Send the source's signals to intake until the clock shows `until` or `ended` is set. Then wait until all
        signals are accepted or refused. Call it once.

        Requests that fail are repeated without limit. Raises FeedError if intake refuses a complete batch for good. If
        cancelled, drops the signals that are not accepted yet.
        """
        try:
            while (now := self._clock.now()) < until and not self.ended:
                self._take(self._source.signals_until(now), now)
                self._look_after()
                await asyncio.sleep(_LOOK)
            end = min(now, until)
            self._take(self._source.signals_until(end), end)
            while self.waiting:
                self._take((), self._clock.now())
                self._look_after()
                await asyncio.sleep(_LOOK)
        finally:
            await self._stop()

    def _take(self, signals: Iterable[Signal], now: datetime) -> None:
        for signal in signals:
            self._queue(signal, now)
        ready = [signal for due, signal in self._late if due <= now]
        self._late = [entry for entry in self._late if entry[0] > now]
        for signal in ready:
            self._push(signal)

    def _queue(self, signal: Signal, now: datetime) -> None:
        chance = stream("feed", signal.uid, signal.model_dump_json())
        late = now + _LATE * chance.random()
        if self._faults and chance.random() < self.out_of_order:
            self._late.append((late, signal))
            return
        self._push(signal)
        if self._faults and chance.random() < self.sent_twice:
            self._late.append((late, signal))

    def _push(self, signal: Signal) -> None:
        source = signal.source
        if source not in self._queues:
            self._queues[source], self._new[source] = deque(), asyncio.Event()
            self._senders[source] = asyncio.create_task(self._send_all(source))
        self._queues[source].append(signal)
        self._new[source].set()

    def _look_after(self) -> None:
        """Raise the error of a sender that has failed."""
        for sender in self._senders.values():
            if sender.done():
                sender.result()

    async def _send_all(self, source: str) -> None:
        queue = self._queues[source]
        while True:
            await self._new[source].wait()
            self._new[source].clear()
            while queue:
                batch = [queue[index] for index in range(min(len(queue), BATCH_LIMIT))]
                await asyncio.sleep(await self._post(source, batch))

    async def _post(self, source: str, batch: list[Signal]) -> float:
        """Send a batch, and remove accepted and refused signals from the queue. Return the wall-clock seconds to wait
        before the next batch.
        """
        self.sent[source] += len(batch)
        body = "\n".join(signal.model_dump_json(exclude_none=True) for signal in batch)
        headers = {"Content-Type": _LINES, "Authorization": f"Bearer {self._key_of(source)}"}
        try:
            answer = await self._client.post("/signals", content=body.encode(), headers=headers)
        except httpx.HTTPError:
            self.unanswered[source] += len(batch)
            return _AGAIN
        if answer.status_code in (_TOO_MANY, _AWAY):
            return _wait(answer.headers)
        if answer.status_code not in (_ACCEPTED, _SOME_REFUSED):
            raise FeedError(f"intake answered {source} with {answer.status_code}: {answer.text[:200]}")
        accepted = int(answer.json()["accepted"])
        self.accepted[source] += accepted
        self.refused[source] += len(batch) - accepted
        for _ in batch:
            self._queues[source].popleft()
        return 0.0

    async def _stop(self) -> None:
        for sender in self._senders.values():
            sender.cancel()
        await asyncio.gather(*self._senders.values(), return_exceptions=True)
        await self._client.aclose()


def _wait(headers: Mapping[str, str]) -> float:
    """Return the seconds that intake asks to wait, at most one: at speed 60, five seconds would be five minutes."""
    asked = headers.get("Retry-After", "")
    return min(float(asked), 1.0) if asked.isdigit() else _AGAIN
