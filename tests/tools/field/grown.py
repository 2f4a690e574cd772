"""A drained installation with any number of cases, and what must be the same after its number of partitions grew."""

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from agents.casework import rebuild
from domain.casework import deadlines
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, UnchangedEvent
from schemas.casework.journal import PartialCaseEvent
from schemas.levels import Level
from schemas.people.residents import Holding, Occupation, Resident, Sex
from schemas.risk.evidence import Alerted, Evidence, EvidenceKind
from streams.casework.journal import Proven
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.consumers import started_consumer
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.topics import home
from streams.operations.growth.copies import Copier
from streams.operations.growth.readiness import WORKED_OFF
from streams.runtime.settings import Settings
from streams.state.keys import DRAINING, KeyName, key, milliseconds
from tests.domain.builders import RESIDENT, commit_of
from tests.tools.field.faults.recovery import MARK, placed, whole_story

OPEN_EVENTS = 4  # of an unfinished story: the case is open, and something falls due
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OF_CASES: tuple[KeyName, ...] = ("cases", "earlier")
HASHES: tuple[KeyName, ...] = (*OF_CASES, "settled", "alerted", "lost", "residents", "shadow-alerted")
SUMS: tuple[KeyName, ...] = ("ledger", "counts", "books", "tally")
SCORES: tuple[KeyName, ...] = ("deadlines", "queue", "rescore")
SETS: tuple[KeyName, ...] = ("held", "awaited")
WHOLE: tuple[KeyName, ...] = ("dispatch", "claim", "evidence")


class Told(NamedTuple):
    """The journal's entries of one resident, with MARK where an offset is to stand."""

    resident: str
    entries: list[bytes]


