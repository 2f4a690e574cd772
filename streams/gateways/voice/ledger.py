"""Stores each order and the result of its call, in SQLite with synchronous=FULL.

Why not Redis: an order must be dialled at most once, so the intention to dial has to be on disk before the INVITE is
sent. Redis with AOF may lose its last second, and exactly that second would be dialled again. A file also lets the
gateway run beside the trunk, without a connection to Quanzu's servers. One process holds the file's lock.

A call that was begun and whose end is not stored is in doubt: the process, or the call's task, died in between. It is
never dialled again.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from domain.carriers.voice import CallEnding
from schemas.channels.receipts import CallState
from schemas.errors import UserError
from streams.gateways.nonces import NONCES, claim_nonce, forget_nonces

Value = TypeVar("Value")
DAY = 86_400.0

_TABLES = f"""{NONCES}
CREATE TABLE IF NOT EXISTS calls (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  number TEXT, script TEXT, language TEXT,
  at REAL NOT NULL,
  result TEXT, key TEXT, detail TEXT,
  reported INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_state ON calls (state, reported);
"""


class LedgerState(StrEnum):
    """The state of an order.

    WAITING: not dialled yet; DIALLING: the call has begun; ENDED: its result is stored; IN_DOUBT: the call was begun,
    and its result is unknown.
    """

    WAITING = "waiting"
    DIALLING = "dialling"
    ENDED = "ended"
    IN_DOUBT = "in_doubt"


class LedgerInUseError(UserError):
    """Another process has the ledger's file open: two gateways with one file might dial an order twice."""


@dataclass(frozen=True, slots=True)
class CallOrder:
    """An order.

    `id`: the dispatch's; `number`: E.164; `script`: the text to speak; `language`: of the text; `at`: when it was
    taken, seconds since 1970 (wall clock).
    """

    id: str
    number: str = field(repr=False)
    script: str = field(repr=False)
    language: str
    at: float


class VoiceLedger:
    """The ledger's file.

    A thread of its own uses it, because writing waits for the disk and must not block the event loop.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._lock: Any = None
        self._base: sqlite3.Connection

    async def open(self) -> int:
        """Open the file, or create it. Marks calls that a previous process began and did not end as in doubt, and
        returns their number.

        Raises LedgerInUseError if another process has it open, OSError or sqlite3.Error if it cannot be opened.
        """
        return await self._do(self._open)

    async def close(self) -> None:
        """Close the file, and release its lock for another process."""
        await self._do(self._close)
        self._thread.shutdown()

    async def claim(self, nonce: str, id: str, at: float) -> bool:  # noqa: A002
        """Store a signature's nonce, used at `at` (seconds since 1970) for an id. Returns True if it is new or was used
        for the same id; False if it was used for another one. Raises sqlite3.Error if the disk refuses.
        """
        return await self._do(lambda: claim_nonce(self._base, nonce, id, at))

    async def forget_nonces(self, before: float) -> None:
        """Delete nonces that were used before `before` (seconds since 1970): their signatures are too old by then.
        Raises sqlite3.Error if the disk refuses.
        """
        await self._do(lambda: forget_nonces(self._base, before))

    async def add(self, order: CallOrder) -> bool:
        """Store an order unless its id is known. Returns True if it is new: only then may it be dialled. Raises
        sqlite3.Error if the disk refuses.
        """
        return await self._do(lambda: self._add(order))

    async def state(self, id: str) -> LedgerState | None:  # noqa: A002 - as the contract has it
        """Return the state of the order with this id, or None if it is unknown. Raises sqlite3.Error if the disk cannot
        be read.
        """
        return await self._do(lambda: self._state(id))

    async def waiting(self) -> list[CallOrder]:
        """Return the orders that were not dialled yet, the first taken first. Raises sqlite3.Error if the disk cannot
        be read.
        """
        query = "SELECT id, number, script, language, at FROM calls WHERE state = 'waiting' ORDER BY at"
        return [CallOrder(*row) for row in await self._do(lambda: self._base.execute(query).fetchall())]

    async def begin(self, id: str) -> bool:  # noqa: A002
        """Store on disk that an order is dialled now. Returns True if it was waiting; False otherwise: it must not be
        dialled then. Raises sqlite3.Error if the disk refuses.
        """
        update = "UPDATE calls SET state = 'dialling' WHERE id = ? AND state = 'waiting'"
        return await self._do(lambda: self._write(update, id)) == 1

    async def end(self, id: str, ending: CallEnding) -> None:  # noqa: A002
        """Store how a call ended, and delete its number and text, which are no longer needed. Nothing changes if it has
        ended before. Raises sqlite3.Error if the disk refuses.
        """
        update = (
            "UPDATE calls SET state = 'ended', result = ?, key = ?, detail = ?, number = NULL, script = NULL "
            "WHERE id = ? AND state <> 'ended'"
        )
        await self._do(lambda: self._write(update, ending.state.value, ending.key, ending.detail, id))

    async def doubt(self, id: str) -> None:  # noqa: A002
        """Store that it is unknown how a call ended, and delete its number and text. It is never dialled again. Nothing
        changes if its end is stored. Raises sqlite3.Error if the disk refuses.
        """
        update = "UPDATE calls SET state = 'in_doubt', number = NULL, script = NULL WHERE id = ? AND state <> 'ended'"
        await self._do(lambda: self._write(update, id))

    async def erase(self) -> None:
        """Move SQLite's write-ahead log into the file and empty it: until then it has the numbers and texts of ended
        calls. Raises sqlite3.Error if the disk refuses.
        """
        await self._do(lambda: self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())

    async def give_up(self, before: float) -> int:
        """Mark unreported results of orders taken before `before` (seconds since 1970) as reported, so that they are
        not sent again. Returns their number. Raises sqlite3.Error if the disk refuses.
        """
        update = "UPDATE calls SET reported = 1 WHERE state = 'ended' AND reported = 0 AND at < ?"
        return await self._do(lambda: self._write(update, before))

    async def unreported(self) -> list[tuple[str, CallEnding]]:
        """Return the ended calls whose receipt was not accepted yet, as (dispatch id, ending), the first taken first.
        Raises sqlite3.Error if the disk cannot be read.
        """
        query = "SELECT id, result, key, detail FROM calls WHERE state = 'ended' AND reported = 0 ORDER BY at"
        rows = await self._do(lambda: self._base.execute(query).fetchall())
        return [(id_, CallEnding(CallState(result), detail, key)) for id_, result, key, detail in rows]

    async def reported(self, id: str) -> None:  # noqa: A002
        """Store that the receipt of a call was accepted, or permanently refused. Raises sqlite3.Error if the disk
        refuses.
        """
        await self._do(lambda: self._write("UPDATE calls SET reported = 1 WHERE id = ?", id))

    async def forget(self, before: float) -> int:
        """Delete the orders taken before `before` (seconds since 1970) whose call is in doubt, or has ended and is
        reported. Returns their number. Raises sqlite3.Error if the disk refuses.
        """
        old = "DELETE FROM calls WHERE at < ? AND (state = 'in_doubt' OR (state = 'ended' AND reported = 1))"
        return await self._do(lambda: self._write(old, before))

    async def count(self, state: LedgerState) -> int:
        """Return the number of orders in a state. Raises sqlite3.Error if the disk cannot be read."""
        query = "SELECT count(*) FROM calls WHERE state = ?"
        return int((await self._do(lambda: self._base.execute(query, (state.value,)).fetchone()))[0])

    async def run(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        """Run `work` with the file's connection in the ledger's thread, and return its result; each statement commits
        by itself. It is for further tables of the file. Raises sqlite3.Error if the disk refuses; other exceptions of
        `work` pass through.
        """
        return await self._do(lambda: work(self._base))

    async def _do(self, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> int:
        self._lock = self._file.with_name(self._file.name + ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise LedgerInUseError(
                f"{self._file}: another gateway has this file. Stop that one, or name another file in [storage]"
            ) from None
        self._file.touch(mode=0o600)
        self._base = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = FULL")
        self._base.execute("PRAGMA secure_delete = ON")
        self._base.executescript(_TABLES)
        doubt = "UPDATE calls SET state = 'in_doubt', number = NULL, script = NULL WHERE state = 'dialling'"
        return self._write(doubt)

    def _close(self) -> None:
        self._base.close()
        self._lock.close()

    def _add(self, order: CallOrder) -> bool:
        insert = (
            "INSERT OR IGNORE INTO calls (id, state, number, script, language, at) VALUES (?, 'waiting', ?, ?, ?, ?)"
        )
        return self._write(insert, order.id, order.number, order.script, order.language, order.at) == 1

    def _state(self, id: str) -> LedgerState | None:  # noqa: A002
        row = self._base.execute("SELECT state FROM calls WHERE id = ?", (id,)).fetchone()
        return LedgerState(row[0]) if row else None

    def _write(self, statement: str, *values: object) -> int:
        return self._base.execute(statement, values).rowcount
