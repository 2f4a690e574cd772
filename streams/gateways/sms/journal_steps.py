"""Each change of the gateway's journal, and each question to it.

A number and a text are removed as soon as no segment waits. What remains is the dispatch's id, so that a repeated order
is recognised, and the carrier's ids, which its receipts name.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from domain.carriers.outcome import SegmentState, news, result_of
from schemas.channels.receipts import SmsState

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  id TEXT PRIMARY KEY, nonce TEXT NOT NULL UNIQUE, taken REAL NOT NULL, expires REAL NOT NULL, flash INTEGER NOT NULL,
  coding INTEGER NOT NULL, phone TEXT, result TEXT, told TEXT, word TEXT NOT NULL DEFAULT '',
  settled REAL) WITHOUT ROWID;
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


class OrderTaking(StrEnum):
    """How an order was taken: new, known by its id, or refused because its signature was used for another."""

    NEW = "new"
    KNOWN = "known"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Outbound:
    """A message to send. `id`: the dispatch's; `segments`: by number, those that still wait; `expires`: in seconds
    since 1970; `carrier`: that has its other segments, or None.
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
    """A segment whose receipt is missing. `named`: the carrier's id; `remote`: as receipts are compared with it."""

    message: str
    number: int
    carrier: str
    named: str
    remote: str


@dataclass(frozen=True, slots=True)
class Untold:
    """A result that Quanzu has not accepted yet. `word`: the carrier's."""

    id: str
    result: SmsState
    word: str


def take(db: sqlite3.Connection, order: Outbound, nonce: str, now: float) -> OrderTaking:
    """Store an order, unless its id is known or its signature's nonce was used for another id."""
    if db.execute("SELECT 1 FROM messages WHERE id = ?", (order.id,)).fetchone():
        return OrderTaking.KNOWN
    if db.execute("SELECT 1 FROM messages WHERE nonce = ?", (nonce,)).fetchone():
        return OrderTaking.REPLAYED
    row = (order.id, nonce, now, order.expires, order.flash, order.coding, order.phone)
    db.execute("INSERT INTO messages (id, nonce, taken, expires, flash, coding, phone) VALUES (?,?,?,?,?,?,?)", row)
    rows = [(order.id, number, SegmentState.WAITING.value, content) for number, content in order.segments]
    db.executemany("INSERT INTO segments (message, number, state, content) VALUES (?,?,?,?)", rows)
    return OrderTaking.NEW


def states(db: sqlite3.Connection, message: str) -> list[SegmentState]:
    """Return the states of a message's segments; none if it is unknown."""
    return [SegmentState(state) for (state,) in db.execute("SELECT state FROM segments WHERE message = ?", (message,))]


def intend(db: sqlite3.Connection, message: str, numbers: Sequence[int], carrier: str) -> None:
    """Note that segments go on the wire now. Raises RuntimeError if one does not wait: it must not be sent twice."""
    for number in numbers:
        changed = db.execute(
            "UPDATE segments SET state = 'sending', carrier = ? WHERE message = ? AND number = ? AND state = 'waiting'",
            (carrier, message, number),
        )
        if changed.rowcount != 1:
            raise RuntimeError("a segment that does not wait was to be sent")


def settle(db: sqlite3.Connection, message: str, numbers: Sequence[int], state: SegmentState, now: float) -> None:
    """Note what became of segments that were intended or waited. WAITING: they were certainly not sent."""
    carrier = "NULL" if state is SegmentState.WAITING else "carrier"
    db.executemany(
        f"UPDATE segments SET state = ?, carrier = {carrier} WHERE message = ? AND number = ?",  # noqa: S608 - of two
        [(state.value, message, number) for number in numbers],
    )
    _judge(db, message, now)


def sent(db: sqlite3.Connection, message: str, number: int, named: str, remote: str, now: float, ask_at: float) -> bool:
    """Note that the carrier has a segment, by its id, and when to ask if no receipt comes. Returns whether the receipt
    had come in the two minutes before.

    It is not asked any more about a former segment to which it gave the same id: it would answer for this one.
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
        _receipted(db, message, number, SmsState(early[0]), early[1])
    _judge(db, message, now)
    return fresh


def receive(db: sqlite3.Connection, carrier: str, remote: str, state: SmsState, word: str, now: float) -> bool:
    """Note a receipt for the latest segment to which the carrier gave its id. One for an id that no answer has named
    yet is kept for it. Returns whether the id was known.
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
    _receipted(db, message, number, state, word)
    _judge(db, message, now)
    return True


