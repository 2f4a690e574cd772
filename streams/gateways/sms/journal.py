"""The gateway's journal: an SQLite file that stores what was intended and what was done, even if the process dies.

SQLite and not Redis: with synchronous=FULL a change is on the disk before it is answered. Redis as it is usually run
loses its last second, and after a lost intention a message would be sent twice.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar, cast

from streams.gateways.log_limit import LogLimit
from streams.gateways.sms import journal_replies
from streams.gateways.sms.journal_steps import SCHEMA
from streams.runtime.settings import SettingsError

log = logging.getLogger(__name__)

FILE, LOCK = "gateway.sqlite", "gateway.lock"
DISK_SECONDS = 1.0  # after an error of the disk
_AT_ONCE = 500  # changes that share a flush to the disk

Found = TypeVar("Found")
Change = Callable[[sqlite3.Connection], object]
_Asked = tuple[Change, asyncio.Future[object]]


class Journal:
    """A journal in a folder, open for one process.

    Changes that are requested at the same time share one flush to the disk.
    """

    def __init__(self, folder: Path) -> None:
        """Open the journal in `folder`, which is created if it is missing.

        Raises SettingsError if another gateway has it open, or the folder or file cannot be used.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600))  # for its owner only
            self._db = _opened(folder / FILE)
        except BlockingIOError:
            raise SettingsError(
                f"data = {folder}: another gateway has this journal. Stop it, or give this one a folder of its own"
            ) from None
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(
                f"data = {folder}: the journal cannot be opened ({error}). Let this user write there; if the file is "
                "broken, put it aside: what it has in doubt stays unknown then"
            ) from None
        self._lines = LogLimit()
        self._loop = asyncio.get_running_loop()
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    async def run(self, change: Callable[[sqlite3.Connection], Found]) -> Found:
        """Call `change` with the database in the journal's thread, and return its result once the disk has the changes.
        If the caller is cancelled, the change is still carried out.

        Raises the exceptions of `change`, and sqlite3.Error if the disk refuses; nothing is changed then.
        """
        answer: asyncio.Future[object] = self._loop.create_future()
        self._asked.put((change, answer))
        found = await asyncio.shield(answer)  # a caller that is cancelled does not stop the change
        return cast("Found", found)

    async def until_stored(self, change: Callable[[sqlite3.Connection], Found]) -> Found:
        """Call `run` until the disk stores the changes, at intervals of 1 s and without limit, and return the result of
        `change`. Each sqlite3.Error, also one that `change` raises, is a reason to try again; it is logged at most once
        in 10 s. Other exceptions of `change` are raised.
        """
        while True:
            try:
                return await self.run(change)
            except sqlite3.Error as error:
                self._tell(error)
                await asyncio.sleep(DISK_SECONDS)

    def _tell(self, error: sqlite3.Error) -> None:
        """Log that the disk refuses a change, unless that was logged a moment ago: thousands may be refused at once."""
        if self._lines.due("refused", time.monotonic()) is not None:
            log.error("the journal's disk refuses a change (%s): it is tried again. Make room on the disk", error)

    async def close(self) -> None:
        """Carry out the changes requested before, then close the file and release its lock."""
        self._asked.put(None)
        await asyncio.to_thread(self._thread.join)
        os.close(self._lock)

    def _work(self) -> None:
        open_still = True
        while open_still:
            batch: list[_Asked] = []
            asked = self._asked.get()
            while asked is not None:
                batch.append(asked)
                if len(batch) >= _AT_ONCE or self._asked.empty():
                    break
                asked = self._asked.get()
            open_still = asked is not None
            if batch:
                found = self._changed([change for change, _ in batch])
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(_answer, [answer for _, answer in batch], found)
        self._db.close()

    def _changed(self, changes: list[Change]) -> list[object]:
        """Carry out changes in one transaction. Returns each one's result, or the exception that it raised."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            found = [self._one(change) for change in changes]
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            return [error] * len(changes)
        return found

    def _one(self, change: Change) -> object:
        self._db.execute("SAVEPOINT one")
        try:
            found = change(self._db)
        except Exception as error:  # it is raised where the change was asked for
            self._db.execute("ROLLBACK TO one")
            found = error
        self._db.execute("RELEASE one")
        return found


def _answer(answers: list[asyncio.Future[object]], found: list[object]) -> None:
    for answer, each in zip(answers, found, strict=True):
        if answer.done():
            continue
        if isinstance(each, Exception):
            answer.set_exception(each)
        else:
            answer.set_result(each)


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")  # a number or text that is removed is overwritten
    db.executescript(SCHEMA + journal_replies.SCHEMA)
    return db
