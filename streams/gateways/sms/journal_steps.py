"""Each change of the gateway's journal, and each question to it.

A message's telephone number and text are removed as soon as none of its segments waits. The dispatch's id stays, to
recognise a repeated order, and the carrier's ids, which its receipts name.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.carriers.delivered_share import message_kind
from domain.carriers.outcome import SegmentState, result_of, result_to_report
from schemas.channels.receipts import SmsState
from streams.gateways.nonces import NONCES
from streams.gateways.sms import journal_shares

SCHEMA = f"""{NONCES}{journal_shares.SCHEMA}
CREATE TABLE IF NOT EXISTS messages (
  id TEXT PRIMARY KEY, taken REAL NOT NULL, expires REAL NOT NULL, flash INTEGER NOT NULL,
  coding INTEGER NOT NULL, phone TEXT, kind TEXT NOT NULL, result TEXT, told TEXT,
  word TEXT NOT NULL DEFAULT '', settled REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segments (
  message TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, content BLOB, carrier TEXT, remote TEXT,
  named TEXT, sent REAL, receipt TEXT, asked REAL, PRIMARY KEY (message, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS early (
  carrier TEXT NOT NULL, remote TEXT NOT NULL, receipt TEXT NOT NULL, word TEXT NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (carrier, remote)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS early_by_age ON early (at);
CREATE INDEX IF NOT EXISTS by_remote ON segments (carrier, remote) WHERE remote IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_state ON segments (state) WHERE state IN ('waiting', 'sending', 'doubt');
DROP INDEX IF EXISTS unanswered;
CREATE INDEX IF NOT EXISTS to_ask ON segments (carrier, asked) WHERE asked IS NOT NULL;
CREATE INDEX IF NOT EXISTS to_tell ON messages (settled) WHERE settled IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_age ON messages (taken);
"""
"""`result`: as last found, `told`: as Quanzu has last accepted it; `settled`: when `result` is to be told, until it is.
`named`: the carrier's id, `remote`: in the form in which receipts are compared with it;
`asked`: when the carrier is asked next about a receipt that is missing. `early`: receipts
that came before the answer with the id.
"""
EARLY_SECONDS, MOST_EARLY = 120.0, 10_000  # for so long, and so many: carriers use their ids again
_OPEN = (SegmentState.WAITING, SegmentState.SENDING)


@dataclass(frozen=True, slots=True)
class Outbound:
    """A message to send.

    `id`: the dispatch's; `phone`: E.164; `coding`: an Alphabet; `flash`: shown at once on the screen; `segments`: those
    that still wait, each with its number (from 1); `joined`: it has several segments; `expires`: in seconds since 1970;
    `carrier`: the one that has its other segments, or None.
    """

    id: str
    phone: str = field(repr=False)
    coding: int
    flash: bool
    segments: tuple[tuple[int, bytes], ...] = field(repr=False)
    joined: bool
    expires: float
    carrier: str | None = None


@dataclass(frozen=True, slots=True)
class MissingReceipt:
    """A segment whose receipt is missing.

    `message`: the dispatch's id; `named`: the carrier's id; `remote`: the same in the form in which receipts are
    compared with it.
    """

    message: str
    number: int
    carrier: str
    named: str
    remote: str


@dataclass(frozen=True, slots=True)
class UnreportedResult:
    """The result of a message that Quanzu has not accepted yet. `id`: the dispatch's; `word`: the carrier's own word
    for the state.
    """

    id: str
    result: SmsState
    word: str


def take(db: sqlite3.Connection, order: Outbound, now: float) -> bool:
    """Store an order with its segments, which wait then, unless its id is known. Returns True if it is new; False if
    nothing was stored. `now`: in seconds since 1970. Raises sqlite3.Error if the database refuses.
    """
    if db.execute("SELECT 1 FROM messages WHERE id = ?", (order.id,)).fetchone():
        return False
    kind = message_kind(order.phone, datetime.fromtimestamp(now, UTC))
    row = (order.id, now, order.expires, order.flash, order.coding, order.phone, kind)
    db.execute("INSERT INTO messages (id, taken, expires, flash, coding, phone, kind) VALUES (?,?,?,?,?,?,?)", row)
    rows = [(order.id, number, SegmentState.WAITING.value, content) for number, content in order.segments]
    db.executemany("INSERT INTO segments (message, number, state, content) VALUES (?,?,?,?)", rows)
    return True


def states(db: sqlite3.Connection, message: str) -> list[SegmentState]:
    """Return the states of a message's segments, in no particular order; empty if the message is unknown. Raises
    sqlite3.Error if the database refuses.
    """
    return [SegmentState(state) for (state,) in db.execute("SELECT state FROM segments WHERE message = ?", (message,))]


def intend(db: sqlite3.Connection, message: str, numbers: Sequence[int], carrier: str) -> None:
    """Store that these segments (by number, from 1) are being sent to the carrier.

    Raises RuntimeError if one of them is not waiting, because it must not be sent twice, and sqlite3.Error if the
    database refuses.
    """
    for number in numbers:
        changed = db.execute(
            "UPDATE segments SET state = 'sending', carrier = ? WHERE message = ? AND number = ? AND state = 'waiting'",
            (carrier, message, number),
        )
        if changed.rowcount != 1:
            raise RuntimeError("a segment that does not wait was to be sent")


def settle(db: sqlite3.Connection, message: str, numbers: Sequence[int], state: SegmentState, now: float) -> None:
    """Store the new state of segments (by number) that waited or were being sent: WAITING if they were certainly not
    sent. Also stores the message's result if it has a new one, due for Quanzu at `now` (seconds since 1970), and
    deletes a content or telephone number that is no longer needed. Raises sqlite3.Error if the database refuses.
    """
    carrier = "NULL" if state is SegmentState.WAITING else "carrier"
    db.executemany(
        f"UPDATE segments SET state = ?, carrier = {carrier} WHERE message = ? AND number = ?",  # noqa: S608 - of two
        [(state.value, message, number) for number in numbers],
    )
    _judge(db, message, now)


def sent(db: sqlite3.Connection, message: str, number: int, named: str, remote: str, now: float, ask_at: float) -> bool:
    """Store that the carrier has accepted a segment of a message, and update the message's result. Returns True if the
    receipt for it had already come, in the two minutes before; else False.

    `message`: the dispatch's id; `number`: the segment's, from 1; `named`: the carrier's id of the segment; `remote`:
    the same id in the form in which receipts are compared with it; `now`, and `ask_at`, when to ask the carrier if no
    receipt comes: seconds since 1970.

    The carrier is no longer asked about an earlier segment to which it gave the same id: it would answer for this one.
    Raises sqlite3.Error if the database refuses.
    """
    db.execute(
        "UPDATE segments SET state = 'sent', named = ?, remote = ?, sent = ?, asked = ? "
        "WHERE message = ? AND number = ?",
        (named, remote, now, ask_at, message, number),
    )
    (carrier,) = db.execute(
        "SELECT carrier FROM segments WHERE message = ? AND number = ?", (message, number)
    ).fetchone()
    db.execute(
        "UPDATE segments SET asked = NULL WHERE carrier = ? AND remote = ? AND (message, number) <> (?, ?)",
        (carrier, remote, message, number),
    )
    early = db.execute(
        "DELETE FROM early WHERE carrier = ? AND remote = ? RETURNING receipt, word, at", (carrier, remote)
    ).fetchone()
    fresh = early is not None and early[2] >= now - EARLY_SECONDS
    if fresh:
        _receipted(db, message, number, SmsState(early[0]), early[1], now)
    _judge(db, message, now)
    return fresh


def receive(db: sqlite3.Connection, carrier: str, remote: str, state: SmsState, word: str, now: float) -> bool:
    """Store a receipt for the latest segment to which the carrier gave the id `remote`, and update the message's
    result. A receipt that the segment has already is replaced only if it says `undelivered`. Returns True if the id was
    known. If no answer has named the id yet, the receipt is kept for two minutes for the answer that will, and False is
    returned.

    `word`: the carrier's word for the state; `now`: in seconds since 1970. Raises sqlite3.Error if the database
    refuses.
    """
    found = db.execute(
        "SELECT message, number FROM segments WHERE carrier = ? AND remote = ? ORDER BY sent DESC LIMIT 1",
        (carrier, remote),
    ).fetchone()
    if found is None:
        db.execute("INSERT OR REPLACE INTO early VALUES (?,?,?,?,?)", (carrier, remote, state.value, word, now))
        forget_early(db, now)
        return False
    message, number = found
    _receipted(db, message, number, state, word, now)
    _judge(db, message, now)
    return True


def forget_early(db: sqlite3.Connection, now: float) -> None:
    """Delete the receipts whose id no answer has named within two minutes, and the oldest of them over 10,000. `now`:
    in seconds since 1970. Raises sqlite3.Error if the database refuses.
    """
    db.execute("DELETE FROM early WHERE at < ?", (now - EARLY_SECONDS,))
    over = db.execute("SELECT count(*) FROM early").fetchone()[0] - MOST_EARLY
    if over > 0:
        oldest = "SELECT carrier, remote FROM early ORDER BY at LIMIT ?"
        db.execute(f"DELETE FROM early WHERE (carrier, remote) IN ({oldest})", (over,))  # noqa: S608 - our own text


def interrupted(db: sqlite3.Connection, now: float) -> int:
    """Store as in doubt the segments that were being sent when the previous process ended. Returns the number of
    segments. `now`: in seconds since 1970. Raises sqlite3.Error if the database refuses.
    """
    found = db.execute("SELECT message, number FROM segments WHERE state = 'sending'").fetchall()
    for message, number in found:
        settle(db, message, [number], SegmentState.DOUBT, now)
    return len(found)


def waiting(db: sqlite3.Connection) -> list[Outbound]:
    """Return the messages with segments that wait to be sent, the first taken first; each has its waiting segments
    only. Raises sqlite3.Error if the database refuses.
    """
    messages = db.execute(
        "SELECT id, phone, coding, flash, expires FROM messages WHERE id IN "
        "(SELECT message FROM segments WHERE state = 'waiting') ORDER BY taken"
    ).fetchall()
    found = []
    for message, phone, coding, flash, expires in messages:
        rows = db.execute(
            "SELECT number, state, content, carrier FROM segments WHERE message = ?", (message,)
        ).fetchall()
        segments = tuple((number, content) for number, state, content, _ in rows if state == "waiting")
        carrier = next((carrier for *_, carrier in rows if carrier), None)
        found.append(Outbound(message, phone, coding, bool(flash), segments, len(rows) > 1, expires, carrier))
    return found


def in_doubt(db: sqlite3.Connection) -> int:
    """Return the number of messages with a segment of which it is unknown whether the carrier has it. Raises
    sqlite3.Error if the database refuses.
    """
    return int(db.execute("SELECT count(DISTINCT message) FROM segments WHERE state = 'doubt'").fetchone()[0])


def unreported_results(
    db: sqlite3.Connection, now: float, most: int, without: Collection[str]
) -> list[UnreportedResult]:
    """Return at most `most` results that Quanzu has not accepted and that are due at `now` (seconds since 1970), the
    earliest due first. `without`: ids of messages to leave out. Raises sqlite3.Error if the database refuses.
    """
    rows = db.execute(
        "SELECT id, result, word FROM messages WHERE settled <= ? ORDER BY settled LIMIT ?", (now, most + len(without))
    ).fetchall()
    return [
        UnreportedResult(message, SmsState(result), word) for message, result, word in rows if message not in without
    ][:most]


def mark_reported(db: sqlite3.Connection, told: UnreportedResult) -> None:
    """Store that Quanzu has accepted a result, or refuses it permanently. If the message has a newer result, that one
    is still due. Raises sqlite3.Error if the database refuses.
    """
    db.execute("UPDATE messages SET told = ? WHERE id = ?", (told.result.value, told.id))
    db.execute("UPDATE messages SET settled = NULL WHERE id = ? AND result = ?", (told.id, told.result.value))


def postpone(db: sqlite3.Connection, told: UnreportedResult, until: float) -> None:
    """Store that a result which Quanzu does not accept now is due again at `until` (seconds since 1970). Nothing
    changes if the message has no result to report. Raises sqlite3.Error if the database refuses.
    """
    db.execute("UPDATE messages SET settled = ? WHERE id = ? AND settled IS NOT NULL", (until, told.id))


def questions(db: sqlite3.Connection, carrier: str, now: float, again: float, most: int) -> list[MissingReceipt]:
    """Return at most `most` segments of a carrier whose receipt is missing and about which to ask at `now` (seconds
    since 1970), the earliest due first. Stores that each of them is due again `again` seconds later. Raises
    sqlite3.Error if the database refuses.
    """
    rows = db.execute(
        "SELECT message, number, carrier, named, remote FROM segments WHERE carrier = ? AND asked <= ? "
        "ORDER BY asked LIMIT ?",
        (carrier, now, most),
    ).fetchall()
    db.executemany(
        "UPDATE segments SET asked = ? WHERE message = ? AND number = ?", [(now + again, *row[:2]) for row in rows]
    )
    return [MissingReceipt(*row) for row in rows]


def untold_before(db: sqlite3.Connection, before: float) -> int:
    """Return the number of messages taken before `before` (seconds since 1970) whose result Quanzu has not accepted.
    Raises sqlite3.Error if the database refuses.
    """
    found = db.execute("SELECT count(*) FROM messages WHERE settled IS NOT NULL AND taken < ?", (before,))
    return int(found.fetchone()[0])


def forget_before(db: sqlite3.Connection, before: float) -> int:
    """Delete the messages taken before `before` (seconds since 1970) with their segments, unless a segment waits or is
    being sent. Returns the number of messages deleted. Raises sqlite3.Error if the database refuses.
    """
    old = (
        "SELECT id FROM messages WHERE taken < ? AND id NOT IN (SELECT message FROM segments WHERE state IN "
        "('waiting', 'sending'))"
    )
    db.execute(f"DELETE FROM segments WHERE message IN ({old})", (before,))  # noqa: S608 - our own text
    return db.execute(f"DELETE FROM messages WHERE id IN ({old})", (before,)).rowcount  # noqa: S608 - our own text


def _receipted(db: sqlite3.Connection, message: str, number: int, state: SmsState, word: str, now: float) -> None:
    """Store a segment's receipt. A later `delivered` replaces `undelivered`; other stored receipts are not replaced."""
    before = db.execute("SELECT receipt FROM segments WHERE message = ? AND number = ?", (message, number)).fetchone()
    changed = db.execute(
        "UPDATE segments SET receipt = ?, asked = NULL WHERE message = ? AND number = ? "
        "AND (receipt IS NULL OR receipt = 'undelivered')",
        (state.value, message, number),
    )
    if changed.rowcount:
        first, delivered = before[0] is None, state is SmsState.DELIVERED
        journal_shares.count_receipt(db, message, number, now, receipted=int(first), delivered=int(delivered))
    db.execute("UPDATE messages SET word = ? WHERE id = ?", (word, message))


def _judge(db: sqlite3.Connection, message: str, now: float) -> None:
    """Store a message's result if it is new, and delete data that is no longer needed: the content of segments that are
    not to be sent any more, and the telephone number once no segment is open.
    """
    rows = db.execute("SELECT state, receipt FROM segments WHERE message = ?", (message,)).fetchall()
    each = [(SegmentState(state), SmsState(receipt) if receipt else None) for state, receipt in rows]
    before = db.execute("SELECT result FROM messages WHERE id = ?", (message,)).fetchone()
    result = result_to_report(SmsState(before[0]) if before and before[0] else None, result_of(each))
    if result is not None:
        db.execute("UPDATE messages SET result = ?, settled = ? WHERE id = ?", (result.value, now, message))
    db.execute(
        "UPDATE segments SET content = NULL WHERE message = ? AND state NOT IN ('waiting', 'sending')", (message,)
    )
    if not any(state in _OPEN for state, _ in each):
        db.execute("UPDATE messages SET phone = NULL WHERE id = ?", (message,))
