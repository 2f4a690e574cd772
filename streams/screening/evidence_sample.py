"""Draws a random sample of residents' evidence from Redis, so that it can be evaluated again under another policy.

SCAN returns keys in the order of their hashes, so the first keys are a random sample. All keys are counted, so that the
sample's share is known.
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

AT_ONCE = 200  # residents per round trip
LOOKED_AT = 2_000  # keys that Redis scans in one call: about a millisecond


@dataclass(slots=True)
class Drawn:
    """One resident's evidence, each item as unparsed JSON, when their last case was settled (`settled`: ISO 8601; None:
    no case was), and the loss that shields them (`lost`: unparsed JSON, or None).
    """

    profile: Profile
    evidence: list[bytes]
    settled: str | None
    lost: bytes | None = None


@dataclass(slots=True)
class Sample:
    """A sample of the residents with evidence.

    `most`: its largest size; `there`: number of residents with evidence, set by `draw`; `drawn`: number of residents
    read so far; `names`: the residents of the sample, as (partition, resident's id).
    """

    most: int
    there: int = 0
    drawn: int = 0
    names: list[tuple[int, str]] = field(default_factory=list)


async def draw(redis: "Redis", sample: Sample, partitions: int) -> None:
    """Count the residents with evidence, and add the number to `sample.there`; add the first of them to `sample.names`
    until it has `sample.most`.

    Scans all keys of Redis. Raises RedisError if Redis is unavailable.
    """
    client: Any = redis
    for partition in range(partitions):
        begins = f"{key('evidence', partition)}:"
        async for raw in client.scan_iter(match=f"{begins}*", count=LOOKED_AT):
            sample.there += 1
            if len(sample.names) < sample.most:
                sample.names.append((partition, raw.decode().removeprefix(begins)))


async def read(redis: "Redis", residents: Residents, sample: Sample, now: datetime) -> AsyncIterator[list[Drawn]]:
    """Yield the evidence of the residents in `sample.names`, in lists of at most 200 residents.

    Residents who are no longer in the register are left out. `now`: the time at which a resident's age decides whether
    they are a minor. Before each list, `sample.drawn` grows by the number of residents looked up, those left out
    included. Raises RedisError if Redis is unavailable.
    """
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
            pipe.hget(key("lost", partition), resident)
        answers = await pipe.execute()
    people = await residents.standing([resident for _, resident in names])
    return [
        Drawn(
            profile_of(people[resident], now),
            [raw[PREFIX:] for raw in answers[3 * number]],
            settled.decode() if (settled := answers[3 * number + 1]) else None,
            answers[3 * number + 2],
        )
        for number, (_, resident) in enumerate(names)
        if resident in people
    ]
