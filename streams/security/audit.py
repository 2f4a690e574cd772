"""Writes entries to the audit topic, which is kept for good.

A process's entries form a hash chain (audit_chains.py).
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
    """Write audit entries, and return when Kafka has acknowledged them; waits while Kafka is unavailable.

    `beside`: records that the entries are about, such as a case input; they are sent at the same time and waited for
    too. `naming`: the first entry names the heads of the other chains. Raises SendError for a record that Kafka
    refuses, and TypeError as `chain_of` does. Reasons are stored without the numbers of anybody.
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
    """Write an entry that names the heads of the other chains, for a process that may write nothing else for long.

    Raises as `write` does.
    """
    await write(producer, [AuditEntry(at=at, by=BY, act=HEADS, on=chain_of(producer).end.chain)], naming=True)


def chain_of(producer: Producer) -> Chain:
    """Return the hash chain of the audit entries that this producer writes. Raises TypeError if it was given none."""
    if not isinstance(producer.chain, Chain):
        raise TypeError("this producer was given no chain of the audit: make it with encrypted_kafka.make_producer")
    return producer.chain


def _masked(entry: AuditEntry) -> AuditEntry:
    return entry.model_copy(update={"reason": masked_text(entry.reason)})


async def _send(producer: Producer, lines: Sequence[tuple[bytes, bytes]]) -> int:
    """Send the lines, and return the last one's offset, or -1 if unknown.

    The explicit partition keeps them in order.
    """
    return await producer.send_all([Record(AUDIT.name, key, value, 0) for key, value in lines])
