"""A progress bar in the terminal; without a terminal, a line of text every ten seconds."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

Done = Callable[[int, int], None]
_EVERY = 10.0  # seconds between two lines of a log


@contextmanager
def bar(console: Console, what: str) -> Iterator[Done]:
    """Context manager: show a progress bar labelled `what` in the terminal during the block; yields a function (done,
    total) that updates it.

    Without a terminal it prints a line at most every ten seconds, and one when `done` equals `total`.
    """
    if not console.is_terminal:
        yield _lines(console, what)
        return
    with Progress(
        "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as on:
        task = on.add_task(what, total=None)
        yield lambda done, total: on.update(task, completed=done, total=total)


def _lines(console: Console, what: str) -> Done:
    last = -math.inf

    def tell(done: int, total: int) -> None:
        nonlocal last
        if done == total or monotonic() - last >= _EVERY:
            last = monotonic()
            console.print(f"{what}: {done:,} of {total:,}", markup=False, highlight=False)

    return tell
