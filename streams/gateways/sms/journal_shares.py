"""The journal's part for what carriers deliver: counts by carrier and kind of message, which outlive the messages.

A kind is a range of numbers and a part of the day: it names nobody.
"""

import sqlite3

from domain.carriers.delivered_share import DeliveryCounts, DeliveryRecord

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivered_shares (
  carrier TEXT NOT NULL, kind TEXT NOT NULL, receipted REAL NOT NULL, delivered REAL NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (carrier, kind)) WITHOUT ROWID;
"""
"""`at`: until when, in seconds since 1970, the counts have faded."""
_DAY = 86_400.0


def count_receipt(
    db: sqlite3.Connection, message: str, number: int, now: float, *, receipted: int, delivered: int
) -> None:
    """Add `receipted` and `delivered` to the counts of the carrier that has a segment, for its message's kind; the
    counts from before fade until `now` first. `receipted`: 1 for the segment's first receipt, else 0; `delivered`: 1 if
    it says that the segment is delivered, else 0.

    `message`: the dispatch's id; `number`: the segment's, from 1; the segment must be stored and have a carrier. `now`:
    in seconds since 1970. Raises sqlite3.Error if the database refuses.
    """
    carrier, kind = db.execute(
        "SELECT carrier, kind FROM segments JOIN messages ON id = message WHERE message = ? AND number = ?",
        (message, number),
    ).fetchone()
    row = db.execute(
        "SELECT receipted, delivered, at FROM delivered_shares WHERE carrier = ? AND kind = ?", (carrier, kind)
    ).fetchone()
    before = DeliveryCounts(*row[:2]).faded((now - row[2]) / _DAY) if row else DeliveryCounts()
    db.execute(
        "INSERT OR REPLACE INTO delivered_shares VALUES (?,?,?,?,?)",
        (carrier, kind, before.receipted + receipted, before.delivered + delivered, max(now, row[2]) if row else now),
    )


def delivery_record(db: sqlite3.Connection, now: float) -> DeliveryRecord:
    """Return what all carriers have delivered, as the counts have faded until `now` (seconds since 1970). Raises
    sqlite3.Error if the database refuses.
    """
    rows = db.execute("SELECT carrier, kind, receipted, delivered, at FROM delivered_shares")
    return DeliveryRecord(
        {
            (carrier, kind): DeliveryCounts(receipted, delivered).faded((now - at) / _DAY)
            for carrier, kind, receipted, delivered, at in rows
        }
    )
