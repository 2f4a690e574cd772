"""The journal's part for messages from telephones: whom the gateway wrote to, each reply once, parts joined.

No number is kept: a telephone is recognised by a keyed hash. A text is removed once Quanzu has taken the reply; what
remains is what recognises a repeated delivery.
"""

import hashlib
import hmac
import secrets
import sqlite3
from dataclasses import dataclass, field
from enum import StrEnum

from domain.carriers.replies import LONGEST_REPLY, MOST_PARTS, ReplyPart, comparable_number, joined_text

SCHEMA = """
CREATE TABLE IF NOT EXISTS written_to (phone TEXT PRIMARY KEY, dispatch TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS written_to_by_age ON written_to (at);
CREATE TABLE IF NOT EXISTS reply_parts (
  seen TEXT PRIMARY KEY, at REAL NOT NULL, joint TEXT, number INTEGER NOT NULL, total INTEGER NOT NULL,
  dispatch TEXT NOT NULL, text TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reply_parts_by_joint ON reply_parts (joint) WHERE joint IS NOT NULL;
CREATE INDEX IF NOT EXISTS reply_parts_by_dispatch ON reply_parts (dispatch) WHERE joint IS NOT NULL;
DROP INDEX IF EXISTS reply_parts_by_age;
CREATE INDEX IF NOT EXISTS reply_seen_by_age ON reply_parts (at) WHERE joint IS NULL;
CREATE TABLE IF NOT EXISTS replies (
  id TEXT PRIMARY KEY, at REAL NOT NULL, due REAL NOT NULL, dispatch TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS replies_by_due ON replies (due);
CREATE INDEX IF NOT EXISTS replies_by_dispatch ON replies (dispatch);
"""
"""`written_to`: the latest dispatch to each telephone, by its keyed hash. `seen`: the same for a repeated delivery;
`joint`: the same for all parts of a message, until it is joined.
"""

JOIN_SECONDS = 120.0  # after which a long message is passed on without the parts that are missing
MOST_KEPT = 20_000  # replies and parts that wait: a flood does not fill the disk
MOST_OF_ONE = 20  # of these, of the telephone that a dispatch went to: no telephone keeps out the others
MOST_SEEN = 20_000  # deliveries that are recognised when they come again


