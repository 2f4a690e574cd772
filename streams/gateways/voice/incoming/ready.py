"""The operators who take incoming calls: who is ready, who is free, and who rings next."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.carriers.incoming_calls import FreeOperator, is_away, next_operator
from streams.gateways.voice.incoming.ledger import IncomingCallLedger
from streams.gateways.voice.operators.phones_in_use import PhonesInUse

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Ready:
    """`since`: seconds since 1970; `idle_since`, `paused_until`: of the monotonic clock; `misses`: calls in a row that
    rang in vain.
    """

    since: float
    idle_since: float
    misses: int = 0
    paused_until: float = 0.0


class ReadyOperators:
    """Who is ready, on disk as well, so that a new process goes on ringing them.

    `telephones`: by login; `phones`: those in use; `can_ring`: whether the exchange works; `seconds`: how long an
    operator stays ready.
    """

    def __init__(
        self,
        ledger: IncomingCallLedger,
        telephones: Mapping[str, str],
        phones: PhonesInUse,
        can_ring: Callable[[], bool],
        seconds: float,
    ) -> None:
        self._ledger, self._telephones, self._phones = ledger, telephones, phones
        self._can_ring, self._seconds = can_ring, seconds
        self._ready: dict[str, _Ready] = {}

    async def open(self) -> None:
        """Read who was ready when the previous process ended; logins without a telephone are left out. Raises
        sqlite3.Error if the disk cannot be read.
        """
        now = time.monotonic()
        for login, since in (await self._ledger.ready()).items():
            if login in self._telephones:
                self._ready[login] = _Ready(since, now)

    @property
    def logins(self) -> Sequence[str]:
        """The logins of the operators who are ready, sorted, also of those who are on the phone. An operator who has
        been ready for longer than the allowed time is left out.
        """
        oldest = time.time() - self._seconds
        return sorted(login for login, each in self._ready.items() if each.since > oldest)

    async def set_ready(self, login: str, *, ready: bool) -> None:
        """Let an operator who has a telephone take calls from now on, or not. The disk has it when this returns. Raises
        sqlite3.Error if the disk refuses.
        """
        await self._ledger.set_ready(login, time.time() if ready else None)
        if ready:
            self._ready[login] = _Ready(time.time(), time.monotonic())
        else:
            self._ready.pop(login, None)

    def take_free(self) -> str | None:
        """Reserve the telephone of the operator who rings next, the one who has been idle for longest. Returns the
        login; None if nobody is free or the exchange does not work.
        """
        if not self._can_ring():
            return None
        now = time.monotonic()
        free = [
            FreeOperator(login, self._ready[login].idle_since)
            for login in self.logins
            if not self._phones.has(login) and self._ready[login].paused_until <= now
        ]
        login = next_operator(free)
        if login is not None:
            self._phones.take(login)
        return login

    def release(self, login: str) -> None:
        """Free a reserved telephone. Its operator then comes last among those who are free."""
        self._phones.release(login)
        if (known := self._ready.get(login)) is not None:
            known.idle_since = time.monotonic()

    def picked_up(self, login: str) -> None:
        """Note that an operator has answered: the count of calls that they let ring begins again."""
        if (known := self._ready.get(login)) is not None:
            known.misses = 0

    def pause(self, login: str, seconds: float) -> None:
        """Do not ring an operator's telephone for `seconds`: it is busy, or does not work."""
        if (known := self._ready.get(login)) is not None:
            known.paused_until = time.monotonic() + seconds

    async def missed(self, login: str) -> None:
        """Note that an operator's telephone rang in vain. After the third time in a row the operator is not ready any
        more.

        Raises sqlite3.Error if the disk refuses to store that.
        """
        known = self._ready.get(login)
        if known is None:
            return
        known.misses += 1
        if is_away(known.misses):
            log.warning("an operator let %d calls in a row ring: they get no more until they are ready", known.misses)
            await self.set_ready(login, ready=False)
