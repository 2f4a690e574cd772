"""Accounts that many have paid, for the tests of fan-outs: invented payers, and a worker that is killed on the way."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from redis.asyncio import Connection, Redis

from agents.screening import Screening
from schemas.casework.inputs import Alert
from schemas.people.residents import Holding, Occupation, Resident, Sex
from schemas.risk.evidence import Payer
from schemas.risk.signals import Channel, Transfer, TransferState
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Producer, Record
from tests.streams.screening.screening_line import NOW, Line, minutes_ago

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
RECORD = 500  # signals


class KilledError(RuntimeError):
    """The worker is dead: nothing that it does from here on happens."""


class Fuse:
    """Burns after so many steps; with none it only counts them."""

    def __init__(self, steps: int | None = None) -> None:
        self._steps, self.taken = steps, 0

    def step(self) -> None:
        if self._steps is not None and self.taken >= self._steps:
            raise KilledError
        self.taken += 1


class MortalProducer(Producer):
    """A worker may die before it writes, and after it has written but before it knows."""

    fuse = Fuse()

    async def send_all(self, records: Sequence[Record]) -> int:
        self.fuse.step()
        last = await super().send_all(records)
        self.fuse.step()
        return last


class MortalConnection(Connection):
    """A worker may die before each round trip to Redis."""

    def __init__(self, fuse: Fuse, **options: Any) -> None:  # noqa: ANN401 - redis-py's own
        super().__init__(**options)
        self.fuse = fuse

    async def send_packed_command(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as above
        self.fuse.step()
        await super().send_packed_command(*args, **options)


def payer(number: int) -> Resident:
    """An invented resident with one account."""
    name, rest = "", number
    for _ in range(16):
        rest, digit = divmod(rest, len(LETTERS))
        name += LETTERS[digit]
    return Resident(
        id=f"r{name}",
        name="某某",
        phones=[],
        accounts=[Holding(value=account_of(number))],
        birth_year=1980,
        sex=Sex.FEMALE,
        occupation=Occupation.EMPLOYEE,
        division="220102",
    )


def account_of(number: int) -> str:
    return f"9910{number:08d}"


def paid(number: int, payee: str, ago: float = 60, state: TransferState = TransferState.SETTLED) -> Transfer:
    """The payer's payment to an account."""
    return Transfer(
        source="bank",
        id=f"{payee}-{number}",
        at=minutes_ago(ago),
        payer=account_of(number),
        payee=payee,
        amount_fen=100_000 + number,
        channel=Channel.MOBILE_BANK,
        state=state,
    )


async def many_paid(line: Line, numbers: Sequence[int], payee: str) -> None:
    """Enter the payers, and screen a payment of each. Several are of one moment."""
    await line.residents.put([payer(number) for number in numbers])
    payments = [paid(number, payee, ago=60 + number // 7) for number in numbers]
    for start in range(0, len(payments), RECORD):
        await line.screen(payments[start : start + RECORD])


async def go_on(line: Line, partition: int = 0) -> None:
    """Screen what lies on the lanes, and what that writes there, until nothing is left."""
    before = None
    while before != (before := await line.redis.mget("screened:{0}", "screened-urgent:{0}")):
        await line.screening.lanes.cover(partition)
    for name in ("signals", "signals-urgent"):
        line.offsets[TopicPartition(name, partition)] = (await end_offsets(line.settings, name))[partition]


@asynccontextmanager
async def killed_after(line: Line, steps: int | None) -> AsyncIterator[tuple[Screening, Fuse]]:
    """A worker's screening that is killed after so many steps; never, with none."""
    fuse, producer = Fuse(steps), MortalProducer(line.settings)
    await producer.start()
    producer.fuse = fuse
    redis = Redis.from_url(str(line.settings.redis), protocol=3, connection_class=MortalConnection, fuse=Fuse())
    await redis.ping()
    redis.connection_pool.connection_kwargs["fuse"] = fuse
    first: list[Any] = redis.connection_pool._available_connections
    for connection in first:
        connection.fuse = fuse
    yield Line(line.settings, redis, producer, line.residents).screening, fuse
    await producer.stop()
    await redis.aclose()


def told(alerts: Sequence[Alert]) -> Counter[str]:
    """How many alerts each resident has."""
    return Counter(alert.resident for alert in alerts)


def kept(number: int, at: int = 0) -> Payer:
    """A payment as Redis keeps it."""
    return Payer(payer(number).id, f"t{number}", NOW, "signals", 0, at, 100, None, TransferState.SETTLED)
