"""The epoch: decides whether this worker may act on the Redis that answers. The epoch in Kafka names the leading Redis.

Two primaries may be alive at once: one that its Sentinels have replaced and a worker still reaches, and its successor.
Each has the leases and cases that its workers need, so each would send. So claims, marks and commits contain the run
that the epoch names (`current`), and the scripts refuse them on any other Redis. A worker that Kafka's quorum does not
confirm (domain/consistency/epochs.py) has no current run, and sends nothing.
"""

import asyncio
import logging
from contextlib import suppress

from pydantic import ValidationError
from redis.asyncio import Redis

from domain.consistency.epochs import (
    SETTLE_SECONDS,
    VALID_SECONDS,
    Belief,
    Confirmation,
    Epoch,
    Server,
    abandoned,
    proposal,
)
from schemas.base import ANY_VERSION
from schemas.casework.epochs import EpochConfirmed, EpochNamed, epoch_adapter
from streams.runtime import metrics
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.runtime.tasks import TRANSIENT, cancelled, set_within, wanted
from streams.state.epoch_log import AnewError, EpochLog, KafkaLog
from streams.state.leader import EXEMPT, NAP_SECONDS, Leader
from streams.state.primary import leave, server
from streams.state.redis_client import has_sentinels, sentinels_say

log = logging.getLogger(__name__)

CONFIRM_SECONDS = 0.5
LOOK_SECONDS = 0.5
NAMED_SECONDS = 2 * SETTLE_SECONDS  # enough to propose, read and settle a new epoch


