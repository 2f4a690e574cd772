"""Returns cases to the queue when the lease of their claim has expired."""

import asyncio
import time

from console.web.kit.services import Services
from console.web.live.row import Row
from domain.ids import short_hash
from schemas.channels.operator_calls import OperatorCallState
from streams.casework.claims import given_back
from streams.runtime.tasks import until_done, wanted

LOOK_SECONDS = 1.0  # of the wall clock
GRACE_BEATS = 2  # wait this many heartbeats: if Redis lost the lease, an open page takes it again


class Returns:
    """Returns claimed cases to the queue when their lease has expired. `run` must run as a task.

    Several consoles may write the same input, which counts once.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._missing: dict[str, float] = {}  # by case: when its lease was first missing (monotonic seconds)

    async def run(self) -> None:
        """Run until cancelled: call `return_expired` every LOOK_SECONDS (1), once the hub has loaded the cases. Outages
        of Kafka and Redis are waited for. Raises AccessError if a server denies access, and SendError if Kafka refuses
        an input for good.
        """
        await self._services.hub.ready.wait()
        while wanted():
            await until_done("claims that ran out", self.return_expired)
            await asyncio.sleep(LOOK_SECONDS)

    async def return_expired(self) -> None:
        """Return to the queue the cases whose lease has been missing for GRACE_BEATS (2) heartbeats, counted from the
        call that first missed it. Writes an input of each such case to Kafka, and waits while Kafka is unavailable.
        Raises SendError if Kafka refuses an input for good. Errors of Redis pass through.
        """
        claimed = [row for row in self._services.hub.rows.values() if row.case.claimed_by is not None]
        leased = await self._services.desk.leased([row.id for row in claimed])
        missing = [row for row, held in zip(claimed, leased, strict=True) if not held]
        gone = [row for row in missing if not await self._kept_by_talk(row)]
        now = time.monotonic()
        self._missing = {row.id: self._missing.get(row.id, now) for row in gone}
        for row in gone:
            if now - self._missing[row.id] >= self._grace:
                await self._give_back(row)

    async def _kept_by_talk(self, row: Row) -> bool:
        """Take the lease for who has claimed the case and talks with the resident by the gateway's report: they may
        have got both by a transfer, and have no page open. Returns False if they do not talk.
        """
        live = await self._services.live_calls.of(row.id)
        if live is None or live.report.state is not OperatorCallState.CONNECTED:
            return False
        return live.report.operator == row.case.claimed_by and await self._services.desk.keep(
            row.id, live.report.operator
        )

    @property
    def _grace(self) -> float:
        """The grace time in wall-clock seconds."""
        return self._services.line.clock.wall_seconds(GRACE_BEATS * self._services.desk.beat)

    async def _give_back(self, row: Row) -> None:
        case = row.case
        if case.claimed_by is not None:
            name = short_hash("claim-over", case.id, case.version)
            report = given_back(case, case.claimed_by, self._services.line.clock, name, ran_out=True)
            await self._services.desk.report(report)
