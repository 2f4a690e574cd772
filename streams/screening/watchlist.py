"""Reads watchlist entries, for a process that may read no other data of screening."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import chain
from typing import Any

from redis.asyncio import Redis

from schemas.risk.evidence import WatchEntry
from streams.runtime.settings import Settings
from streams.screening.payers import entry_of, spread, token_of
from streams.state.keys import key
from streams.state.shared_state import MARKS, Marks

TOGETHER = 2_000  # subjects that one round trip reads
Found = dict[str, WatchEntry]


class NotWholeError(RuntimeError):
    """Redis lacks entries of the watchlist, because it was emptied or replaced.

    A worker restores them: try again later.
    """


class Watchlist:
    """The watchlist in Redis, where workers keep it up to date: a new entry is found at once.

    Only one connection reads at a time. Questions that arrive meanwhile share the next round trip, so that under load
    each costs less and no further connection is opened. `seconds`: the longest time that one round trip may take.
    """

    def __init__(self, redis: "Redis", settings: Settings, seconds: float) -> None:
        self._redis: Any = redis  # redis-py types each result as sync or async
        self._partitions, self._seconds = settings.partitions, seconds
        self._marks = Marks(settings)
        self._waiting: deque[tuple[list[str], asyncio.Future[Found]]] = deque()
        self._reading: asyncio.Task[None] | None = None

    async def entries(self, subjects: Iterable[str]) -> Found:
        """Return the watchlist entries of these subjects, by subject. Subjects without an entry are left out.

        Raises NotWholeError while entries may be missing, OtherInstallationError if the Redis is another installation's
        or was filled under another secret, and RedisError or TimeoutError if it does not answer.
        """
        asked = list(dict.fromkeys(subjects))
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_waiting())
        found = await answer
        return {subject: found[subject] for subject in asked if subject in found}

    async def _read_waiting(self) -> None:
        """Answer the waiting questions, and those that come in meanwhile, until none is left."""
        while self._waiting:
            questions = self._next()
            waiting = [answer for _, answer in questions]
            try:
                async with asyncio.timeout(self._seconds):
                    found = await self._read(chain.from_iterable(asked for asked, _ in questions))
            except Exception as error:  # whoever asked gets it
                for answer in waiting:
                    if not answer.done():  # the request was given up
                        answer.set_exception(error)
            else:
                for answer in waiting:
                    if not answer.done():
                        answer.set_result(found)

    def _next(self) -> list[tuple[list[str], asyncio.Future[Found]]]:
        questions = [self._waiting.popleft()]
        count = len(questions[0][0])
        while self._waiting and (count := count + len(self._waiting[0][0])) <= TOGETHER:
            questions.append(self._waiting.popleft())
        return questions

    async def _read(self, subjects: Iterable[str]) -> Found:
        asked: defaultdict[int, list[str]] = defaultdict(list)
        for subject in dict.fromkeys(subjects):
            asked[spread(token_of(subject), self._partitions)].append(subject)
        async with self._redis.pipeline(transaction=False) as pipe:
            self._marks.ask(pipe)
            for q, some in asked.items():
                pipe.hmget(key("watch", q), some)
            pipe.mget(MARKS)
            info, before, *found, after = await pipe.execute()
        # Looked at before and after the entries, because Redis may be emptied in between.
        if self._marks.missing(info, before) or after != before:
            raise NotWholeError("the watchlist is not whole in Redis: a worker restores it")
        raws = zip(chain.from_iterable(asked.values()), chain.from_iterable(found), strict=True)
        return {subject: entry_of(raw) for subject, raw in raws if raw}
