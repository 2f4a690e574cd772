"""Inputs over the wire: HTTP to a real intake, records to a real broker; what each comes to is counted."""

import asyncio
import gzip
import json
import random
import time
from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition
from pydantic import ValidationError

from schemas.casework.events import journal_adapter
from streams.channels.signing import SignedMessage, sign
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.record import Raw
from streams.screening.records import read
from tests.tools.fuzz import cases, examples
from tests.tools.fuzz.book import Book, Came, Outcome
from tests.tools.fuzz.doors import bodies, lines, one_of
from tests.tools.fuzz.line import Line
from tests.tools.fuzz.mutations import as_json, bent, nasty, several
from tests.tools.fuzz.wire import Answer, Wire

CONNECTIONS = 16
RECORDS = 200  # sent together
JSON, NDJSON = "application/json", "application/x-ndjson"
ANSWERED = {202: Outcome.ACCEPTED, 200: Outcome.ACCEPTED}
TRIES, PAUSE_SECONDS = 60, 1.0  # 503 says "send it again", for example while a store is restored: a sender does
SLOW_SECONDS = 5.0  # of the wall's clock, on a machine that does other things: an answer that takes longer is a hang

Request = tuple[str, str, bytes, dict[str, str]]  # kind, path, body, headers


def request(line: Line, seed: object, number: int) -> Request:
    """The request of this number."""
    chance = random.Random(f"{seed}/http/{number}")
    way = chance.random()
    if way < 0.25:
        return _receipt(line, chance)
    body, kind = (lines(chance), NDJSON) if way < 0.4 else (bodies(chance), JSON)
    headers = {"Authorization": line.bearer, "Content-Type": kind}
    if way > 0.9:
        body, headers["Content-Encoding"] = _packed(body, chance)
    if way > 0.97:
        name, value = chance.choice(list(headers)), str(nasty(chance))
        headers[name] = value.replace("\n", "").replace("\r", "")[:9000]
    return "http signals", "/signals", body, headers


def _packed(body: bytes, chance: random.Random) -> tuple[bytes, str]:
    packed = bent(gzip.compress(body * chance.choice((1, 1, 1, 50)), 1), chance, 0.5)
    return packed, chance.choice(("gzip", "gzip", "gzip", "deflate", "br", "zstd", "x"))


def _receipt(line: Line, chance: random.Random) -> Request:
    name = chance.choice(list(examples.RECEIPTS))
    body = as_json(several(examples.RECEIPTS[name], chance), chance)
    key = line.receipts_keys[name] if chance.random() < 0.8 else b"another"
    nonce, message = f"{chance.getrandbits(96):024x}", SignedMessage(name, f"/receipts/{name}", body)
    return f"http receipt {name}", message.path, body, sign(key, message, time.time(), nonce)


async def send_requests(line: Line, book: Book, seed: object, count: int) -> None:
    """Send as many requests, over a few connections at once."""
    numbers = iter(range(count))
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(_connection(line, book, seed, numbers))


async def _connection(line: Line, book: Book, seed: object, numbers: Any) -> None:  # noqa: ANN401 - shared by all
    wire = Wire(*line.host_and_port)
    for number in numbers:
        kind, path, body, headers = request(line, seed, number)
        for _ in range(TRIES):
            began = time.monotonic()
            try:
                answer = await wire.post(path, body, headers)
            except TimeoutError:
                answer = Answer(0, "")
            if answer.status != 503:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        answered(line, book, kind, number, answer)
        if (took := time.monotonic() - began) > SLOW_SECONDS:
            book.hangs += 1
            book.fault(f"{kind}/{number}: answered after {took:.1f} s")
    await wire.close()


def answered(line: Line, book: Book, kind: str, number: object, answer: Answer) -> None:
    """Count an answer, and how many signals it says were accepted."""
    if answer.status == 0 or answer.status in (500, 503):
        book.crashed(kind, number, f"answered {answer.status}: {answer.text[:200]}")
        return
    said, outcome = answer.text, ANSWERED.get(answer.status, Outcome.REFUSED)
    if kind == "http signals" and answer.status in (202, 422):
        told = json.loads(said)
        line.outcomes["http"] += int(told["accepted"])
        errors = told.get("errors", [])  # the ids beside them are the sender's own
        said = "\n".join(json.dumps(each, ensure_ascii=False) for each in errors) or "[]"
    book.note(kind, number, Came(outcome, said))


# --- records ----------------------------------------------------------------------------------------------------------

Make = Callable[[random.Random], bytes]


def _events(chance: random.Random) -> bytes:
    """Entries of the journal; none that says it stands beyond the log: that is refused by a clear error of its own."""
    while True:
        value = as_json(several(chance.choice(_EVENTS), chance), chance)
        try:
            entry = journal_adapter.validate_json(value)
        except ValidationError:
            return value
        if entry.offset <= 4:
            return value


_EVENTS = [
    {**examples.EVENTS[0], "case": {**examples.CASE_STATE, "policy": examples.policy().hash}},
    {**examples.EVENTS[1], "policy": examples.policy().hash, "holds": []},
]


def _junk(chance: random.Random) -> bytes:
    policy = examples.POLICY.encode()[:300]
    return chance.choice((b"", b"\xff\xfe", b"6222000000000001", b"\0" * 9, policy, b"{}", b"[]"))


# Topic, how often, and what makes its records.
_TOPICS: list[tuple[topics.Topic, int, Make]] = [
    (topics.SIGNALS, 40, bodies),
    (topics.CASE_INPUTS, 20, cases.make),
    (topics.OUTSIDE_INPUTS, 10, cases.make),
    *((topic, 4, one_of([examples.DISPATCH])) for topic in topics.DISPATCHES),
    (topics.CASE_EVENTS, 4, _events),
    (topics.CASE_SNAPSHOTS, 2, one_of([examples.CASE_STATE])),
    (topics.RESIDENTS, 4, one_of(examples.RESIDENTS)),
    (topics.WATCHLIST, 3, one_of([examples.WATCH_ENTRY])),
    (topics.ROSTERS, 2, one_of([examples.ROSTER, examples.TASK])),
    (topics.POLICIES, 2, _junk),
    (topics.ACCOUNTS, 2, _junk),
]
_KEYS = (b"x", b"\xff\xfe", b"", b"station/station-1", b"task/t", b"in-force", examples.RESIDENT.encode(), b"a" * 16)


def record(partitions: int, seed: object, number: int) -> Record:
    """The record of this number; never more than Kafka takes."""
    chance = random.Random(f"{seed}/kafka/{number}")
    topic, _, make = chance.choices(_TOPICS, [weight for _, weight, _ in _TOPICS])[0]
    value = make(chance)[:900_000]
    partition = chance.randrange(partitions) if topic.family else None
    return Record(topic.name, chance.choice(_KEYS), value, partition)


async def send_records(line: Line, book: Book, seed: object, count: int) -> None:
    """Send as many records, and count what must come of the signals among them."""
    for start in range(0, count, RECORDS):
        numbers = range(start, min(start + RECORDS, count))
        records = [record(line.settings.partitions, seed, number) for number in numbers]
        await line.producer.send_all(records)
        for each in records:
            book.counts[f"kafka {each.topic}"]["sent"] += 1
            if each.topic == topics.SIGNALS.name:
                line.outcomes["kafka"] += outcomes_of(each.value or b"")


def outcomes_of(value: bytes) -> int:
    """How many outcomes a record of signals has: each signal and each dead letter one."""
    batch = read(TopicPartition(topics.SIGNALS.name, 0), [Raw(0, value)], examples.NOW)
    return sum(len(items) for _, items in batch.records) + batch.tally.total()
