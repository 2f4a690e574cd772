"""A bar in the terminal for what takes a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn


@contextmanager
def bar(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """Gives what is told how much is done, of how much."""
    with Progress(
        "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as on:
        task = on.add_task(what, total=None)
        yield lambda done, total: on.update(task, completed=done, total=total)
