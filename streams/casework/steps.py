"""The steps of casework on a partition's inputs. agents/casework.py calls them in order.

The caller holds the partition's lock. The memory of these objects is only a hint; Redis and the topics are decisive.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domain.policy import PolicyError
from schemas.base import ANY_VERSION
from schemas.casework.events import CaseEvent, journal_adapter
from schemas.casework.inputs import CaseInput, HoldChange, PolicyChange, input_adapter
from streams.casework import journal
from streams.casework.applied import AppliedInputs
from streams.casework.batch import TOO_LARGE, Batch, Entry
from streams.messaging import topics
from streams.messaging.codec import refuse_unreadable
from streams.messaging.dead_letter_writer import DeadLetters
from streams.messaging.producer import Producer
from streams.messaging.record import Raw
from streams.repositories.policies import Policies, UnknownPolicyError
from streams.runtime import tracing
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import STATE
from streams.state.partition_state import Loaded
from streams.state.shared_state import Shared
from streams.state.store_update import StoreUpdate, entry_name

log = logging.getLogger(__name__)

BATCH = 200  # inputs per round trip


class Input(NamedTuple):
    """A raw case input and its parsed message. `message` is None if the input was refused, and became a dead letter."""

    raw: Raw
    message: CaseInput | None


class Decided(NamedTuple):
    """The result of deciding a batch of inputs: the store update (`update`) and the journal entries, which `update`
    also contains.
    """

    update: StoreUpdate
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class CaseworkContext:
    """The parts of an installation that casework needs.

    `shared`: restores the Redis data that all partitions share. `applied`: knows which inputs are applied.
    `lease_seconds`: the longest wall-clock time, in seconds, for which a dispatch is in progress.
    """

    settings: Settings
    store: CaseStore
    producer: Producer
    policies: Policies
    clock: Clock
    shared: Shared
    applied: AppliedInputs
    lease_seconds: float


class CaseworkSteps:
    """The steps by which a batch of case inputs is processed: parse, load, decide, commit, publish.

    Each step may be repeated without a second effect.
    """

    def __init__(self, context: CaseworkContext) -> None:
        self._store, self._producer, self._policies = context.store, context.producer, context.policies
        self._clock, self._dead_letters = context.clock, DeadLetters(context.producer, context.clock)
        self._published: dict[int, int] = {}  # partition -> journal offset of the last entry published here

    async def decode(self, partition: int, records: Sequence[Raw]) -> list[Input]:
        """Return an Input for each record, in order.

        Writes invalid and unreadable records to the dead letters; their `message` is None. Raises SendError if Kafka
        refuses a dead letter permanently.
        """
        return [Input(raw, await self._read(partition, raw)) for raw in records]

    async def load(self, partition: int, inputs: Iterable[Input]) -> Loaded | None:
        """Return the partition's rules and offset, the latest cases of the inputs' residents, and the ids of those
        inputs that were applied before.

        Returns None if Redis has lost the partition or may lack the latest commits. If an input ends a hold, the cases
        of all residents with a step held back are returned too. Errors of Redis pass through.
        """
        messages = [message for _, message in inputs if message]
        residents = {message.resident for message in messages if not isinstance(message, PolicyChange | HoldChange)}
        if any(isinstance(message, HoldChange) and message.lift for message in messages):
            residents.update(await self._store.held(partition))
        return await self._store.load(partition, [message.id for message in messages], sorted(residents))

    async def decide(self, partition: int, state: Loaded, inputs: Iterable[Input], last: int) -> Decided:
        """Decide, in order and in memory, the inputs that the store has not applied yet (domain/casework). Returns the
        store update and the journal entries. Nothing is written to Redis.

        `last`: the offset of the last input. Refused inputs (too large, or of an unknown policy) are written to the
        dead letters; SendError is raised if Kafka refuses one of these. Raises UnknownPolicyError if the partition's
        policy is stored nowhere, and PolicyError if this version cannot read it.
        """
        stored = state.standing.offset
        policy = await self._policies.get(state.standing.policy)
        batch = Batch(partition, state, policy, stored + 1, last)
        for raw, message in inputs:
            if raw.offset <= stored or message is None or message.id in batch.applied:
                continue
            if isinstance(message, PolicyChange):
                await self._follow(batch, raw, message)
            elif not batch.take(raw.offset, message):
                await self._refuse(partition, raw, TOO_LARGE)
        batch.finish(self._clock.now())
        return Decided(batch.change, batch.entries)

    async def commit(self, partition: int, stored: int, last: int, update: StoreUpdate) -> bool:
        """Write the update to Redis, and set the partition's offset to `last`. Adds the journal's offset to `update`.
        Returns True if it was written.

        Returns False, and writes nothing, if the store is no longer at the offset `stored`, if the outbox still has
        entries of an earlier commit, or if the Redis that answers is not the leading one. Errors of Redis pass through.
        """
        if partition in self._published:
            update.add("HSET", STATE, "journal", self._published[partition])
        return await self._store.commit(partition, stored, last, update)

    async def publish(self, partition: int, decided: Decided, spans: tracing.Spans) -> list[Entry]:
        """Publish the entries and their dispatches to Kafka, and remove the entries from the outbox.

        Returns the entries, in the order of their inputs, once Kafka has acknowledged all. Raises SendError if Kafka
        refuses a record permanently; the entries then stay in the outbox. Waits while Kafka is unavailable. Errors of
        Redis pass through.
        """
        for entry in decided.entries:
            if isinstance(entry, CaseEvent):
                spans.note_subject(entry.offset, case=entry.case.id, input=entry.input_kind)
        written = [(entry, decided.update.outbox[entry_name(entry)]) for entry in decided.entries]
        self._published[partition] = await journal.publish(self._producer, partition, written, spans.trace)
        await self._store.published(partition, [entry_name(entry) for entry in decided.entries])
        return decided.entries

    async def publish_outbox(self, partition: int) -> list[Entry]:
        """Publish the entries that an earlier commit of any worker left in the outbox, with their dispatches, and
        remove them from the outbox.

        Returns these entries in the order of their inputs; an empty list if the outbox was empty. Raises SendError if
        Kafka refuses a record permanently, and ValidationError if an entry is invalid. Errors of Redis pass through.
        """
        published: list[Entry] = []
        while waiting := await self._store.outbox(partition):
            entries = [(journal_adapter.validate_json(value, extra=ANY_VERSION), value) for value in waiting.values()]
            self._published[partition] = await journal.publish(self._producer, partition, entries)
            await self._store.published(partition, waiting)
            published += [entry for entry, _ in entries]
        return published

    async def _read(self, partition: int, raw: Raw) -> CaseInput | None:
        try:
            refuse_unreadable(raw.value)
            return input_adapter.validate_json(raw.value, extra=ANY_VERSION)
        except ValueError as error:
            await self._refuse(partition, raw, error)
            return None

    async def _follow(self, batch: Batch, raw: Raw, message: PolicyChange) -> None:
        """Decide by another policy from here on. If it is unknown or invalid, refuse the input and keep the present
        one.
        """
        try:
            batch.follow(raw.offset, message, await self._policies.get(message.policy))
        except (UnknownPolicyError, PolicyError) as error:
            await self._refuse(batch.partition, raw, f"policy: {error}")

    async def _refuse(self, partition: int, raw: Raw, why: Exception | str) -> None:
        log.warning("case-inputs/%d/%d is refused; see the dead letters", partition, raw.offset)
        await self._dead_letters.record(topics.CASE_INPUTS.name, partition, raw.offset, raw.value, why)
