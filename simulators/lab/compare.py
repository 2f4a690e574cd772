"""Compares policies and dispatchers with the same residents, scams and random numbers, seed by seed."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from domain.policy import load
from schemas.errors import UserError
from simulators.lab.book import Figures
from simulators.lab.dispatchers import DEFAULT, DISPATCHERS, FIRST_COME, LEVEL_THEN_AGE, NOBODY, ORACLE
from simulators.lab.intervals import interval, paired
from simulators.lab.laboratory import Laboratory
from simulators.lab.seeds import map_seeds
from simulators.lab.setup import Setup
from simulators.population.people import people
from simulators.world.province import SECRET, START, Province

Progress = Callable[[int, int], object]
"""Called with the number of finished seeds and their total."""

AVOIDED, BEYOND_NOBODY = "loss_avoided_fen", "beyond_nobody_fen"

_MANY = 100_000  # objects allocated between searches for reference cycles

BySeed = Mapping[int, Mapping[str, Figures]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A policy and a dispatcher that a comparison runs together. `policy`: the policy's TOML text; `dispatcher`: the
    name in DISPATCHERS of the function that chooses which waiting cases operators take next; `setup`: its own setup, or
    None for the one that all share.
    """

    name: str
    policy: str
    dispatcher: str = DEFAULT
    setup: Setup | None = None


def contenders(default: str, candidates: Iterable[tuple[str, str]]) -> list[Contender]:
    """Return the contenders: the policy in force (`default`, TOML text) first, then the candidates (name, TOML text),
    then the reference dispatchers level_then_age, first_come, oracle and nobody, all four under the policy in force.

    Raises UserError if two contenders have the same name. Policies are not validated.
    """
    beside = [Contender(name, default, name) for name in (LEVEL_THEN_AGE, FIRST_COME, ORACLE, NOBODY)]
    found = [Contender(DEFAULT, default), *(Contender(*candidate) for candidate in candidates), *beside]
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"two contenders are called {twice[0]}: give the policy's file another name")
    return found


def of_seed(seed: int, setup: Setup, among: Sequence[Contender]) -> dict[str, Figures]:
    """Simulate the province of a seed once for each contender in `among`, and return the figures of each, keyed by
    name. It is a module-level function so that it can run in another process.

    Raises PolicyError if a policy is invalid, and KeyError if a dispatcher is unknown.
    """
    made = people(seed, setup.residents, START.date(), SECRET)
    found = {}
    with _few_collections():
        for contender in among:
            province = Province(seed, setup.residents, START, setup.pace, known=made)
            policy = load(contender.policy)
            order = DISPATCHERS[contender.dispatcher](province, policy)
            found[contender.name] = Laboratory(province, policy, order, contender.setup or setup).run()
    return found


@contextmanager
def _few_collections() -> Iterator[None]:
    """Within the context, let Python search rarely for reference cycles: there are few, and the search took an eighth
    of the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(_MANY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def run(
    setup: Setup,
    among: Sequence[Contender],
    seeds: Sequence[int],
    processes: int = 1,
    progress: Progress = lambda done, of: None,
) -> dict[int, dict[str, Figures]]:
    """Simulate the province of each seed once for each contender in `among`. Return the figures, keyed by seed, then by
    the contender's name.

    `processes`: over how many processes the seeds are spread. `progress`: called at the beginning and after each seed,
    with the number of finished seeds and their total. Raises PolicyError before the first simulation if a policy is
    invalid, and KeyError if a dispatcher is unknown.
    """
    for each in among:
        load(each.policy)
    progress(0, len(seeds))
    found = {}
    for seed, figures in map_seeds(partial(of_seed, setup=setup, among=among), seeds, processes):
        found[seed] = figures
        progress(len(found), len(seeds))
    return found


def report(setup: Setup, among: Sequence[Contender], found: BySeed) -> dict[str, Any]:
    """Return the report of a comparison, ready for JSON: each contender's means with 95 % intervals (`policies`), the
    differences from the first contender (`differences`), all figures of each seed (`by_seed`), and the setup, seeds and
    policy hashes.

    Units are those of Figures. If the contender `nobody` ran, `beyond_nobody_fen` is the loss avoided beyond its own.
    Raises ValueError if `found` has no seed, and KeyError if a contender has no figures.
    """
    first = among[0].name
    return {
        "setup": setup.as_dict(),
        "seeds": list(found),
        "contenders": {each.name: _contender(each) for each in among},
        "policies": {
            each.name: {**_intervals(found, each.name), **_beyond_nobody(found, each.name, among)} for each in among
        },
        "against": first,
        "differences": {each.name: _differences(found, each.name, first) for each in among[1:]},
        "by_seed": {
            each.name: {str(seed): figures[each.name].as_dict() for seed, figures in found.items()} for each in among
        },
    }


def _contender(contender: Contender) -> dict[str, Any]:
    own = {"setup": contender.setup.as_dict()} if contender.setup else {}
    return {"policy": load(contender.policy).hash, "dispatcher": contender.dispatcher, **own}


def _intervals(found: BySeed, name: str) -> dict[str, dict[str, float]]:
    return {measure: asdict(interval(values(found, name, measure))) for measure in MEASURES}


def _differences(found: BySeed, name: str, other: str) -> dict[str, dict[str, float]]:
    return {
        measure: asdict(paired(values(found, name, measure), values(found, other, measure))) for measure in MEASURES
    }


def _beyond_nobody(found: BySeed, name: str, among: Sequence[Contender]) -> dict[str, dict[str, float]]:
    """Return the loss avoided (fen) beyond that of the contender without operators, which is the operators'
    contribution; empty if that contender did not run.
    """
    if NOBODY not in {each.name for each in among}:
        return {}
    return {BEYOND_NOBODY: asdict(paired(values(found, name, AVOIDED), values(found, NOBODY, AVOIDED)))}


def values(found: BySeed, name: str, measure: str) -> list[float]:
    """Return a contender's values of one measure (a field of Figures, in its unit), one for each seed in the order of
    `found`. Raises KeyError for an unknown name or measure.
    """
    return [figures[name].as_dict()[measure] for figures in found.values()]


MEASURES = tuple(Figures.__dataclass_fields__)
