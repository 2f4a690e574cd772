"""One rule for the nonces of orders' signatures, kept in a gateway's SQLite file.

A signature covers no id: what was signed for one order must not be carried out under another. So the nonce of each
attempt is kept, also of one that is refused or repeats an order. Under the same id it may come again.
"""

import sqlite3

from streams.channels.signing import TOLERANCE_SECONDS

NONCE_SECONDS = 3 * TOLERANCE_SECONDS  # a signature whose time is ahead is taken for up to twice the tolerance
NONCES = """
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, id TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS nonces_by_age ON nonces (at);
"""


def claim_nonce(db: sqlite3.Connection, nonce: str, dispatch: str, at: float) -> bool:
    """Store a nonce, used at `at` (seconds since 1970) for a dispatch. Returns True if it is new or was used for the
    same dispatch; False if it was used for another one. Raises sqlite3.Error if the database refuses.
    """
    insert = "INSERT OR IGNORE INTO nonces (nonce, id, at) VALUES (?, ?, ?)"
    if db.execute(insert, (nonce, dispatch, at)).rowcount:
        return True
    used = db.execute("SELECT 1 FROM nonces WHERE nonce = ? AND id = ?", (nonce, dispatch)).fetchone()
    return used is not None


def forget_nonces(db: sqlite3.Connection, before: float) -> int:
    """Delete the nonces that were used before `before` (seconds since 1970), whose signatures are too old by then.
    Returns the number deleted. Raises sqlite3.Error if the database refuses.
    """
    return db.execute("DELETE FROM nonces WHERE at < ?", (before,)).rowcount