class ReplyTaking(StrEnum):
    """How a delivery from a telephone was taken.

    STORED: it is in the journal. REPEATED: it was delivered before. UNKNOWN: the gateway did not write to this
    telephone. DROPPED: too many of this telephone wait. FULL: too many wait in all, so it has to be delivered again.
    """

    STORED = "stored"
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    DROPPED = "dropped"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply that Quanzu has not taken. `dispatch`: the latest dispatch that went to the telephone."""

    id: str
    dispatch: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReplyDelivery:
    """A message as it was delivered, with keyed hashes. `phones`: the hash of the telephone, under each key; `seen`: a
    hash that a repeated delivery has too; `joint`: a hash that all parts of the message have.
    """

    phones: tuple[str, ...]
    seen: str
    joint: str
    text: str = field(repr=False)
    part: ReplyPart | None = None


def telephone_hash(key: bytes, phone: str) -> str:
    """Return the keyed hash (HMAC-SHA256, 64 hexadecimal digits) by which a telephone is recognised. It is the same
    with and without China's code 86.
    """
    return hmac.new(key, comparable_number(phone).encode(), hashlib.sha256).hexdigest()


def note_written_to(db: sqlite3.Connection, phone: str, dispatch: str, now: float) -> None:
    """Store the dispatch as the latest one to a telephone. `phone`: its keyed hash; `now`: in seconds since 1970.
    Raises sqlite3.Error if the database refuses.
    """
    db.execute("INSERT OR REPLACE INTO written_to VALUES (?,?,?)", (phone, dispatch, now))


def receive_reply(db: sqlite3.Connection, given: ReplyDelivery, now: float, repeat_seconds: float) -> ReplyTaking:
    """Store a delivery from a telephone, and join a long message once all its parts are here. Returns STORED; or
    without storing it: REPEATED if it was seen within `repeat_seconds`, UNKNOWN if no dispatch went to the telephone,
    DROPPED if 20 messages or parts of this telephone wait, FULL if 20,000 wait in all.

    `now`: in seconds since 1970. Raises sqlite3.Error if the database refuses.
    """
    db.execute("DELETE FROM reply_parts WHERE seen = ? AND at < ?", (given.seen, now - repeat_seconds))
    if db.execute("SELECT 1 FROM reply_parts WHERE seen = ?", (given.seen,)).fetchone():
        return ReplyTaking.REPEATED
    asked = "SELECT dispatch FROM written_to WHERE phone = ?"
    known = next((found for each in given.phones if (found := db.execute(asked, (each,)).fetchone())), None)
    if known is None:
        return ReplyTaking.UNKNOWN
    (dispatch,) = known
    if _waiting_of(db, dispatch) >= MOST_OF_ONE:
        return ReplyTaking.DROPPED
    if _waiting(db) >= MOST_KEPT:
        return ReplyTaking.FULL
    _make_room(db)
    if given.part is None:
        db.execute("INSERT INTO reply_parts VALUES (?,?,NULL,1,1,?,NULL)", (given.seen, now, dispatch))
        _keep(db, now, dispatch, joined_text({1: given.text}, 1), now)
        return ReplyTaking.STORED
    row = (given.seen, now, given.joint, given.part.number, given.part.total, dispatch, given.text[:LONGEST_REPLY])
    db.execute("INSERT INTO reply_parts VALUES (?,?,?,?,?,?,?)", row)
    _join(db, given.joint, now, whole=True)
    return ReplyTaking.STORED


def join_late(db: sqlite3.Connection, now: float) -> int:
    """Make due for Quanzu the long messages whose first part came over two minutes ago and whose other parts have not
    all come; "…" replaces each missing part. Returns the number of these messages. `now`: in seconds since 1970. Raises
    sqlite3.Error if the database refuses.
    """
    late = db.execute(
        "SELECT joint FROM reply_parts WHERE joint IS NOT NULL GROUP BY joint HAVING min(at) < ?", (now - JOIN_SECONDS,)
    ).fetchall()
    for (joint,) in late:
        _join(db, joint, now, whole=False)
    return len(late)


def due_replies(db: sqlite3.Connection, now: float, most: int) -> list[KeptReply]:
    """Return at most `most` replies that are due at `now` (seconds since 1970) to be passed on to Quanzu, the earliest
    due first. Raises sqlite3.Error if the database refuses.
    """
    rows = db.execute("SELECT id, dispatch, text FROM replies WHERE due <= ? ORDER BY due LIMIT ?", (now, most))
    return [KeptReply(*row) for row in rows.fetchall()]


def passed_on(db: sqlite3.Connection, reply: str) -> None:
    """Delete a reply (by its id) that Quanzu has taken, or refuses for good. Raises sqlite3.Error if the database
    refuses.
    """
    db.execute("DELETE FROM replies WHERE id = ?", (reply,))


def postpone_reply(db: sqlite3.Connection, reply: str, until: float) -> None:
    """Store that a reply (by its id) which Quanzu does not take now is due again at `until` (seconds since 1970).
    Raises sqlite3.Error if the database refuses.
    """
    db.execute("UPDATE replies SET due = ? WHERE id = ?", (until, reply))


def forget_replies(db: sqlite3.Connection, before: float) -> int:
    """Delete the telephones written to, recognised deliveries and replies from before `before` (seconds since 1970).
    Returns the number of deleted replies, which Quanzu had never taken. Raises sqlite3.Error if the database refuses.
    """
    db.execute("DELETE FROM written_to WHERE at < ?", (before,))
    db.execute("DELETE FROM reply_parts WHERE at < ? AND joint IS NULL", (before,))
    return db.execute("DELETE FROM replies WHERE at < ?", (before,)).rowcount


def _waiting(db: sqlite3.Connection) -> int:
    replies = db.execute("SELECT count(*) FROM replies").fetchone()[0]
    return int(replies) + int(db.execute("SELECT count(*) FROM reply_parts WHERE joint IS NOT NULL").fetchone()[0])


def _waiting_of(db: sqlite3.Connection, dispatch: str) -> int:
    asked = (
        "SELECT (SELECT count(*) FROM replies WHERE dispatch = ?) + "
        "(SELECT count(*) FROM reply_parts WHERE dispatch = ? AND joint IS NOT NULL)"
    )
    return int(db.execute(asked, (dispatch, dispatch)).fetchone()[0])


def _make_room(db: sqlite3.Connection) -> None:
    """Forget the oldest deliveries over MOST_SEEN - 1 that are kept only to recognise them."""
    over = db.execute("SELECT count(*) FROM reply_parts WHERE joint IS NULL").fetchone()[0] - MOST_SEEN + 1
    if over > 0:
        oldest = "SELECT seen FROM reply_parts WHERE joint IS NULL ORDER BY at LIMIT ?"
        db.execute(f"DELETE FROM reply_parts WHERE seen IN ({oldest})", (over,))  # noqa: S608 - our own text


def _join(db: sqlite3.Connection, joint: str, now: float, *, whole: bool) -> None:
    """Join a message's parts; `whole`: only if none is missing."""
    rows = db.execute(
        "SELECT number, total, dispatch, text, at FROM reply_parts WHERE joint = ? ORDER BY at DESC LIMIT ?",
        (joint, MOST_PARTS),
    ).fetchall()
    parts, total = {number: text for number, _, _, text, _ in rows}, max(row[1] for row in rows)
    if whole and len(parts) < total:
        return
    _keep(db, min(row[-1] for row in rows), rows[0][2], joined_text(parts, total), now)
    db.execute("UPDATE reply_parts SET joint = NULL, text = NULL WHERE joint = ?", (joint,))


def _keep(db: sqlite3.Connection, at: float, dispatch: str, text: str, due: float) -> None:
    db.execute("INSERT INTO replies VALUES (?,?,?,?,?)", (secrets.token_hex(16), at, due, dispatch, text))
