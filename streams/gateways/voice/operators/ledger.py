"""Stores the state of each operator's call in the voice gateway's file, before the step that it describes.

A call is never dialled again. So no telephone number is stored, and a call that the process left unfinished is in
doubt.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from domain.carriers.operator_calls import ended_third
from schemas.casework.call_recordings import RecordingInCall, RecordingState
from schemas.casework.third_parties import ThirdPartyInCall
from schemas.channels.operator_calls import (
    CallEnder,
    CallMove,
    ConsultedColleague,
    OperatorCallReport,
    OperatorCallResult,
    OperatorCallState,
)
from streams.gateways.voice.ledger import VoiceLedger

_TABLE = """
CREATE TABLE IF NOT EXISTS operator_calls (
  id TEXT PRIMARY KEY, case_id TEXT NOT NULL, operator TEXT NOT NULL, at REAL NOT NULL,
  sequence INTEGER NOT NULL, state TEXT NOT NULL, held INTEGER NOT NULL, answered INTEGER NOT NULL,
  seconds REAL, result TEXT, ended_by TEXT, thirds TEXT NOT NULL DEFAULT '[]',
  moves TEXT NOT NULL DEFAULT '[]', colleague TEXT, recording TEXT,
  reported INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
_THIRDS = TypeAdapter(list[ThirdPartyInCall])
_MOVES = TypeAdapter(list[CallMove])
_FIELDS = (
    "id, case_id, operator, sequence, state, held, answered, seconds, result, ended_by, thirds, moves, colleague, "
    "recording"
)
_DOUBT = (
    "UPDATE operator_calls SET state = 'ended', held = 0, result = 'in_doubt', colleague = NULL, "
    "sequence = sequence + 1 WHERE state <> 'ended'"
)


@dataclass(frozen=True, slots=True)
class CallChange:
    """A new state of a call; the fields are those of OperatorCallReport."""

    state: OperatorCallState
    held: bool = False
    answered: bool = False
    seconds: float | None = None
    result: OperatorCallResult | None = None
    ended_by: CallEnder | None = None
    thirds: Sequence[ThirdPartyInCall] = ()
    moves: Sequence[CallMove] = ()
    colleague: ConsultedColleague | None = None
    recording: RecordingInCall | None = None


class OperatorCallLedger:
    """The calls in the file of a VoiceLedger. Its methods raise sqlite3.Error if the disk refuses."""

    def __init__(self, ledger: VoiceLedger) -> None:
        self._ledger = ledger

    async def open(self) -> int:
        """Create the table if it is missing, and end the calls that the previous process left, as in doubt. Returns the
        number of these calls. Call it once, after the file was opened. Raises sqlite3.Error if the disk refuses.
        """
        await self._ledger.run(lambda base: base.execute(_TABLE))
        return await self._write(_DOUBT)

    async def begin(self, call: str, case: str, operator: str, at: float) -> bool:
        """Store a new call, which may be dialled after that. Returns True; False if its id is known: then it must not
        be dialled. `case`: the case's id; `operator`: the login; `at`: seconds since 1970. Raises sqlite3.Error if the
        disk refuses.
        """
        insert = (
            "INSERT OR IGNORE INTO operator_calls (id, case_id, operator, at, sequence, state, held, answered) "
            "VALUES (?, ?, ?, ?, 1, 'operator_ringing', 0, 0)"
        )
        return await self._write(insert, call, case, operator, at) == 1

    async def change(self, call: str, to: CallChange) -> bool:
        """Store the new state of a call. Returns True; False if it has ended or is unknown: then nothing changes.
        Raises sqlite3.Error if the disk refuses.
        """
        update = (
            "UPDATE operator_calls SET state = ?, held = ?, answered = ?, seconds = ?, result = ?, ended_by = ?, "
            "thirds = ?, moves = ?, colleague = ?, recording = ?, operator = coalesce(?, operator), "
            "sequence = sequence + 1 WHERE id = ? AND state <> 'ended'"
        )
        thirds = _THIRDS.dump_json(list(to.thirds)).decode()
        moves = _MOVES.dump_json(list(to.moves)).decode()
        colleague = to.colleague.model_dump_json() if to.colleague else None
        recording = to.recording.model_dump_json() if to.recording else None
        operator = to.moves[-1].to if to.moves else None
        flags = (int(to.held), int(to.answered))
        values = (to.state, *flags, to.seconds, to.result, to.ended_by, thirds, moves, colleague, recording, operator)
        return await self._write(update, *values, call) == 1

    async def doubt(self, call: str) -> bool:
        """End a call whose task failed, as in doubt. Returns True; False if it has ended or is unknown: then nothing
        changes. Raises sqlite3.Error if the disk refuses.
        """
        return await self._write(f"{_DOUBT} AND id = ?", call) == 1

    async def report(self, call: str) -> OperatorCallReport | None:
        """Return the report of a call's present state, or None if the call is unknown. Raises sqlite3.Error if the disk
        cannot be read, and ValidationError if the stored state makes no valid report.
        """
        query = f"SELECT {_FIELDS} FROM operator_calls WHERE id = ?"  # noqa: S608 - a constant
        row = await self._ledger.run(lambda base: base.execute(query, (call,)).fetchone())
        return None if row is None else _report(row)

    async def unreported(self) -> list[str]:
        """Return the ids of the calls whose latest state Quanzu has not accepted, the first begun first. Raises
        sqlite3.Error if the disk cannot be read.
        """
        query = "SELECT id FROM operator_calls WHERE reported < sequence ORDER BY at"
        return [row[0] for row in await self._ledger.run(lambda base: base.execute(query).fetchall())]

    async def reported(self, call: str, sequence: int) -> None:
        """Store that Quanzu has accepted a call's state with this number, or refused it for good. Raises sqlite3.Error
        if the disk refuses.
        """
        await self._write("UPDATE operator_calls SET reported = max(reported, ?) WHERE id = ?", sequence, call)

    async def forget(self, before: float) -> None:
        """Delete the ended calls that began before `before` (seconds since 1970), also those whose end Quanzu has not
        accepted. Raises sqlite3.Error if the disk refuses.
        """
        await self._write("DELETE FROM operator_calls WHERE at < ? AND state = 'ended'", before)

    async def _write(self, statement: str, *values: object) -> int:
        def write(base: sqlite3.Connection) -> int:
            return base.execute(statement, values).rowcount

        return await self._ledger.run(write)


def _report(row: tuple[object, ...]) -> OperatorCallReport:
    call, case, operator, sequence, state, held, answered, seconds, result, ended_by, thirds, moves, *more_texts = row
    colleague, recording = more_texts
    told = {"call": call, "case": case, "operator": operator, "sequence": sequence, "state": state}
    more = {"held": bool(held), "answered": bool(answered), "seconds": seconds, "result": result, "ended_by": ended_by}
    known = _THIRDS.validate_json(str(thirds))
    if state == OperatorCallState.ENDED:  # of a call in doubt, they are as the process left them
        known = [ended_third(each) for each in known]
    recorded = RecordingInCall.model_validate_json(str(recording)) if recording else None
    if recorded is not None and state == OperatorCallState.ENDED:
        recorded = recorded.model_copy(update={"state": RecordingState.ENDED})
    asked = ConsultedColleague.model_validate_json(str(colleague)) if colleague else None
    return OperatorCallReport.model_validate(
        told
        | more
        | {"thirds": known, "moves": _MOVES.validate_json(str(moves)), "colleague": asked}
        | {"recording": recorded}
    )