class KafkaEpoch:
    """Knows, from the topic `epochs`, which Redis leads, and whether this worker may act on it now.

    An epoch names a Redis by its run: the identity of its process together with the history of its data (see
    server_identity.py). Times are the event loop's monotonic seconds.
    """

    def __init__(self, epochs: EpochLog, redis: "Redis", clock: Clock) -> None:
        self._log, self._redis, self._clock = epochs, redis, clock
        self._belief = Belief()
        self._told: bool | None = None  # whether the last log line said that the epoch is confirmed
        self._replicas, self._started = 0, False
        self._confirm_soon, self._look_soon = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def replicated(self) -> bool:
        """True if the Redis that answered last has a connected replica."""
        return self._replicas > 0

    async def start(self) -> None:
        """Open the log of epochs, and start two background tasks: one confirms the epoch, one checks Redis, each twice
        a second. Does not wait for the first confirmation.

        Raises KafkaError if Kafka is unavailable, SettingsError if the embedded servers are not started yet, and
        ValueError if the CA file is unusable.
        """
        await self._log.start()
        self._started = True
        self._tasks = [asyncio.create_task(self._confirm_on()), asyncio.create_task(self._look_on())]

    async def stop(self) -> None:
        """Cancel the background tasks and close the log of epochs."""
        await cancelled(self._tasks)
        self._tasks = []
        await self._log.stop()

    def current(self) -> str | None:
        """Return the run that the epoch names, or None while this worker must not act: no epoch is named yet, a new one
        has not settled, or Kafka has not confirmed it within the last 1.5 s.

        Raises RuntimeError before `start`, because a process that never starts it must not act.
        """
        if not self._started:
            raise RuntimeError("the epoch is not followed: await start() first")
        return self._belief.run(self._now())

    async def run(self) -> str:
        """Return the run that the epoch names.

        Waits without a limit while this worker must not act. Raises RuntimeError before `start`.
        """
        while (run := self.current()) is None:  # noqa: ASYNC110 - passing time triggers no event
            await asyncio.sleep(NAP_SECONDS)
        return run

    async def names(self, run: str) -> bool:
        """Return True if the epoch names `run`; waits up to 3.5 s until it does, because a new epoch takes time to
        settle, and has Redis checked at once.

        Returns False if, after that time, it names another run or this worker must not act. Raises RuntimeError before
        `start`.
        """
        until = self._now() + NAMED_SECONDS
        self._look_soon.set()
        while self.current() != run and self._now() < until:  # noqa: ASYNC110 - as above
            await asyncio.sleep(NAP_SECONDS)
        return self.current() == run

    async def refused(self) -> None:
        """Have the background task check at once which Redis is connected, and return after 0.2 s.

        Call it when a Redis script refused this worker's run.
        """
        self._look_soon.set()
        await asyncio.sleep(4 * NAP_SECONDS)

    async def confirm(self) -> None:
        """Confirm with Kafka the epoch that this worker knows: write a record to the log of epochs, and read the log up
        to it, which takes over the epochs named in between. Nothing is returned: until 1.5 s after the call began,
        `current` may then return the run of the epoch in force.

        Raises AnewError if the topic was created anew, KafkaError if Kafka does not answer, and RuntimeError before
        `start`.
        """
        began = self._now()
        known = self._belief.confirmation(began)
        entry = EpochConfirmed(epoch=known.number, settled=known.settled)
        offset = await self._log.append(entry.model_dump_json().encode())
        await self._log.read_to(offset, self._hear)
        self._belief = self._belief.confirmed(began)

    async def check(self) -> None:
        """Ask the connected Redis for its run and role, and act on the answer.

        If it is the primary but the epoch names another Redis, an epoch that names it is proposed on the log; if it was
        replaced, the client's idle connections are closed, so that new ones go to the new primary. Otherwise, and while
        this worker's epoch is not confirmed, nothing is done. Raises RedisError if Redis does not answer, ValueError if
        its answer names no run, and KafkaError if Kafka does not store the proposal.
        """
        found = await server(self._redis)
        self._replicas = found.replicas
        epoch = self._belief.epoch
        if found.run == epoch.run or not self._belief.valid(self._now()):
            return
        sentinels = await sentinels_say(self._redis) if has_sentinels(self._redis) else None
        if (proposed := proposal(epoch, found, sentinels)) is not None:
            await self._propose(proposed, found)
        elif abandoned(epoch, found, sentinels):
            log.warning("the Redis at %s was replaced: looking for the primary anew", found.address)
            await leave(self._redis)

    async def _propose(self, proposed: Epoch, found: Server) -> None:
        log.warning("epoch %d is proposed: the Redis at %s leads", proposed.number, found.address)
        entry = EpochNamed(epoch=proposed.number, run=proposed.run, at=self._clock.now())
        await self._log.append(entry.model_dump_json().encode(), names=proposed.number)
        self._confirm_soon.set()

    def _hear(self, value: bytes) -> None:
        try:
            entry = epoch_adapter.validate_json(value, extra=ANY_VERSION)
        except ValidationError as error:
            log.error("an entry of the topic of epochs cannot be read and is skipped: %s", error)  # noqa: TRY400
            return
        if isinstance(entry, EpochNamed):
            self._belief = self._belief.read(Epoch(entry.epoch, entry.run), self._now())
        else:
            self._belief = self._belief.read(Confirmation(entry.epoch, entry.settled), self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _confirm_on(self) -> None:
        while wanted():
            try:
                async with asyncio.timeout(VALID_SECONDS):
                    await self.confirm()
            except AnewError:
                self._belief = Belief()
            except TRANSIENT as error:
                log.debug("the epoch is not confirmed: %s", error)
            self._tell()
            await _pause(self._confirm_soon, CONFIRM_SECONDS)

    async def _look_on(self) -> None:
        while wanted():
            with suppress(*TRANSIENT):  # retried by the next look
                await self.check()
            await _pause(self._look_soon, LOOK_SECONDS)

    def _tell(self) -> None:
        """Set the metric, and log once when this worker loses its confirmation and once when it has it again."""
        valid = self._belief.valid(self._now())
        metrics.EPOCH.set(self._belief.epoch.number if valid else 0)
        if valid != self._told:
            self._told = valid
            if valid:
                self._look_soon.set()
                log.info("epoch %d is confirmed by Kafka", self._belief.epoch.number)
            else:
                log.warning("Kafka's quorum does not confirm the epoch: this worker decides and sends nothing")


async def _pause(soon: asyncio.Event, seconds: float) -> None:
    await set_within(soon, seconds)
    soon.clear()


def made_for(settings: Settings, redis: "Redis", clock: Clock, epochs: EpochLog | None = None) -> Leader:
    """Return the Leader of the installation, not started yet: for embedded servers EXEMPT, which checks nothing, else a
    KafkaEpoch.

    `epochs`: another log than Kafka's, for tests; with it, also embedded servers get a KafkaEpoch.
    """
    if settings.embedded and epochs is None:
        return EXEMPT
    return KafkaEpoch(epochs or KafkaLog(settings), redis, clock)
