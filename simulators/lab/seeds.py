"""Spreads seeds over processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")


def map_seeds(live: Callable[[int], T], seeds: Sequence[int], processes: int = 1) -> Iterator[tuple[int, T]]:
    """Call `live` with each seed, and yield (seed, result) in the order of the seeds. With 2 or more `processes`, the
    calls run in that many new processes, and `live` and its results must be picklable. Exceptions of `live` pass
    through.
    """
    if processes <= 1:
        for seed in seeds:
            yield seed, live(seed)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from zip(seeds, pool.map(live, seeds), strict=True)
