"""Writes entries to the audit topic, which keeps them forever.

The entries of one process form a hash chain (audit_chains.py).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from domain.identity.free_text import masked_text
from schemas.administration.audit import AuditEntry
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import AUDIT
from streams.security.audit_chains import Chain

BY, HEADS = "audit", "heads"


async def write(
    producer: Producer, entries: Sequence[AuditEntry], beside: Sequence[Record] = (), *, naming: bool = False
) -> None:
    """Write audit entries, and return when Kafka has acknowledged them. Waits while Kafka is unavailable. Then stores
    the chain's new head in Redis, if the chain stores its heads; if Redis is unavailable, only a warning is logged.

    `beside`: records that the entries are about, such as a case input; they are sent at the same time and also waited
    for. Without entries, only these are sent. `naming`: True if the first entry must name the newest lines of the other
    chains. Telephone and account numbers in reasons are masked. Raises SendError for a record that Kafka refuses,
    CodecError if one of `beside` cannot be encrypted, SettingsError if this process has no key for the audit, and
    TypeError if there are entries and the producer has no audit chain.
    """
    if not entries:
        await producer.send_all(beside)
        return
    chain, masked = chain_of(producer), [_masked(each) for each in entries]
    async with chain.lock:
        if chain.unsure is not None:
            await chain.acknowledged(await _send(producer, chain.unsure.lines))
        sent = await chain.linked(masked, naming=naming)
        told = await asyncio.gather(_send(producer, sent.lines), producer.send_all(beside), return_exceptions=True)
        if isinstance(told[0], int):
            await chain.acknowledged(told[0])
    for failed in told:
        if isinstance(failed, BaseException):
            raise failed


async def bind(producer: Producer, at: datetime) -> None:
    """Write an entry that names the newest lines of the other chains, for a process that may write no other entry for
    long. `at`: the entry's time.

    Returns when Kafka has acknowledged it. Raises SendError if Kafka refuses it, SettingsError if this process has no
    key for the audit, and TypeError if the producer has no audit chain.
    """
    await write(producer, [AuditEntry(at=at, by=BY, act=HEADS, on=chain_of(producer).end.chain)], naming=True)


def chain_of(producer: Producer) -> Chain:
    """Return the hash chain of the audit entries that this producer writes. Raises TypeError if the producer has no
    chain.
    """
    if not isinstance(producer.chain, Chain):
        raise TypeError("this producer was given no chain of the audit: make it with encrypted_kafka.make_producer")
    return producer.chain


def _masked(entry: AuditEntry) -> AuditEntry:
    return entry.model_copy(update={"reason": masked_text(entry.reason)})


async def _send(producer: Producer, lines: Sequence[tuple[bytes, bytes]]) -> int:
    """Send the lines (key, value), and return the offset of the last line, -1 if unknown.

    All lines go to partition 0, which keeps their order.
    """
    return await producer.send_all([Record(AUDIT.name, key, value, 0) for key, value in lines])
