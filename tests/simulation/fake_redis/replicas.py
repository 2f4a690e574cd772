"""How a simulated Redis' effects reach its replicas: in their order, and as late as the simulation likes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.fake_redis.core import SimRedis

MAX_LAG = 10.0  # seconds for which a replica counts that does not answer (min-replicas-max-lag)

Effect = tuple[bytes, ...]
"""A command as a replica gets it: what depended on the time is told as a moment."""


class Replication:
    """The way from a primary to a replica, which lags until `pass_on` is called. `up`: the two are connected."""

    def __init__(self, primary: "SimRedis", replica: "SimRedis") -> None:
        self.primary, self.replica = primary, replica
        self.applied = primary.offset
        self.up = True
        self._heard = primary.clock()

    @property
    def behind(self) -> int:
        """How many effects the replica lacks. A script, or a transaction, is one."""
        return self.primary.offset - self.applied

    @property
    def good(self) -> bool:
        return self.up or self.primary.clock() - self._heard <= MAX_LAG

    def cut(self) -> None:
        self.up, self._heard = False, self.primary.clock()

    def heal(self) -> None:
        self.up = True

    def pass_on(self, most: int | None = None) -> None:
        """Apply the effects that the replica lacks, or `most` of them."""
        end = self.primary.offset if most is None else min(self.primary.offset, self.applied + most)
        for offset in range(self.applied, end):
            self.replica.obey(self.primary.effects[offset - self.primary.effects_from])
        self.applied = self.replica.offset = end
