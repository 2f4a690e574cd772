"""The topic `evidence`: a copy of residents' evidence, from which a lost Redis is restored.

Signals are deleted earlier.

It has a record for each item of a resident's evidence, and one for the last alert to casework. They are in the
resident's partition, under keys that begin with the resident's id, and are encrypted as a whole
(streams/security/record_encryption). A record is written before its batch of signals is counted, so the evidence of
counted signals is always on the topic.

Evidence is a set, so neither order nor repetition matters when it is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from domain.ids import resident_of, short_hash
from domain.policy.risk import RiskRules
from domain.risk import merged, supersedes
from schemas.base import ANY_VERSION
from schemas.people.residents import ResidentId
from schemas.risk.evidence import Alerted, Evidence
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Record
from streams.messaging.reader import Read, Tails, read_all
from streams.messaging.topics import EVIDENCE, home
from streams.runtime.settings import Settings
from streams.screening.store import EvidenceStore, Known

ALERTED = "alerted"  # replaces the evidence id in the key of the last alert
CHUNK = 500  # records restored at once
FORGOTTEN = (None, b"", b"{}")  # values of a record whose encryption key was destroyed


@dataclass(slots=True)
class PutBack:
    """Records that are restored together, by resident id: their evidence, their last alerts (`alerted`), and when their
    evidence was last written (`written`, ms since 1970).

    `records`: the number of records that these data come from.
    """

    evidence: dict[ResidentId, list[Evidence]] = field(default_factory=dict)
    alerted: dict[ResidentId, Alerted] = field(default_factory=dict)
    written: dict[ResidentId, int] = field(default_factory=dict)
    records: int = 0


def evidence_records(
    added: Mapping[ResidentId, Sequence[Evidence]],
    known: Mapping[ResidentId, Known],
    rules: RiskRules,
    now: datetime,
    partitions: int,
) -> Iterator[Record]:
    """Yield the Kafka records, for the topic `evidence`, of a batch's evidence (`added`, by canonical resident id).

    `known`: the residents' evidence from before the batch. Evidence that another record has brought before is left out:
    that record writes it. Of evidence that is known in a later state, that state is yielded: the topic keeps what is
    written last. Also yields known evidence older than half of `rules.keep`: the topic drops records after `keep`,
    while Redis keeps a resident's set for `keep` after its last addition. Raises KeyError if `known` lacks a resident.
    """
    for resident, members in added.items():
        before = known[resident].evidence
        mine = merged({}, (member for member in members if not _of_another(member, before.get(member.id))))
        mine = merged(mine, (before[name] for name in mine if name in before))
        old = [each for each in before.values() if each.id not in mine and now - each.at > rules.keep / 2]
        yield from topic_records({resident: (*mine.values(), *old)}, partitions)


def newer_evidence(
    sent: Mapping[ResidentId, Iterable[Evidence]], known: Mapping[ResidentId, Known]
) -> dict[ResidentId, list[Evidence]]:
    """Return, of the evidence in `known`, the pieces that replace a piece of the same id in `sent`, by resident.
    Residents without any are left out. Raises KeyError if `known` lacks a resident.
    """
    found = {
        resident: [
            stored
            for member in members
            if (stored := known[resident].evidence.get(member.id)) is not None and supersedes(stored, member)
        ]
        for resident, members in sent.items()
    }
    return {resident: newer for resident, newer in found.items() if newer}


def topic_records(evidence: Mapping[ResidentId, Iterable[Evidence]], partitions: int) -> Iterator[Record]:
    """Yield a Kafka record for the topic `evidence` for each piece of evidence, by resident. `partitions`: the number
    of the topic's partitions.
    """
    for resident, members in evidence.items():
        for member in members:
            yield _record(resident, short_hash(member.id), member.model_dump_json(exclude_defaults=True), partitions)


def alerted_records(alerted: Mapping[ResidentId, Alerted], partitions: int) -> Iterator[Record]:
    """Yield a Kafka record for the topic `evidence` for each resident's last alert, in the order of `alerted`.
    `partitions`: the number of the topic's partitions.

    Write the records only after Kafka has acknowledged the alerts.
    """
    for resident, told in alerted.items():
        yield _record(resident, ALERTED, told.model_dump_json(), partitions)


async def restore(
    settings: Settings, store: EvidenceStore, rules: RiskRules, now: datetime, since: Tails | None, *, used: bool
) -> int:
    """Read the topic, add its evidence and last alerts to Redis, and return the number of records restored.

    `since`: only records at or after these offsets; None: all. `used`: True if signals may have been screened while
    evidence was missing: residents who lacked evidence are then scheduled for re-evaluation. Unreadable records are
    logged and left out. Raises RedisError or KafkaError if Redis or Kafka is unavailable. Errors of the vault
    (CodecError) pass through.
    """
    count, chunk = 0, PutBack()
    async for record in read_all(settings, EVIDENCE.name, since):
        if record.value not in FORGOTTEN:
            readable(EVIDENCE.name, record.offset, partial(_read, record, chunk))
        if chunk.records == CHUNK:
            await store.put_back(chunk.evidence, chunk.alerted, chunk.written, rules, now, used=used)
            count, chunk = count + chunk.records, PutBack()
    await store.put_back(chunk.evidence, chunk.alerted, chunk.written, rules, now, used=used)
    return count + chunk.records


def _of_another(member: Evidence, old: Evidence | None) -> bool:
    """Return whether the stored state came from another record, which writes it itself, also when it is screened
    again.
    """
    if old is None or supersedes(member, old):
        return False
    return (old.topic, old.partition, old.offset) != (member.topic, member.partition, member.offset)


def _record(resident: ResidentId, name: str, value: str, partitions: int) -> Record:
    """Return a record whose key has the resident's id and nothing about the evidence."""
    return Record(EVIDENCE.name, f"{resident}-{name}".encode(), value.encode(), home(resident, partitions))


def _read(record: Read, chunk: PutBack) -> None:
    """Add a record to the chunk. Raises ValueError if it is invalid."""
    name, value = (record.key or b"").decode(), record.value or b""
    resident = resident_of(name)
    if name == f"{resident}-{ALERTED}":
        chunk.alerted[resident] = Alerted.model_validate_json(value, extra=ANY_VERSION)
    else:
        member = Evidence.model_validate_json(value, extra=ANY_VERSION)
        chunk.evidence.setdefault(resident, []).append(member)
        chunk.written[resident] = record.timestamp
    chunk.records += 1
