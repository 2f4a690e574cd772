"""Compares the ledger's loss avoided with the truth, and follows residents after a warning, over many provinces."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from domain.policy import load
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.levels import EvidenceClass
from simulators.lab.dispatchers import DEFAULT, DISPATCHERS
from simulators.lab.laboratory import Laboratory
from simulators.lab.seeds import map_seeds
from simulators.lab.setup import Setup
from simulators.studies.honesty import ClassHonesty, Judged, honesty_of, judge
from simulators.studies.survival import Curve, Followed, by_each, followed
from simulators.world.province import START, Province

FEW = timedelta(days=3)
Progress = Callable[[int, int], object]
"""Called with the number of finished seeds and their total."""


@dataclass(frozen=True, slots=True)
class Seed:
    """The result of one province. `judged`: the ledger's claims and the truth, by evidence class; `followed`: the
    residents who were warned.
    """

    judged: Judged
    followed: Sequence[Followed]


def of_seed(seed: int, setup: Setup, policy: str) -> Seed:
    """Simulate the province of a seed under a policy (TOML text), with the live desk's order of cases. Return the
    ledger's claims beside the truth, and the residents who were warned.

    It is a module-level function so that it can run in another process. Raises PolicyError if the policy is invalid.
    """
    province, rules = Province(seed, setup.residents, START, setup.pace), load(policy)
    order = DISPATCHERS[DEFAULT](province, rules)
    laboratory = Laboratory(province, rules, order, setup, keep_events=True)
    laboratory.run()
    cases, end = _latest(laboratory.events or ()), START + setup.length
    return Seed(judge(cases, province.truth, end), list(followed(cases, province.truth, end)))


def run(
    setup: Setup,
    policy: str,
    seeds: Sequence[int],
    processes: int = 1,
    progress: Progress = lambda done, of: None,
) -> dict[int, Seed]:
    """Simulate the province of each seed (see `of_seed`), spread over `processes` processes. Return the results, keyed
    by seed.

    `progress`: called after each seed with the number of finished seeds and their total. Raises PolicyError before the
    first simulation if the policy (TOML text) is invalid.
    """
    load(policy)
    found = {}
    for seed, one in map_seeds(partial(of_seed, setup=setup, policy=policy), seeds, processes):
        found[seed] = one
        progress(len(found), len(seeds))
    return found


def verdicts(found: Mapping[int, Seed]) -> list[ClassHonesty]:
    """Return for each evidence class, in the order A, B, C, D, how honest its claims are over all seeds."""
    judged = [one.judged for one in found.values()]
    return [honesty_of(judged, evidence) for evidence in EvidenceClass]


def curves(found: Mapping[int, Seed]) -> dict[str, dict[str, Curve]]:
    """Return the Kaplan–Meier curves of residents not defrauded after a warning, over all seeds. They are keyed by kind
    of group (`level`, `channel`, `station`), then by group; a kind without residents has no groups.
    """
    return by_each([row for one in found.values() for row in one.followed])


def days(setup: Setup) -> list[float]:
    """Return the times after a warning at which a report states a curve's points, in days, ascending from 0 to the
    run's length: one per day, or one per hour if the run is shorter than three days.
    """
    each = timedelta(days=1) if setup.length >= FEW else timedelta(hours=1)
    return [number * each / timedelta(days=1) for number in range(setup.length // each + 1)]


def report(
    setup: Setup,
    policy: str,
    found: Mapping[int, Seed],
    told: Sequence[ClassHonesty],
    warned: Mapping[str, Mapping[str, Curve]],
) -> dict[str, Any]:
    """Return the report, ready for JSON: the verdicts by evidence class, the claims and the truth of each seed, and the
    curves' points at `days`. Money is in fen, shares are from 0 to 1.

    `told`: the result of `verdicts`; `warned`: that of `curves`. Raises PolicyError if the policy (TOML text) is
    invalid.
    """
    return {
        "setup": setup.as_dict(),
        "policy": load(policy).hash,
        "seeds": list(found),
        "classes": {each.evidence.value: asdict(each) for each in told},
        "by_seed": {
            str(seed): {name.value: asdict(each) for name, each in one.judged.items()} for seed, one in found.items()
        },
        "not_defrauded": {
            by: {name: _curve(each, days(setup)) for name, each in groups.items()} for by, groups in warned.items()
        },
    }


def _curve(curve: Curve, days: Iterable[float]) -> dict[str, Any]:
    points = [curve.at(day)._replace(days=day)._asdict() for day in days]
    return {"people": curve.people, "defrauded": curve.defrauded, "points": points}


def _latest(events: Iterable[CaseEvent]) -> list[Case]:
    """Return the cases in their final state, one for each case id in the events."""
    return list({event.case.id: event.case for event in events}.values())
