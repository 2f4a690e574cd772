"""Stores the state of each incoming call in the voice gateway's file, before it is reported, and who is ready.

A call that the process left unfinished is in doubt, and its caller is called back. A caller's number is deleted as soon
as Quanzu has accepted the end of the call.
"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.channels.incoming_calls import IncomingCallReport, IncomingCallResult, IncomingCallState
from schemas.channels.operator_calls import CallEnder
from streams.gateways.voice.ledger import VoiceLedger

_TABLES = """
CREATE TABLE IF NOT EXISTS incoming_calls (
  id TEXT PRIMARY KEY, at REAL NOT NULL, caller TEXT NOT NULL, vouched INTEGER NOT NULL,
  sequence INTEGER NOT NULL, state TEXT NOT NULL, operator TEXT, held INTEGER NOT NULL, answered INTEGER NOT NULL,
  waited REAL, seconds REAL, result TEXT, ended_by TEXT, call_back INTEGER NOT NULL DEFAULT 0,
  reported INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ready_operators (login TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
"""
_FIELDS = (
    "id, at, caller, vouched, sequence, state, operator, held, answered, waited, seconds, result, ended_by, call_back, "
    "reported"
)
_DOUBT = (
    "UPDATE incoming_calls SET state = 'ended', held = 0, result = 'in_doubt', call_back = (caller <> ''), "
    "sequence = sequence + 1 WHERE state <> 'ended'"
)


@dataclass(frozen=True, slots=True)
class IncomingChange:
    """A new state of a call; the fields are those of IncomingCallReport."""

    state: IncomingCallState
    operator: str | None = None
    held: bool = False
    answered: bool = False
    waited: float | None = None
    seconds: float | None = None
    result: IncomingCallResult | None = None
    ended_by: CallEnder | None = None
    call_back: bool = False


class IncomingCallLedger:
    """The incoming calls in the file of a VoiceLedger. Its methods raise sqlite3.Error if the disk refuses."""

    def __init__(self, ledger: VoiceLedger) -> None:
        self._ledger = ledger

    async def open(self) -> int:
        """Create the tables if they are missing, and end the calls that the previous process left, as in doubt. Returns
        the number of these calls. Call it once, after the file was opened. Raises sqlite3.Error if the disk refuses.
        """
        await self._ledger.run(lambda base: base.executescript(_TABLES))
        return await self._write(_DOUBT)

    async def begin(self, call: str, caller: str, at: float, *, vouched: bool = False) -> None:
        """Store a new call, which waits in the queue; a known id changes nothing. `caller`: the number, "" if it is
        unknown; `at`: seconds since 1970; `vouched`: the network vouches for the number. Raises sqlite3.Error if the
        disk refuses.
        """
        insert = (
            "INSERT OR IGNORE INTO incoming_calls (id, at, caller, vouched, sequence, state, held, answered) "
            "VALUES (?, ?, ?, ?, 1, 'queued', 0, 0)"
        )
        await self._write(insert, call, at, caller, int(vouched))

    async def change(self, call: str, to: IncomingChange) -> bool:
        """Store the new state of a call. Returns True; False if it has ended or is unknown: then nothing changes.
        Raises sqlite3.Error if the disk refuses.
        """
        update = (
            "UPDATE incoming_calls SET state = ?, operator = ?, held = ?, answered = ?, waited = ?, seconds = ?, "
            "result = ?, ended_by = ?, call_back = ?, sequence = sequence + 1 WHERE id = ? AND state <> 'ended'"
        )
        values = (to.state, to.operator, int(to.held), int(to.answered), to.waited, to.seconds, to.result, to.ended_by)
        return await self._write(update, *values, int(to.call_back), call) == 1

    async def doubt(self, call: str) -> None:
        """End a call whose task failed, as in doubt; the caller is to be called back if their number is known. Nothing
        changes if it has ended. Raises sqlite3.Error if the disk refuses.
        """
        await self._write(f"{_DOUBT} AND id = ?", call)

    async def report(self, call: str) -> IncomingCallReport | None:
        """Return the report of a call's present state; None if the call is unknown, or Quanzu has accepted that state
        already. Raises sqlite3.Error if the disk cannot be read, and ValidationError if the stored state makes no valid
        report.
        """
        query = f"SELECT {_FIELDS} FROM incoming_calls WHERE id = ?"  # noqa: S608 - a constant
        row = await self._ledger.run(lambda base: base.execute(query, (call,)).fetchone())
        return None if row is None or row[4] <= row[-1] else _report(row[:-1])

    async def unreported(self) -> list[str]:
        """Return the ids of the calls whose latest state Quanzu has not accepted, the first begun first. Raises
        sqlite3.Error if the disk cannot be read.
        """
        query = "SELECT id FROM incoming_calls WHERE reported < sequence ORDER BY at"
        return [row[0] for row in await self._ledger.run(lambda base: base.execute(query).fetchall())]

    async def reported(self, call: str, sequence: int) -> None:
        """Store that Quanzu has accepted a call's state with this number, or refused it for good. After the last one,
        the caller's number is deleted. Raises sqlite3.Error if the disk refuses.
        """
        update = (
            "UPDATE incoming_calls SET reported = max(reported, ?), "
            "caller = CASE WHEN state = 'ended' AND sequence <= ? THEN '' ELSE caller END WHERE id = ?"
        )
        await self._write(update, sequence, sequence, call)

    async def forget(self, before: float) -> None:
        """Delete the ended calls that began before `before` (seconds since 1970), also those whose end Quanzu has not
        accepted. Raises sqlite3.Error if the disk refuses.
        """
        await self._write("DELETE FROM incoming_calls WHERE at < ? AND state = 'ended'", before)

    async def ready(self) -> dict[str, float]:
        """Return the operators who are ready: by login, since when, in seconds since 1970. Raises sqlite3.Error if the
        disk cannot be read.
        """
        query = "SELECT login, since FROM ready_operators"
        return dict(await self._ledger.run(lambda base: base.execute(query).fetchall()))

    async def set_ready(self, login: str, since: float | None) -> None:
        """Store since when (seconds since 1970) an operator is ready; None: they are not ready any more. Raises
        sqlite3.Error if the disk refuses.
        """
        if since is None:
            await self._write("DELETE FROM ready_operators WHERE login = ?", login)
        else:
            await self._write("INSERT OR REPLACE INTO ready_operators (login, since) VALUES (?, ?)", login, since)

    async def _write(self, statement: str, *values: object) -> int:
        def write(base: sqlite3.Connection) -> int:
            return base.execute(statement, values).rowcount

        return await self._ledger.run(write)


def _report(row: tuple[object, ...]) -> IncomingCallReport:
    told = dict(zip(_FIELDS.split(", "), row, strict=False))  # without `reported`
    flags = {name: bool(told[name]) for name in ("vouched", "held", "answered", "call_back")}
    call, at = told.pop("id"), datetime.fromtimestamp(float(str(told["at"])), UTC)
    return IncomingCallReport.model_validate({**told, **flags, "call": call, "at": at})
