"""Copies of the records about people whose data a court, prosecutor or the police ordered to be kept.

Records end with their topics' retention, the earliest after seven days. While an order is in force, copies of what
there is about the person stay on the topic `preserved`, which has no retention; when the last order about the person
has ended, the copies are deleted. Run it every day: what was copied before is not copied again.
"""

from collections.abc import AsyncIterator, Container, Mapping, Sequence
from dataclasses import dataclass

from domain.desk.legal_holds import protects
from domain.identity.held import Subject, subject
from schemas.administration.audit import AuditEntry
from schemas.people.legal_holds import PreservedRecord
from schemas.people.residents import ResidentId
from streams.installation import Installation
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.messaging.topics import LEGAL_HOLDS, PRESERVED, Topic
from streams.operations.subject_access import Found, records_about_each
from streams.security import audit

AT_ONCE = 200  # records sent together


@dataclass(frozen=True, slots=True)
class Preservation:
    """The result of a run. `people`: entries of the register that orders in force protect; `copied`, `dropped`: copies
    written and deleted; `unknown`: protected ids that the register does not have.
    """

    people: int
    copied: int
    dropped: int
    unknown: int


async def preserve_records(line: Installation, by: str) -> Preservation:
    """Copy the records about each person under an order in force to the topic `preserved`, and delete the copies of all
    others. Returns the numbers of people and copies.

    It reads every topic once, and writes an audit line with the numbers. Raises RedisError or KafkaError if Redis or
    Kafka is unavailable, SendError if Kafka refuses a record, and TimeoutError if the lock under which orders begin is
    busy for 8 s. Errors of the vault (CodecError) pass through. Run it again then.
    """
    people = await same_people(line, await _ordered(line))
    there = await _copies(line)
    entries, keys = await line.residents.get(people), line.settings.id_number_keys()
    subjects = {resident: [subject(entry, keys)] for resident, entry in entries.items()}
    copied = await _copy(line, subjects, there) if subjects else 0
    dropped = await _drop_others(line, there)
    result = Preservation(len(entries), copied, dropped, len(people) - len(entries))
    detail = f"{result.people} people, {copied} records copied, {dropped} copies deleted"
    told = AuditEntry(at=line.clock.now(), by=by, act="data-preserved", on=LEGAL_HOLDS.name, detail=detail)
    await audit.write(line.producer, [told])
    return result


async def _ordered(line: Installation) -> set[ResidentId]:
    """Return the entries that orders in force name now."""
    now = line.clock.now()
    return {each.resident for each in await line.legal_holds.all() if protects(each, now)}


async def _copy(line: Installation, people: Mapping[ResidentId, Sequence[Subject]], there: Container[bytes]) -> int:
    """Copy the records about these people, except those that are `there`. Returns the number of copies.

    Holds only the copies that are sent together.
    """
    new, copied = list[Record](), 0
    async for key, copy in keyed_copies(
        records_about_each(line.settings, people, leaving_out=(PRESERVED, LEGAL_HOLDS))
    ):
        if key not in there:
            new.append(Record(PRESERVED.name, key, copy.model_dump_json().encode()))
        if len(new) == AT_ONCE:
            await line.producer.send_all(new)
            copied, new = copied + len(new), []
    await line.producer.send_all(new)
    return copied + len(new)


async def _drop_others(line: Installation, there: Mapping[bytes, ResidentId]) -> int:
    """Delete the copies of people whom no order protects, and return their number.

    Copying took hours, so the orders are read again; and before each deletion, which is under the lock under which
    orders begin.
    """
    over, dropped = list(there.items()), 0
    while over:
        ordered = await _ordered(line)
        still = await same_people(line, ordered)
        over = [(key, resident) for key, resident in over if resident not in still]
        while over:
            async with line.legal_holds.none_begins("`quanzu admin preserve`"):
                if not await _ordered(line) <= ordered:
                    break
                await line.producer.send_all([Record(PRESERVED.name, key, None) for key, _ in over[:AT_ONCE]])
            dropped += len(over[:AT_ONCE])
            over = over[AT_ONCE:]
    return dropped


async def same_people(line: Installation, residents: set[ResidentId]) -> set[ResidentId]:
    """Return the given ids, and those of all entries merged with them, directly or through others. Empty for no ids;
    otherwise the register is read to its end. Raises RedisError if Redis is unavailable.
    """
    if not residents:
        return set()
    beside: dict[ResidentId, set[ResidentId]] = {}
    async for batch in line.residents.all():
        for entry in batch:
            if entry.merged_into:
                beside.setdefault(entry.id, set()).add(entry.merged_into)
                beside.setdefault(entry.merged_into, set()).add(entry.id)
    found, ahead = set(residents), list(residents)
    while ahead:
        new = beside.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return found


async def _copies(line: Installation) -> dict[bytes, ResidentId]:
    """Return the keys of the copies on the topic, with the resident of each."""
    found: dict[bytes, ResidentId] = {}
    async for record in read_all(line.settings, PRESERVED.name):
        key = record.key or b""
        if record.value is None:
            found.pop(key, None)
        else:
            found[key] = _owner(key)
    return found


def _owner(key: bytes) -> ResidentId:
    return key.decode().partition("-")[0]


async def keyed_copies(
    found: AsyncIterator[tuple[Topic, ResidentId, Found]],
) -> AsyncIterator[tuple[bytes, PreservedRecord]]:
    """Yield for each item of `found` (topic, resident, record) a pair: the key of its copy on the topic `preserved`,
    and the copy. A record in several parts is several items, which must follow each other. The key names the resident,
    the place of the record, when it was written, and the number of the part, from 0.

    The time is needed because a topic that a growth makes anew counts its offsets from 0 again. Errors of `found` pass
    through.
    """
    latest, part = "", 0
    async for topic, resident, record in found:
        place = f"{resident}-{topic.name}-{record['partition']}-{record['offset']}-{record['written_ms']}"
        part = part + 1 if place == latest else 0
        latest = place
        where = {name: record[name] for name in ("partition", "offset", "written_ms")}
        copy = {"resident": resident, "topic": topic.name, **where, "content": record["is"]}
        yield f"{place}-{part}".encode(), PreservedRecord.model_validate(copy)
