"""One run of the command that changes the number of partitions: its connections, its turn and its audit lines."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

from schemas.administration.audit import AuditEntry
from streams.messaging.producer import Producer
from streams.operations.growth.steps import Grower, GrownInstallation, GrowthTold
from streams.operations.growth.turn import GrowthTurn
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security import audit
from streams.security.audit_chains import Heads
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import connect


async def grow_partitions(settings: Settings, to: int, by: str, reason: str, told: GrowthTold) -> GrownInstallation:
    """Bring an installation to `to` partitions, or finish a growth to that number, with audit entries. Returns the
    number of partitions before (None if it was `to` already) and after.

    `by`, `reason`: who does it and why. `told`: is called after each step with an English text. Raises GrowthError,
    which says what to do, if the growth cannot begin or continue; AccessError if Kafka refuses access; KafkaError,
    OSError or RedisError if a server is unavailable: run it again.
    """
    async with _grower(settings, told) as (grower, producer, now):
        await audit.write(producer, [_line(now, by, "partitions-grow", to, reason)])
        done = await grower.grow(to)
        await audit.write(producer, [_line(now, by, "partitions-grown", to, reason)])
    return done


async def abort_growth(settings: Settings, by: str, reason: str) -> bool:
    """Abort a growth, and delete its copies, with an audit entry. Returns True if this was done; False if none is under
    way. Raises GrowthError if its copies are complete, so that it can only be finished, or another run of the command
    goes on; AccessError if Kafka refuses access; KafkaError, OSError or RedisError if a server is unavailable.
    """
    async with _grower(settings, lambda _: None) as (grower, producer, now):
        taken_back = await grower.abort()
        if taken_back:
            await audit.write(producer, [_line(now, by, "partitions-grow-aborted", settings.partitions, reason)])
    return taken_back


@asynccontextmanager
async def _grower(settings: Settings, told: GrowthTold) -> AsyncIterator[tuple[Grower, Producer, datetime]]:
    async with aclosing(connect(settings)) as redis:
        turn, clock = GrowthTurn(redis), Clock.parse(settings.clock)
        async with turn.held():
            producer = make_producer(settings, clock.wall, Heads(redis))
            await producer.start()
            try:
                yield Grower(settings, redis, turn, clock.now(), told), producer, clock.now()
            finally:
                await producer.stop()


def _line(at: datetime, by: str, act: str, partitions: int, reason: str) -> AuditEntry:
    return AuditEntry(at=at, by=by, act=act, on=f"{partitions} partitions", reason=reason)
