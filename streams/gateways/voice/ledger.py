"""Keeps each order and what became of its call, in SQLite with synchronous=FULL.

Why not Redis: an order must be dialled at most once, so the intention to dial has to be on disk before the INVITE
leaves. Redis with AOF may lose its last second, and exactly that second would be dialled again. A file also lets the
gateway stand beside the trunk, without a connection to Quanzu's servers. One process holds the file's lock.

A call that was begun and whose end is not recorded is in doubt: the process, or the call's task, died in between. It is
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

Value = TypeVar("Value")
DAY = 86_400.0

_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  number TEXT, script TEXT, language TEXT,
  at REAL NOT NULL,
  result TEXT, key TEXT, detail TEXT,
  reported INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_state ON calls (state, reported);
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, id TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
"""


class LedgerState(StrEnum):
    """WAITING: taken, not dialled; DIALLING: begun; ENDED: with a result; IN_DOUBT: begun, end unknown."""

    WAITING = "waiting"
    DIALLING = "dialling"
    ENDED = "ended"
    IN_DOUBT = "in_doubt"


class LedgerInUseError(UserError):
    """Raised if another process has the file: two gateways with one file might dial an order twice."""


@dataclass(frozen=True, slots=True)
class CallOrder:
    """An order. `id`: the dispatch's; `number`: E.164; `script`: what is said; `at`: seconds since 1970."""

    id: str
    number: str = field(repr=False)
    script: str = field(repr=False)
    language: str
    at: float


class VoiceLedger:
    """The file, used by one thread of its own: writing waits for the disk, and the event loop must not."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._lock: Any = None
        self._base: sqlite3.Connection

    async def open(self) -> int:
        """Open the file, created if it is new. Returns how many calls are now in doubt: begun and never ended.

        Raises LedgerInUseError if another process has it, OSError if it cannot be opened.
        """
        return await self._do(self._open)

    async def close(self) -> None:
        """Close the file."""
        await self._do(self._close)
        self._thread.shutdown()

    async def claim(self, nonce: str, id: str, at: float) -> bool:  # noqa: A002
        """Record a signature's nonce, used at `at` for an id. Returns False if it was used for another id before."""
        return await self._do(lambda: self._claim(nonce, id, at))

    async def forget_nonces(self, before: float) -> None:
        """Drop nonces that were used before a time (seconds since 1970): their signatures are too old by then."""
        await self._do(lambda: self._write("DELETE FROM nonces WHERE at < ?", before))

    async def add(self, order: CallOrder) -> bool:
        """Store an order unless its id is known. Returns whether it is new: only then it is to be dialled."""
        return await self._do(lambda: self._add(order))

    async def state(self, id: str) -> LedgerState | None:  # noqa: A002 - as the contract has it
        """Return the state of an id, or None if it is unknown."""
        return await self._do(lambda: self._state(id))

    async def waiting(self) -> list[CallOrder]:
        """Return the orders that are not dialled, the oldest first."""
        query = "SELECT id, number, script, language, at FROM calls WHERE state = 'waiting' ORDER BY at"
        return [CallOrder(*row) for row in await self._do(lambda: self._base.execute(query).fetchall())]

    async def begin(self, id: str) -> bool:  # noqa: A002
        """Record, on disk, that an order is dialled now. Returns False if it is not waiting: then it must not be."""
        update = "UPDATE calls SET state = 'dialling' WHERE id = ? AND state = 'waiting'"
        return await self._do(lambda: self._write(update, id)) == 1

    async def end(self, id: str, ending: CallEnding) -> None:  # noqa: A002
        """Record how a call ended, and drop its number and text: they are not needed any more."""
        update = (
            "UPDATE calls SET state = 'ended', result = ?, key = ?, detail = ?, number = NULL, script = NULL "
            "WHERE id = ? AND state <> 'ended'"
        )
        await self._do(lambda: self._write(update, ending.state.value, ending.key, ending.detail, id))

    async def doubt(self, id: str) -> None:  # noqa: A002
        """Record that it is unknown how a call ended. It is never dialled again."""
        update = "UPDATE calls SET state = 'in_doubt', number = NULL, script = NULL WHERE id = ? AND state <> 'ended'"
        await self._do(lambda: self._write(update, id))

    async def erase(self) -> None:
        """Write the log of changes into the file and empty it: it holds numbers and texts of ended calls until then."""
        await self._do(lambda: self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())

    async def give_up(self, before: float) -> int:
        """Report no call of an order from before a time (seconds since 1970) any more. Returns how many these are."""
        update = "UPDATE calls SET reported = 1 WHERE state = 'ended' AND reported = 0 AND at < ?"
        return await self._do(lambda: self._write(update, before))

    async def unreported(self) -> list[tuple[str, CallEnding]]:
        """Return the endings whose receipt was not accepted yet, by id."""
        query = "SELECT id, result, key, detail FROM calls WHERE state = 'ended' AND reported = 0 ORDER BY at"
        rows = await self._do(lambda: self._base.execute(query).fetchall())
        return [(id_, CallEnding(CallState(result), detail, key)) for id_, result, key, detail in rows]

    async def reported(self, id: str) -> None:  # noqa: A002
        """Record that a call's receipt was accepted."""
        await self._do(lambda: self._write("UPDATE calls SET reported = 1 WHERE id = ?", id))

    async def forget(self, before: float) -> int:
        """Drop calls that have ended, or are in doubt, since before a time (seconds since 1970). Returns how many."""
        old = "DELETE FROM calls WHERE at < ? AND (state = 'in_doubt' OR (state = 'ended' AND reported = 1))"
        return await self._do(lambda: self._write(old, before))

    async def count(self, state: LedgerState) -> int:
        """Return how many calls are in a state."""
        query = "SELECT count(*) FROM calls WHERE state = ?"
        return int((await self._do(lambda: self._base.execute(query, (state.value,)).fetchone()))[0])

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
        self._base.executescript(_TABLE)
        doubt = "UPDATE calls SET state = 'in_doubt', number = NULL, script = NULL WHERE state = 'dialling'"
        return self._write(doubt)

    def _close(self) -> None:
        self._base.close()
        self._lock.close()

    def _claim(self, nonce: str, id: str, at: float) -> bool:  # noqa: A002
        if self._write("INSERT OR IGNORE INTO nonces (nonce, id, at) VALUES (?, ?, ?)", nonce, id, at):
            return True
        used = self._base.execute("SELECT 1 FROM nonces WHERE nonce = ? AND id = ?", (nonce, id)).fetchone()
        return used is not None

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