def people(number: int, events: int | None = None) -> Iterator[Told]:
    """So many residents: every third with an open case, the others with one that is over. `events`: of each at most."""
    values = [placed(event) for event in whole_story()]
    for each in range(number):
        letters = "".join(chr(ord("a") + each // 26**place % 26) for place in range(6))
        name = f"r{'a' * 10}{letters}"
        length = min(OPEN_EVENTS if each % 3 == 0 else len(values), events or len(values))
        yield Told(name, [value.replace(RESIDENT.encode(), name.encode()) for value in values[:length]])


async def fill(settings: Settings, number: int, events: int | None = None) -> int:
    """Write the journal, inputs, snapshots, register and evidence of residents. Returns the number of entries."""
    offsets: Counter[int] = Counter()
    count, new = 0, settings.partitions
    names = (topics.CASE_EVENTS, topics.CASE_INPUTS, topics.CASE_SNAPSHOTS, topics.RESIDENTS, topics.EVIDENCE)
    async with _Writers(settings, [topic.name for topic in names]) as write:
        for number_, told in enumerate(people(number, events)):
            where, name = home(told.resident, new), told.resident.encode()
            for value in told.entries:
                at, offset = _ms() + count // 100, offsets[where]
                placed_value = value.replace(MARK, str(offset).encode())
                await write(topics.CASE_EVENTS.name, where, name, placed_value, at)
                await write(topics.CASE_INPUTS.name, where, name, b"0", at)
                offsets[where] += 1
                count += 1
            case = json.loads(placed_value)["case"]
            await write(topics.CASE_SNAPSHOTS.name, where, case["id"].encode(), json.dumps(case).encode(), at)
            await write(topics.RESIDENTS.name, where, name, _resident(told.resident, number_), at)
            for key_, value in _evidence(told.resident, where):
                await write(topics.EVIDENCE.name, where, key_, value, round(now().timestamp() * 1000))
        for where in range(new):  # a commit that changed no case
            offset = offsets[where]
            unchanged = UnchangedEvent(
                commit=commit_of(offset), partition=where, offset=offset, at=now(), inputs={f"late:{where}": now()}
            )
            value = unchanged.model_dump_json().encode()
            await write(topics.CASE_EVENTS.name, where, b"standing", value, _ms() + count)
            await write(topics.CASE_INPUTS.name, where, b"rules", b"0", _ms() + count)
    return count + new


def now() -> datetime:
    """The time of day: ids of inputs applied over nine days ago no longer count."""
    return datetime.now(UTC)


def _ms() -> int:
    return round(AT.timestamp() * 1000)


def _resident(name: str, number: int) -> bytes:
    made = Resident(
        id=name,
        name="某某",
        phones=[Holding(value=f"+86199{number:08d}")],
        accounts=[Holding(value=f"99000000{number:08d}")],
        birth_year=1975,
        sex=Sex.FEMALE,
        occupation=Occupation.EMPLOYEE,
        division="220102001",
        address=f"示例路{number}号",
    )
    return made.model_dump_json().encode()


def _evidence(name: str, partition: int) -> list[tuple[bytes, bytes]]:
    seen = Evidence(
        id=f"u{name}~call", kind=EvidenceKind.CALL_OVERSEAS, at=now(), partition=partition, offset=1, seconds=60
    )
    told = Alerted(level=Level.RED, at=AT)
    return [
        (f"{name}-1".encode(), seen.model_dump_json(exclude_defaults=True).encode()),
        (f"{name}-alerted".encode(), told.model_dump_json().encode()),
    ]


class _Writers:
    """Writes to several topics at once, quickly."""

    def __init__(self, settings: Settings, names: list[str]) -> None:
        self._copiers = {name: Copier(settings, name, settings.partitions) for name in names}

    async def __aenter__(self) -> Any:  # noqa: ANN401 - the function that writes
        for each in self._copiers.values():
            await each.__aenter__()
        return self._write

    async def __aexit__(self, *error: Any) -> None:  # noqa: ANN401 - as Python has it
        for each in self._copiers.values():
            if error[0] is None:
                await each.finish()
            await each.__aexit__(*error)

    async def _write(self, topic: str, partition: int, key_: bytes, value: bytes, at: int) -> None:
        await self._copiers[topic].add(partition, key_, value, at)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Installation]:
    """The installation, opened by an operator's command."""
    line = Installation(settings, load_channels())
    await line.open()
    try:
        yield line
    finally:
        await line.close()


async def built(settings: Settings) -> "Content":
    """Let the store be built from the topics, as workers do when they start; then drain. Returns what is in it."""
    async with opened(settings) as line:
        for partition in range(settings.partitions):
            await rebuild(line.casework_context, partition, lambda done, of: None, new_log=False)
        await line.redis.set(DRAINING, json.dumps({"at": AT.isoformat(), "by": "test", "reason": "growth"}))
        found = await content(line)
    await acknowledge(settings)
    return found


async def acknowledge(settings: Settings) -> None:
    """Let the workers' group have processed all records, as after a drain."""
    for topic in WORKED_OFF:
        ends = await end_offsets(settings, topic.name)
        places = {TopicPartition(topic.name, each): end for each, end in ends.items()}
        async with started_consumer(settings, group_id=settings.app_id) as consumer:
            consumer.assign(list(places))
            await consumer.commit(places)


@dataclass
class Content:
    """What the store holds over all partitions. Each member of a set or hash once, however the partitions are split."""

    hashes: defaultdict[str, dict[str, Any]] = field(default_factory=partial(defaultdict, dict))
    sets: defaultdict[str, set[str]] = field(default_factory=partial(defaultdict, set))
    scores: defaultdict[str, dict[str, float]] = field(default_factory=partial(defaultdict, dict))
    sums: defaultdict[str, Counter[str]] = field(default_factory=partial(defaultdict, Counter))
    whole: dict[str, Any] = field(default_factory=dict)  # keys of one resident, by name without the partition
    misplaced: list[str] = field(default_factory=list)


async def content(line: Installation) -> Content:
    """Read the store. `misplaced`: residents and keys that are not in the partition where they belong."""
    found = Content()
    for partition in range(line.settings.partitions):
        await _hashes(line, partition, found)
        await _sorted_sets(line, partition, found)
        for name in SETS:
            found.sets[name] |= {raw.decode() for raw in await line.redis.smembers(key(name, partition))}
    for name in WHOLE:
        await _whole(line, name, found)
    return found


async def _hashes(line: Installation, partition: int, found: Content) -> None:
    for name in HASHES:
        for raw, value in (await line.redis.hgetall(key(name, partition))).items():
            member = raw.decode()
            _placed(found, member, partition, line.settings.partitions)
            assert member not in found.hashes[name], f"{name} {member} is in two partitions"
            found.hashes[name][member] = json.loads(value) if name in OF_CASES else value
    for name in SUMS:
        stored = await line.redis.hgetall(key(name, partition))
        found.sums[name].update({raw.decode(): int(value) for raw, value in stored.items()})


async def _sorted_sets(line: Installation, partition: int, found: Content) -> None:
    for name in SCORES:
        for raw, score in await line.redis.zrange(key(name, partition), 0, -1, withscores=True):
            _placed(found, raw.decode(), partition, line.settings.partitions)
            found.scores[name][raw.decode()] = float(score)
    applied = {raw.decode() for raw in await line.redis.zrange(key("applied", partition), 0, -1)}
    found.sets["applied"] |= {name for name in applied if not name.startswith("growth:")}


async def _whole(line: Installation, name: KeyName, found: Content) -> None:
    async for raw in line.redis.scan_iter(match=f"{name}:{{*}}:*"):
        partition, rest = raw.decode().removeprefix(f"{name}:{{").split("}:", 1)
        _placed(found, rest, int(partition), line.settings.partitions)
        value = await (line.redis.hgetall(raw) if name == "evidence" else line.redis.get(raw))
        found.whole[f"{name}:{rest}"] = value


def _placed(found: Content, name: str, partition: int, partitions: int) -> None:
    if home(name.partition("-")[0], partitions) != partition:
        found.misplaced.append(f"{name} in {partition}")


def due_of(found: Content) -> dict[str, float]:
    """The deadlines that the stored cases have, as they must be in the store."""
    cases = [Case.model_validate(each) for each in found.hashes["cases"].values()]
    return {f"{case.id}|{step}": round(at.timestamp() * 1000) for case in cases for step, at in deadlines(case).items()}


async def journal_of(settings: Settings) -> dict[str, list[str]]:
    """By resident the ids of the events that the journal proves, in their order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    kept = await beginning_offsets(settings, topics.CASE_INPUTS.name)
    for partition in range(settings.partitions):
        async for chunk in Proven(settings, partition, kept[partition]).chunks():
            for entry, value in chunk:
                if isinstance(entry, PartialCaseEvent):
                    event = CaseEvent.model_validate_json(value)
                    found[entry.case.resident].append(f"{event.id}/{event.case.version}")
    return dict(found)


async def kept_in_redis_alone(line: Installation, residents: Iterable[str]) -> None:
    """Write what no topic has: the progress of dispatches, claims, the next assessments, counts of signals."""
    partitions = line.settings.partitions
    for number, name in enumerate(residents):
        where, case = home(name, partitions), f"{name}-1"
        await line.redis.set(f"{key('dispatch', where)}:{case}-sms-1-sms", f"1:worker {number}", ex=9_000)
        await line.redis.set(f"{key('claim', where)}:{case}", f"operator-{number}", ex=9_000)
        await line.redis.zadd(key("rescore", where), {name: milliseconds(AT) + number})
        await line.redis.hset(key("shadow-alerted", where), name, f"of {number}")
        await line.redis.hincrby(key("tally", where), "bank-a|raised", 1)


def assert_same(before: Content, after: Content) -> None:
    """Nothing was lost, nothing is there twice, all is where it belongs, and the folds are equal."""
    assert after.misplaced == []
    for part in ("hashes", "sums", "scores", "sets", "whole"):
        old, new = getattr(before, part), getattr(after, part)
        assert {n for n in old if old[n]} == {n for n in new if new[n]}, part
        for name in old:
            assert new[name] == old[name], f"{name} differs"
    assert after.scores["deadlines"] == due_of(before)
