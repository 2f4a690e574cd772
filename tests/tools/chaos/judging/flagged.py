"""What a worker does to itself at a moment at which nobody outside can strike it; a flag, which is a file, asks for it.

The worker that gets there first takes the flag, so one worker is struck, once. It notes its process id, and the
dispatch that it has in hand, before it is struck.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from schemas.casework.events import Dispatch
from streams.channels.dispatch_log import DispatchLog
from streams.state.case_store import CaseStore
from streams.state.store_update import StoreUpdate

NAME = "flagged"
FOLDER = "CHAOS_FLAGS"  # the environment variable that names the flags' folder
LOOK_SECONDS = 0.005
LATE_SECONDS = 0.2
COMMIT, SENDING = CaseStore.commit, DispatchLog.mark_sending


class Moment(StrEnum):
    """Where a worker can be struck."""

    COMMITTED = "committed"  # entries are committed, and none of them is published
    COVERED = "covered"  # the same, for another fault of the same round
    SENDING = "sending"  # a dispatch is marked as `sending`, and its request is not made yet


class Struck(NamedTuple):
    """Who took a flag, and for which dispatch; none at a commit."""

    pid: int
    dispatch: str


def awaited(folder: Path, moment: Moment, seconds: float) -> Struck | None:
    """Put a flag up, and return who took it; None when nobody came there in time: then the flag is gone again.

    It waits: call it in a thread.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flag, until = folder / moment, time.monotonic() + seconds
    flag.touch()
    while time.monotonic() < until:
        if found := _struck(flag):
            return found
        time.sleep(LOOK_SECONDS)
    with suppress(FileNotFoundError):
        flag.unlink()
        return None
    time.sleep(LATE_SECONDS)  # somebody took it just now
    return _struck(flag)


def patch() -> None:
    """Let this worker look for flags."""
    for kind, name, instead in PATCHES:
        mock.patch.object(kind, name, instead).start()


async def _committing(
    self: CaseStore, partition: int, expected: int | str | None, offset: int | None, change: StoreUpdate
) -> bool:
    done = await COMMIT(self, partition, expected, offset, change)
    if done and offset is not None and change.outbox:
        for moment in (Moment.COMMITTED, Moment.COVERED):
            _strike(moment, signal.SIGKILL)
    return done


async def _marking(
    self: DispatchLog, dispatch: Dispatch, fence: str, bank: str = "", *, first: bool = False
) -> float | None:
    began = await SENDING(self, dispatch, fence, bank, first=first)
    if began is not None:
        _strike(Moment.SENDING, signal.SIGSTOP, dispatch.id)
    return began


PATCHES: tuple[tuple[type, str, Callable[..., Any]], ...] = (
    (CaseStore, "commit", _committing),
    (DispatchLog, "mark_sending", _marking),
)


def _strike(moment: Moment, which: signal.Signals, dispatch: str = "") -> None:
    flag = Path(os.environ[FOLDER]) / moment
    try:
        flag.rename(_taken(flag))
    except FileNotFoundError:
        return
    note = flag.with_suffix(".new")
    note.write_text(f"{os.getpid()} {dispatch}")
    note.rename(_note(flag))
    os.kill(os.getpid(), which)


def _struck(flag: Path) -> Struck | None:
    try:
        pid, _, dispatch = _note(flag).read_text().partition(" ")
    except FileNotFoundError:
        return None
    return Struck(int(pid), dispatch)


def _taken(flag: Path) -> Path:
    return flag.with_suffix(".taken")


def _note(flag: Path) -> Path:
    return flag.with_suffix(".struck")
