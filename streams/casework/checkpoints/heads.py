"""The heads of a partition's checkpoints: finds the newest one that a rebuild may begin at."""

import logging
from collections.abc import Collection
from typing import NamedTuple

from prometheus_client import Counter
from pydantic import ValidationError

from domain.consistency.checkpoints import Rejected, Surroundings, rejection
from schemas.administration.checkpoints import CheckpointHead, CheckpointSlot
from schemas.base import ANY_VERSION
from streams.casework.checkpoints.parts import HEAD, head_key
from streams.casework.journal import read_partial
from streams.messaging import topics
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import read_kept, read_pages
from streams.runtime.settings import Settings
from streams.state.partition_state import TopicIds

log = logging.getLogger(__name__)

WINDOW = 1_000  # records read at once, the last ones first; then twice as many, and so on

REJECTED = Counter("quanzu_checkpoints_rejected_total", "Checkpoints at which a rebuild could not begin", ["reason"])
for _reason in Rejected:
    REJECTED.labels(_reason)


class _Found(NamedTuple):
    """The latest record of a head's key. `head`: None if it cannot be read; `void`: whether it is a tombstone."""

    place: int
    key: bytes
    void: bool
    head: CheckpointHead | None


async def newest_checkpoint(
    settings: Settings, topic_ids: TopicIds, partition: int, but: Collection[str] = ()
) -> CheckpointHead | None:
    """Return the head of the partition's newest checkpoint that can be used, as far as the heads say; None without one.

    `but`: generations of checkpoints that are left out, because they turned out to be unusable.

    Of each slot only the latest head counts; a tombstone there says that the slot has no checkpoint. Those that cannot
    be used are logged and counted, with the reason. Whether all parts are there, only reading them shows. Errors of
    Kafka pass through.
    """
    begin = (await beginning_offsets(settings, topics.CHECKPOINTS.name, [partition]))[partition]
    before, window = (await end_offsets(settings, topics.CHECKPOINTS.name, [partition]))[partition], WINDOW
    seen: set[bytes] = set()
    while before > begin:
        first = max(begin, before - window)
        for found in reversed(await _heads(settings, partition, first, before - 1)):
            if found.key in seen:
                continue
            seen.add(found.key)
            if found.void or (found.head is not None and found.head.generation in but):
                continue
            if (reason := await _rejection(settings, topic_ids, partition, begin, found.head)) is None:
                return found.head
            tell_rejected(partition, found.place, reason)
        before, window = first, 2 * window
    return None


async def withdraw_checkpoints(producer: Producer, partition: int) -> None:
    """Let no later rebuild begin at a checkpoint that the partition has now. Raises SendError if Kafka refuses that."""
    await producer.send_all(
        [Record(topics.CHECKPOINTS.name, head_key(slot), None, partition) for slot in CheckpointSlot]
    )


def tell_rejected(partition: int, place: int, reason: Rejected) -> None:
    """Log, and count, that a rebuild does not begin at a checkpoint. `place`: an offset of its records."""
    REJECTED.labels(reason).inc()
    log.warning("checkpoints/%d: the checkpoint at %d is not used: %s", partition, place, reason)


async def _heads(settings: Settings, partition: int, first: int, last: int) -> list[_Found]:
    found = []
    async for page in read_pages(settings, topics.CHECKPOINTS.name, partition, first, last, opened=False):
        found += [
            _Found(each.offset, each.key, each.value is None, _head_in(each.value or b""))
            for each in page
            if each.key is not None and each.key.startswith(HEAD)
        ]
    return found


def _head_in(value: bytes) -> CheckpointHead | None:
    try:
        return CheckpointHead.model_validate_json(value, extra=ANY_VERSION)
    except ValidationError:
        return None


async def _rejection(
    settings: Settings, topic_ids: TopicIds, partition: int, begin: int, head: CheckpointHead | None
) -> Rejected | None:
    if head is None:
        return Rejected.DAMAGED
    journal_end = (await end_offsets(settings, topics.CASE_EVENTS.name, [partition]))[partition]
    here = Surroundings(
        partition,
        settings.partitions,
        journal_end,
        (await end_offsets(settings, topics.CASE_INPUTS.name, [partition]))[partition],
        await topic_ids.current(topics.CASE_EVENTS.name),
        await topic_ids.current(topics.CASE_INPUTS.name),
        await entry_at(settings, partition, head.journal) if head.journal < journal_end else None,
    )
    reason = rejection(head, here)
    return Rejected.INCOMPLETE if reason is None and head.parts and head.first < begin else reason


async def entry_at(settings: Settings, partition: int, offset: int) -> str | None:
    """Return the commit of the journal entry at an offset of the journal, as a text that differs for another commit;
    "" if the record is unreadable or the offset is -1; None if it is no longer kept. Errors of Kafka pass through;
    raises CodecError if the journal cannot be decrypted.
    """
    if offset < 0:
        return ""
    records = await read_kept(settings, topics.CASE_EVENTS.name, partition, offset, offset)
    if not records:
        return None
    entry = read_partial(offset, records[0].value or b"")
    if entry is None:
        return ""
    commit = entry.commit
    return f"{commit.log}:{commit.first}-{commit.last}/{commit.entries} {entry.offset} {commit.code}"
