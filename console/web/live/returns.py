"""Claims that ran out: a case whose lease nobody renews comes back to the queue by itself."""

import asyncio
import time

from console.web.kit.services import Services
from console.web.live.row import Row
from domain.ids import short_hash
from streams.casework.claims import given_back
from streams.runtime.tasks import until_done, wanted

LOOK_SECONDS = 1.0  # on the wall's clock
GRACE_BEATS = 2  # so long a lease is missing first: Redis may have lost it, and the open page takes it again


class Returns:
    """`run` never ends by itself: it is cancelled. Several consoles write the same input, which counts once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._missing: dict[str, float] = {}  # by case: since when it has no lease (monotonic seconds)

    async def run(self) -> None:
        """Look each second."""
        await self._services.hub.ready.wait()
        while wanted():
            await until_done("claims that ran out", self.look)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Give back what has had no lease for some beats."""
        claimed = [row for row in self._services.hub.rows.values() if row.case.claimed_by is not None]
        leased = await self._services.desk.leased([row.id for row in claimed])
        gone = [row for row, held in zip(claimed, leased, strict=True) if not held]
        now = time.monotonic()
        self._missing = {row.id: self._missing.get(row.id, now) for row in gone}
        for row in gone:
            if now - self._missing[row.id] >= self._grace:
                await self._give_back(row)

    @property
    def _grace(self) -> float:
        """Seconds on the wall's clock."""
        return self._services.line.clock.wall_seconds(GRACE_BEATS * self._services.desk.beat)

    async def _give_back(self, row: Row) -> None:
        case = row.case
        if case.claimed_by is not None:
            name = short_hash("claim-over", case.id, case.version)
            report = given_back(case, case.claimed_by, self._services.line.clock, name, ran_out=True)
            await self._services.desk.report(report)
