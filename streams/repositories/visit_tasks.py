"""The visits given to officers (tasks): in Redis, and on the compacted topic `rosters`. Redis also has the times at
which an officer must have accepted a visit, and must check in as safe. Called by streams/repositories/rosters.
"""

from collections.abc import Callable
from functools import lru_cache

from domain.visits import check_in
from domain.visits.escalation import awaits_acceptance
from schemas.base import ANY_VERSION
from schemas.people.rosters import Task
from streams.messaging.topics import ROSTERS
from streams.state.compacted_table import CompactedTable, Place
from streams.state.keys import CHECK_INS, ESCALATIONS_DUE, VISIT_TASKS, milliseconds


@lru_cache(maxsize=16_384)
def _task(raw: bytes) -> Task:
    """Return the stored task. Cached: every visit reads all tasks of four days, and nearly all have ended."""
    return Task.model_validate_json(raw, extra=ANY_VERSION)


class VisitTasks(CompactedTable[Task]):
    """The tasks by their dispatch's id, and the times at which they are looked at."""

    place = Place(ROSTERS, Task, VISIT_TASKS, prefix="task/", name="dispatch")

    def parse(self, raw: bytes) -> Task:
        return _task(raw)

    async def put(self, thing: Task) -> None:
        """Write a task, new or changed, to the topic and then to Redis, and store its times in Redis. Waits without
        limit while Kafka is unavailable. Raises SendError if Kafka refuses the record. Errors of Redis pass through.
        """
        await super().put(thing)
        await self.watch(thing)

    async def update(self, dispatch: str, how: Callable[[Task], Task]) -> Task | None:
        """Change the task of a dispatch (by id) under its lock, because workers and the console may change it at the
        same time. Returns the task as it is then, or None if Redis has none. Raises TimeoutError if Kafka or Redis does
        not answer within 8 s, SendError if Kafka refuses the record, and RedisError if Redis is unavailable.
        """
        async with self.locked(dispatch) as task:
            after = how(task) if task else None
            if after is not None and after != task:
                await self.put(after)
            elif after is not None:
                await self.watch(after)  # the change came before, and perhaps not its times
            return after

    async def watch(self, task: Task) -> None:
        """Store in Redis when the task's escalation is to be looked at (at once if the officer need not accept it any
        more), and by when the officer must check in as safe; delete that time if the task has none. Errors of Redis
        pass through.
        """
        if awaits_acceptance(task):
            await self._redis.zadd(ESCALATIONS_DUE, {task.dispatch: milliseconds(task.at)}, nx=True)
        else:
            await self._redis.zadd(ESCALATIONS_DUE, {task.dispatch: 0}, xx=True)
        due = check_in.due(task)
        if due is None:
            await self._redis.zrem(CHECK_INS, task.dispatch)
        else:
            await self._redis.zadd(CHECK_INS, {task.dispatch: milliseconds(due)})
