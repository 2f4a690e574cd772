"""Spreads seeds over processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")


def lived(live: Callable[[int], T], seeds: Sequence[int], processes: int = 1) -> Iterator[tuple[int, T]]:
    """Yield (seed, result of `live`) for each seed, in their order. With 2 or more `processes`, seeds run in so many
    processes, and `live` and its results must be picklable. Raises the errors of `live`.
    """
    if processes <= 1:
        for seed in seeds:
            yield seed, live(seed)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from zip(seeds, pool.map(live, seeds), strict=True)