def forget_early(db: sqlite3.Connection, now: float) -> None:
    """Remove receipts that no answer has named within two minutes, and the oldest ones over 10,000."""
    db.execute("DELETE FROM early WHERE at < ?", (now - EARLY_SECONDS,))
    over = db.execute("SELECT count(*) FROM early").fetchone()[0] - MOST_EARLY
    if over > 0:
        oldest = "SELECT carrier, remote FROM early ORDER BY at LIMIT ?"
        db.execute(f"DELETE FROM early WHERE (carrier, remote) IN ({oldest})", (over,))  # noqa: S608 - our own text


def interrupted(db: sqlite3.Connection, now: float) -> int:
    """Put in doubt what was being sent when the process before this one ended. Returns the number of segments."""
    found = db.execute("SELECT message, number FROM segments WHERE state = 'sending'").fetchall()
    for message, number in found:
        settle(db, message, [number], SegmentState.DOUBT, now)
    return len(found)


def waiting(db: sqlite3.Connection) -> list[Outbound]:
    """Return the messages that wait, in the order in which they were taken."""
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
    """Return the number of messages that nobody knows whether the carrier has."""
    return int(db.execute("SELECT count(DISTINCT message) FROM segments WHERE state = 'doubt'").fetchone()[0])


def untold(db: sqlite3.Connection, now: float, most: int, without: Collection[str]) -> list[Untold]:
    """Return the oldest results that Quanzu has not accepted and that are due, but for those messages."""
    rows = db.execute(
        "SELECT id, result, word FROM messages WHERE settled <= ? ORDER BY settled LIMIT ?", (now, most + len(without))
    ).fetchall()
    return [Untold(message, SmsState(result), word) for message, result, word in rows if message not in without][:most]


def tell(db: sqlite3.Connection, told: Untold) -> None:
    """Note that Quanzu has a result, or refuses it for good. A newer one stays to be told."""
    db.execute("UPDATE messages SET told = ? WHERE id = ?", (told.result.value, told.id))
    db.execute("UPDATE messages SET settled = NULL WHERE id = ? AND result = ?", (told.id, told.result.value))


def postpone(db: sqlite3.Connection, told: Untold, until: float) -> None:
    """Note when a result is due again that Quanzu does not accept now."""
    db.execute("UPDATE messages SET settled = ? WHERE id = ? AND settled IS NOT NULL", (until, told.id))


def questions(db: sqlite3.Connection, carrier: str, now: float, again: float, most: int) -> list[MissingReceipt]:
    """Return a carrier's segments whose receipt is missing at `now`; each is due again after `again` seconds."""
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
    """Return the number of messages taken before `before` whose result Quanzu has not accepted."""
    found = db.execute("SELECT count(*) FROM messages WHERE settled IS NOT NULL AND taken < ?", (before,))
    return int(found.fetchone()[0])


def forget_before(db: sqlite3.Connection, before: float) -> int:
    """Remove what was taken before `before` (seconds since 1970) and waits no more. Returns the number of messages."""
    old = (
        "SELECT id FROM messages WHERE taken < ? AND id NOT IN (SELECT message FROM segments WHERE state IN "
        "('waiting', 'sending'))"
    )
    db.execute(f"DELETE FROM segments WHERE message IN ({old})", (before,))  # noqa: S608 - our own text
    return db.execute(f"DELETE FROM messages WHERE id IN ({old})", (before,)).rowcount  # noqa: S608 - our own text


def _receipted(db: sqlite3.Connection, message: str, number: int, state: SmsState, word: str) -> None:
    """Note a segment's receipt: a later `delivered` replaces `undelivered`, not the other way round."""
    db.execute(
        "UPDATE segments SET receipt = ?, asked = NULL WHERE message = ? AND number = ? "
        "AND (receipt IS NULL OR receipt = 'undelivered')",
        (state.value, message, number),
    )
    db.execute("UPDATE messages SET word = ? WHERE id = ?", (word, message))


def _judge(db: sqlite3.Connection, message: str, now: float) -> None:
    """Note a message's result if it is new, and remove what is no longer needed to send it."""
    rows = db.execute("SELECT state, receipt FROM segments WHERE message = ?", (message,)).fetchall()
    each = [(SegmentState(state), SmsState(receipt) if receipt else None) for state, receipt in rows]
    before = db.execute("SELECT result FROM messages WHERE id = ?", (message,)).fetchone()
    result = news(SmsState(before[0]) if before and before[0] else None, result_of(each))
    if result is not None:
        db.execute("UPDATE messages SET result = ?, settled = ? WHERE id = ?", (result.value, now, message))
    db.execute(
        "UPDATE segments SET content = NULL WHERE message = ? AND state NOT IN ('waiting', 'sending')", (message,)
    )
    if not any(state in _OPEN for state, _ in each):
        db.execute("UPDATE messages SET phone = NULL WHERE id = ?", (message,))
