"""Residents' evidence as screening keeps it, drawn for who wants to judge it again: a part of the province, at random.

Redis tells its keys in the order of their hash, so the first of them are a fair sample; all are counted, to tell what
part it is.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from schemas.casework.cases import Profile
from streams.repositories.residents.register import Residents
from streams.screening.evaluation import profile_of
from streams.screening.store import PREFIX
from streams.state.keys import key

AT_ONCE = 200  # residents read in one round trip
LOOKED_AT = 2_000  # keys that Redis looks at in one go: a millisecond of it


@dataclass(slots=True)
class Drawn:
    """A resident's evidence as JSON, not parsed yet."""

    profile: Profile
    evidence: list[bytes]
    settled: str | None


@dataclass(slots=True)
class Sample:
    """`there`: how many residents have evidence, known once all were told; `drawn`: how many were read."""

    most: int
    there: int = 0
    drawn: int = 0
    names: list[tuple[int, str]] = field(default_factory=list)


async def draw(redis: "Redis", sample: Sample, partitions: int) -> None:
    """Count who has evidence, and note the first `sample.most` of them."""
    client: Any = redis
    for partition in range(partitions):
        begins = f"{key('evidence', partition)}:"
        async for raw in client.scan_iter(match=f"{begins}*", count=LOOKED_AT):
            sample.there += 1
            if len(sample.names) < sample.most:
                sample.names.append((partition, raw.decode().removeprefix(begins)))


async def read(redis: "Redis", residents: Residents, sample: Sample, now: datetime) -> AsyncIterator[list[Drawn]]:
    """The evidence of those who were noted, some at once. Who is no longer in the register is left out."""
    for start in range(0, len(sample.names), AT_ONCE):
        names = sample.names[start : start + AT_ONCE]
        found = await _read(redis, residents, names, now)
        sample.drawn += len(names)
        yield found


async def _read(redis: "Redis", residents: Residents, names: list[tuple[int, str]], now: datetime) -> list[Drawn]:
    client: Any = redis
    async with client.pipeline(transaction=False) as pipe:
        for partition, resident in names:
            pipe.hvals(f"{key('evidence', partition)}:{resident}")
            pipe.hget(key("settled", partition), resident)
        answers = await pipe.execute()
    people = await residents.standing([resident for _, resident in names])
    return [
        Drawn(
            profile_of(people[resident], now),
            [raw[PREFIX:] for raw in answers[2 * number]],
            settled.decode() if (settled := answers[2 * number + 1]) else None,
        )
        for number, (_, resident) in enumerate(names)
        if resident in people
    ]
