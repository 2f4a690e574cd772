"""Sorts any number of recorded signals by the time at which they became known, with only a part of them in memory.

A signal became known when it arrived at intake; without a recorded arrival, at its end (a call) or its own time. The
sort is stable.
"""

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import IO, Self

from schemas.base import LATEST
from schemas.risk.signals import Call, Signal, signal_adapter

HELD = 50_000  # signals in memory: about 50 MB
_LAST = LATEST - timedelta(microseconds=1)


class Spool:
    """Accepts signals in any order and yields them sorted by `moment`, equal ones in the order added. `count`: number
    of signals added.

    A context manager: at most `held` signals are in memory; the others are in temporary files without names, which are
    deleted when it is closed.
    """

    def __init__(self, held: int = HELD) -> None:
        self._most, self._held = held, list[Signal]()
        self._runs: list[IO[bytes]] = []
        self._files = ExitStack()
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._files.close()

    def add(self, signal: Signal) -> None:
        """Add a signal, in any order. A signal without an arrival time is kept as a copy that arrived at the signal's
        own time, a call when it ended. When `held` signals are in memory, they are written to a temporary file. Raises
        OSError if the file cannot be written.
        """
        self._held.append(known(signal))
        self.count += 1
        if len(self._held) >= self._most:
            self._put_by()

    def __iter__(self) -> Iterator[Signal]:
        self._held.sort(key=moment)
        return heapq.merge(*(_read(run) for run in self._runs), self._held, key=moment)

    def _put_by(self) -> None:
        self._held.sort(key=moment)
        run = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the spool
        run.writelines(signal.model_dump_json().encode() + b"\n" for signal in self._held)
        self._runs.append(run)
        self._held = []


def known(signal: Signal) -> Signal:
    """Return the signal with `arrived` set. If it was not set, return a copy in which it is the signal's own time, for
    a call the time at which the call ended.
    """
    if signal.arrived is not None:
        return signal
    lasted = timedelta(seconds=signal.seconds) if isinstance(signal, Call) else timedelta(0)
    return signal.model_copy(update={"arrived": min(signal.at + lasted, _LAST)})


def moment(signal: Signal) -> datetime:
    """Return the time at which the signal became known: its arrival at intake, or the signal's own time if it has no
    arrival.
    """
    return signal.arrived or signal.at


def _read(run: IO[bytes]) -> Iterator[Signal]:
    run.seek(0)
    for line in run:
        yield signal_adapter.validate_json(line)
