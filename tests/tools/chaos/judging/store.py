"""What Redis holds, by its keys: past every function of the product that reads them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from schemas.casework.cases import Case


@dataclass(slots=True)
class Store:
    """What Redis holds of the cases, all partitions together: no name is in two of them."""

    cases: dict[str, Case] = field(default_factory=dict)  # by resident
    earlier: dict[str, Case] = field(default_factory=dict)  # by id
    deadlines: dict[str, float] = field(default_factory=dict)
    queue: dict[str, float] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)
    outbox: set[str] = field(default_factory=set)
    ledger: Counter[str] = field(default_factory=Counter)
    books: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    screened: Counter[str] = field(default_factory=Counter)  # signals by source


async def read(redis: Any, partitions: int) -> Store:  # noqa: ANN401 - see Servers.client
    """All of it."""
    found = Store(screened=await screened(redis, partitions))
    for tag in [f"{{{p}}}" for p in range(partitions)]:
        for raw in await redis.hvals(f"cases:{tag}"):
            case = Case.model_validate_json(raw)
            found.cases[case.resident] = case
        for raw in await redis.hvals(f"earlier:{tag}"):
            case = Case.model_validate_json(raw)
            found.earlier[case.id] = case
        found.deadlines |= _named(await redis.zrange(f"deadlines:{tag}", 0, -1, withscores=True))
        found.queue |= _named(await redis.zrange(f"queue:{tag}", 0, -1, withscores=True))
        found.applied |= {name.decode() for name in await redis.zrange(f"applied:{tag}", 0, -1)}
        found.held |= {name.decode() for name in await redis.smembers(f"held:{tag}")}
        found.outbox |= {name.decode() for name in await redis.hkeys(f"outbox:{tag}")}
        found.ledger.update(_numbers(await redis.hgetall(f"ledger:{tag}")))
        found.books.update(_numbers(await redis.hgetall(f"books:{tag}")))
        found.counts.update(_numbers(await redis.hgetall(f"counts:{tag}")))
    return found


async def offsets(redis: Any, partitions: int) -> list[int]:  # noqa: ANN401
    """Where each partition's cases stand; -1: nowhere."""
    found = [await redis.hget(f"state:{{{p}}}", "offset") for p in range(partitions)]
    return [-1 if offset is None else int(offset) for offset in found]


async def screened(redis: Any, partitions: int) -> Counter[str]:  # noqa: ANN401
    """How many signals of each source have an outcome."""
    found: Counter[str] = Counter()
    for p in range(partitions):
        for name, count in (await redis.hgetall(f"tally:{{{p}}}")).items():
            source, bar, _ = name.decode().partition("|")
            if bar:
                found[source] += int(count)
    return found


def _named(scored: list[Any]) -> dict[str, float]:
    return {name.decode(): score for name, score in scored}


def _numbers(raw: dict[bytes, bytes]) -> Counter[str]:
    return Counter({name.decode(): int(value) for name, value in raw.items()})
