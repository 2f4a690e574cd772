"""The steps of a growth, in their order. Each is recorded on the topic `partition-count` once it is complete, and a run
continues after the last one; a step that was interrupted begins again.

1. `copying`: each topic that is made anew is copied (copies, moved_journal). All topics are as before: `abort` takes
   the growth back.
2. `switched`: all copies are complete and verified, and nothing was written meanwhile. From here on, only forward.
3. Partitions are added to the topics whose records are all processed; the copied topics are made anew, one after the
   other; the consumer groups continue at the end of the new journal; Redis' keys are moved.
4. `complete`: the copies are deleted.
5. One record has the new number of partitions, and no growth is under way.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiokafka import TopicPartition
from redis.asyncio import Redis

from domain.consistency.growth import Misfit, misfit
from schemas.administration.partition_counts import CopiedTopic, Growth, GrowthPhase, PartitionCount
from streams.messaging import topics
from streams.messaging.consumers import started_consumer
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.partition_count import store_count, stored_count
from streams.messaging.topics import CASE_EVENTS, CASE_INPUTS, PARTITION_COUNT, Topic
from streams.operations.growth import broker, late_inputs
from streams.operations.growth.copies import GrowthError, copy_back, copy_to_staging, staging
from streams.operations.growth.moved_journal import copy_journal, fill_journal
from streams.operations.growth.moved_keys import MovedKeys
from streams.operations.growth.readiness import require_ready
from streams.operations.growth.turn import TURN_LOST, GrowthTurn
from streams.runtime.settings import Settings

REMADE = (
    CASE_EVENTS,
    topics.CASE_SNAPSHOTS,
    topics.RESIDENTS,
    topics.EVIDENCE,
    topics.EVIDENCE_FILES,
    topics.CALL_RECORDINGS,
)
"""Topics that are read by resident for longer than their records are processed: they are made anew."""
IN_PLACE = tuple(topic for topic in topics.ALL if topic.family and topic not in REMADE)
"""Topics of work: once all of it is done, old records may stay where they are, and new partitions are added. So may old
checkpoints: a rebuild does not use those of another number of partitions.
"""

GrowthTold = Callable[[str], object]  # is told what was done, in English

_WRONG = {
    Misfit.SAME: "it has that number already",
    Misfit.FEWER: "the number of partitions can only grow",
    Misfit.TOO_MANY: "this is more than 1,000: name fewer",
}


@dataclass(frozen=True, slots=True)
class GrownInstallation:
    """The result of a growth: the numbers of partitions before (`old`) and after (`new`). `old`: None if the
    installation had `new` partitions before the command.
    """

    old: int | None
    new: int


class Grower:
    """Carries a growth out. `settings`: with the old or the new number of partitions. `now`: the time at which a new
    growth begins. `told`: is called after each step with an English text.
    """

    def __init__(self, settings: Settings, redis: "Redis", turn: GrowthTurn, now: datetime, told: GrowthTold) -> None:
        self._settings, self._redis, self._turn, self._now, self._told = settings, redis, turn, now, told
        self._stored: PartitionCount | None = None  # the record that this run has read or written last

    async def grow(self, to: int) -> GrownInstallation:
        """Bring the installation to `to` partitions, or finish a growth to that number. Returns the number of
        partitions before (None if it was `to` already) and after.

        Raises GrowthError, which says what to do, if it cannot begin or continue; AccessError if Kafka refuses
        access; KafkaError, OSError or RedisError if a server is unavailable.
        """
        count = await self._known()
        if count.growth is None and count.partitions == to:
            await self._clean_up()
            return GrownInstallation(None, to)
        growth = await self._begun(count, to)
        if growth.phase is GrowthPhase.COPYING:
            growth = await self._switched(count.partitions, await self._copied(count.partitions, growth))
        if growth.phase is GrowthPhase.SWITCHED:
            growth = await self._filled(count.partitions, growth)
            growth = await self._moved(count.partitions, growth)
            growth = await self._completed(count.partitions, growth)
        await self._finish(growth)
        return GrownInstallation(count.partitions, to)

    async def abort(self) -> bool:
        """Abort a growth that has not switched, and delete its copies. Returns True if this was done; False if none is
        under way.

        Raises GrowthError if it has switched, or this run has lost its lease; AccessError if Kafka refuses access;
        KafkaError, OSError or RedisError if a server is unavailable.
        """
        count = await self._known()
        if count.growth is None:
            return False
        if count.growth.phase is not GrowthPhase.COPYING:
            raise GrowthError(
                "the copies are complete and the topics are being made anew from them: this can only be finished. Run "
                f"`quanzu admin topics grow {count.growth.to}`"
            )
        await self._clean_up()
        await self._store(PartitionCount(partitions=count.partitions))
        return True

    async def _known(self) -> PartitionCount:
        if self._settings.embedded:
            raise GrowthError("embedded servers forget everything: set QUANZU_PARTITIONS and start over")
        if not await asyncio.to_thread(broker.topics_present, self._settings, [PARTITION_COUNT.name]):
            raise GrowthError(f"topic {PARTITION_COUNT.name} is missing. Create it with `quanzu admin topics create`")
        self._stored = await stored_count(self._settings)
        return self._stored or PartitionCount(partitions=self._settings.partitions)

    async def _begun(self, count: PartitionCount, to: int) -> Growth:
        if count.growth is not None:
            if count.growth.to != to:
                raise GrowthError(f"a growth to {count.growth.to} partitions is under way: finish it first")
            return count.growth
        if (why := misfit(count.partitions, to)) is not None:
            raise GrowthError(f"{to} partitions instead of {count.partitions}: {_WRONG[why]}")
        found = await require_ready(self._of(count.partitions), self._redis)
        configured = await asyncio.to_thread(broker.own_settings, self._settings, [topic.name for topic in REMADE])
        growth = Growth(to=to, at=self._now, configured=configured, inputs=found.inputs, groups=found.groups)
        return await self._record(count.partitions, growth, f"a growth from {count.partitions} to {to} begins")

    async def _copied(self, old: int, growth: Growth) -> Growth:
        for topic in REMADE:
            done = growth.journal if topic is CASE_EVENTS else growth.copied.get(topic.name)
            if done is None:
                growth = await self._copy(old, growth, topic)
        return growth

    async def _copy(self, old: int, growth: Growth, topic: Topic) -> Growth:
        unlimited = {**growth.configured[topic.name], **broker.KEEPING_ALL}
        await self._require_alone()
        await asyncio.to_thread(broker.make_anew, self._settings, staging(topic.name), growth.to, unlimited)
        if topic is CASE_EVENTS:
            found = await require_ready(self._of(old), self._redis)
            made = await copy_journal(self._settings, old, growth.to, growth.at, found.policy, found.holds)
            said = f"{sum(made.records):,} entries of {made.residents:,} residents, {made.left_out:,} left out"
            return await self._record(old, growth.model_copy(update={"journal": made}), f"{topic.name} copied: {said}")
        copied = await copy_to_staging(self._settings, topic.name, old, growth.to)
        new = growth.model_copy(update={"copied": growth.copied | {topic.name: copied}})
        return await self._record(old, new, f"{topic.name} copied: {sum(copied.records):,} records")

    async def _switched(self, old: int, growth: Growth) -> Growth:
        await require_ready(self._of(old), self._redis)
        for topic in REMADE:
            await self._require_unchanged(topic.name, _copy_of(growth, topic).ends)
            await self._require_staged(growth, topic)
        await self._require_unchanged(CASE_INPUTS.name, growth.inputs)
        new = growth.model_copy(update={"phase": GrowthPhase.SWITCHED})
        return await self._record(old, new, "all copies are complete: from here on only forward")

    async def _require_unchanged(self, topic: str, ends: list[int]) -> None:
        found = await end_offsets(self._settings, topic)
        if [found[partition] for partition in range(len(ends))] != ends:
            raise GrowthError(
                f"something was written to {topic} meanwhile: a process still runs. Take this back with `--abort`, "
                "stop every worker, console and intake, and begin again"
            )

    async def _require_staged(self, growth: Growth, topic: Topic) -> None:
        """Raise GrowthError unless the copy has all its records: without it, the topic must not be deleted."""
        name, recorded = staging(topic.name), _copy_of(growth, topic).records
        found: list[int] = []
        if await asyncio.to_thread(broker.topics_present, self._settings, [name]):
            begins, ends = await beginning_offsets(self._settings, name), await end_offsets(self._settings, name)
            found = [ends[partition] - begins[partition] for partition in sorted(ends)]
        if found != recorded:
            then = (
                "Take the growth back with `--abort`" if growth.phase is GrowthPhase.COPYING else "Nothing was deleted"
            )
            raise GrowthError(
                f"topic {name} has {sum(found):,} records instead of {sum(recorded):,}: {topic.name} is not made anew "
                f"from it. {then}"
            )

    async def _filled(self, old: int, growth: Growth) -> Growth:
        names = [topic.name for topic in IN_PLACE]
        await asyncio.to_thread(broker.add_partitions, self._settings, names, growth.to)
        for topic in REMADE:
            if topic.name not in growth.filled:
                growth = await self._fill(old, growth, topic)
        return growth

    async def _fill(self, old: int, growth: Growth, topic: Topic) -> Growth:
        name, configured = topic.name, growth.configured[topic.name]
        unlimited = {**configured, **broker.KEEPING_ALL}
        await self._require_staged(growth, topic)
        await self._require_alone()
        await asyncio.to_thread(broker.make_anew, self._settings, name, growth.to, unlimited)
        if topic is CASE_EVENTS and growth.journal is not None:
            covered = await late_inputs.forward(self._settings, growth.inputs, growth.to)
            await fill_journal(self._settings, growth.journal, covered, growth.at)
            growth = growth.model_copy(update={"covered": covered})
        else:
            await copy_back(self._settings, name, growth.copied[name])
        await asyncio.to_thread(broker.configure, self._settings, name, configured, broker.KEEPING_ALL)
        new = growth.model_copy(update={"filled": [*growth.filled, name]})
        return await self._record(old, new, f"{name} made anew")

    async def _moved(self, old: int, growth: Growth) -> Growth:
        if growth.keys_moved:
            return growth
        await self._follow(growth)
        keys, log = MovedKeys(self._redis, old, growth.to), _copy_of(growth, CASE_EVENTS)
        moved = await keys.move()
        place = (growth.journal.log if growth.journal else 0) + 1
        await keys.journal_observed({each: f"{place}:{end - 1}" for each, end in enumerate(growth.covered)})
        said = f"Redis: {moved:,} keys and members moved for {sum(log.records):,} entries"
        return await self._record(old, growth.model_copy(update={"keys_moved": True}), said)

    async def _follow(self, growth: Growth) -> None:
        """Let the groups that had followed the journal to its end continue at the end of the new one."""
        ends = await end_offsets(self._settings, CASE_EVENTS.name)
        places = {TopicPartition(CASE_EVENTS.name, partition): end for partition, end in ends.items()}
        for group in growth.groups:
            async with started_consumer(self._settings, group_id=group) as consumer:
                consumer.assign(list(places))
                await consumer.commit(places)

    async def _completed(self, old: int, growth: Growth) -> Growth:
        if late := await late_inputs.misplaced(self._settings, growth.covered, old):
            again = [name for name in growth.filled if name != CASE_EVENTS.name]
            await self._store(
                PartitionCount(partitions=old, growth=growth.model_copy(update={"filled": again, "keys_moved": False}))
            )
            raise GrowthError(
                f"{late:,} inputs were written to {CASE_INPUTS.name} meanwhile, by a process of before. Stop it, and "
                "run this again: it passes them on to their new partitions"
            )
        growth = growth.model_copy(update={"phase": GrowthPhase.COMPLETE})
        await self._store(PartitionCount(partitions=old, growth=growth))
        return growth

    async def _finish(self, growth: Growth) -> None:
        await self._clean_up()  # before the growth is over: nothing would delete copies that are left then
        await self._store(PartitionCount(partitions=growth.to))
        self._told(f"{growth.to} partitions are in force")

    async def _clean_up(self) -> None:
        await self._require_alone()
        await asyncio.to_thread(broker.delete, self._settings, [staging(topic.name) for topic in REMADE])

    async def _record(self, old: int, growth: Growth, said: str) -> Growth:
        await self._store(PartitionCount(partitions=old, growth=growth))
        self._told(said)
        return growth

    async def _store(self, count: PartitionCount) -> None:
        await self._require_alone()
        await store_count(self._settings, count)
        self._stored = count

    async def _require_alone(self) -> None:
        """Raise GrowthError if this run's lease was lost, or another run has recorded a step since its last one."""
        await self._turn.require_held()
        if await stored_count(self._settings) != self._stored:
            raise GrowthError(TURN_LOST)

    def _of(self, partitions: int) -> Settings:
        return self._settings.model_copy(update={"partitions": partitions})


def _copy_of(growth: Growth, topic: Topic) -> CopiedTopic:
    found = growth.journal if topic is CASE_EVENTS else growth.copied.get(topic.name)
    if found is None:
        raise GrowthError(f"the copy of {topic.name} is not recorded. Take the growth back with `--abort`")
    return found
