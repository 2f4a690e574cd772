"""What is under way on a house's line, as Redis has it at one moment.

A test looks hundreds of times until nothing is under way any more. So each look is one transaction: a command by itself
costs this process and Redis a round trip each, and a look takes about forty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.base import ANY_VERSION
from schemas.casework.cases import Case, StepState
from streams.channels.dispatch_log import Progress, known
from streams.messaging import topics
from streams.state.keys import key, lane_key, moment


@dataclass(frozen=True, slots=True)
class UnderWay:
    """`applied`: by partition, the offset of the last applied input, None: the store is lost. `screened`: by lane and
    partition, the offset of the last screened record, -1: none. `owes`: a lane owes something, or an outbox is not
    empty. `clocks`: the first deadline, and the first moment to score again, of each partition. `cases`: the latest
    one of each resident that was asked for and has one.
    """

    applied: dict[int, int | None]
    screened: dict[str, dict[int, int]]
    owes: bool
    clocks: list[datetime]
    cases: list[Case]


async def look(redis: Any, partitions: int, residents: Sequence[str] = ()) -> UnderWay:  # noqa: ANN401 - redis-py's
    """Return what is under way. Errors of Redis pass through."""
    every = range(partitions)
    async with redis.pipeline(transaction=True) as asked:
        for partition in every:
            asked.hget(key("state", partition), "offset")
            asked.hlen(key("outbox", partition))
            for name in ("deadlines", "rescore"):
                asked.zrange(key(name, partition), 0, 0, withscores=True)
        for ending, partition in ((_ending(lane), partition) for lane in topics.LANES for partition in every):
            asked.get(lane_key("screened", ending, partition))
            asked.exists(lane_key("owed", ending, partition))
        for resident in residents:
            asked.hget(key("cases", topics.home(resident, partitions)), resident)
        answers = iter(await asked.execute())
    stores = [[next(answers) for _ in range(4)] for _ in every]
    lanes = {lane.name: [[next(answers) for _ in range(2)] for _ in every] for lane in topics.LANES}
    return UnderWay(
        applied={at: None if offset is None else int(offset) for at, (offset, *_) in enumerate(stores)},
        screened={lane: {at: int(done or -1) for at, (done, _) in enumerate(each)} for lane, each in lanes.items()},
        owes=any(outbox for _, outbox, *_ in stores) or any(owed for each in lanes.values() for _, owed in each),
        clocks=[moment(score) for _, _, *firsts in stores for first in firsts for _, score in first],
        cases=[Case.model_validate_json(raw, extra=ANY_VERSION) for raw in answers if raw],
    )


async def carried_out(redis: Any, partitions: int, cases: Sequence[Case]) -> bool:  # noqa: ANN401 - redis-py's
    """Return whether every dispatch of the cases that is out was carried out and reported. Errors of Redis pass
    through.
    """
    names = [
        f"{key('dispatch', topics.home(case.resident, partitions))}:"
        f"{case.id}:{step.id}:{step.attempt}:{step.action.channel.value}"
        for case in cases
        for step in case.steps
        if step.state is StepState.SENT
    ]
    entries = [known(raw) for raw in await redis.mget(names)] if names else []
    return all(entry is not None and entry.state is Progress.DONE for entry in entries)


def _ending(lane: topics.Topic) -> str:
    return lane.name.removeprefix(topics.SIGNALS.name)
