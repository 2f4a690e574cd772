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
from simulators.lab.seeds import lived
from simulators.lab.setup import Setup
from simulators.studies.honesty import Judged, Verdict, judge, verdict
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
    """Simulate a seed's province under a policy (TOML) with the live desk's order. Return the ledger's claims with the
    truth, and the residents who were warned.

    A plain function, to run in another process. Raises PolicyError if the policy is invalid.
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
    """Return each seed's result, by seed. The seeds are spread over `processes` processes.

    `progress`: called after each seed. Raises PolicyError before it begins if the policy (TOML) is invalid.
    """
    load(policy)
    found = {}
    for seed, one in lived(partial(of_seed, setup=setup, policy=policy), seeds, processes):
        found[seed] = one
        progress(len(found), len(seeds))
    return found


def verdicts(found: Mapping[int, Seed]) -> list[Verdict]:
    """Return the verdict on each evidence class over all seeds, in the order A, B, C, D."""
    judged = [one.judged for one in found.values()]
    return [verdict(judged, evidence) for evidence in EvidenceClass]


def curves(found: Mapping[int, Seed]) -> dict[str, dict[str, Curve]]:
    """Return the Kaplan–Meier curves of residents not defrauded after a warning, over all seeds: by kind of group
    (`level`, `channel`, `station`), then by group.
    """
    return by_each([row for one in found.values() for row in one.followed])


def days(setup: Setup) -> list[float]:
    """Return the times after a warning in a curve's report, ascending, in days from 0 to the run's length: every day,
    or every hour in a run of under three days.
    """
    each = timedelta(days=1) if setup.length >= FEW else timedelta(hours=1)
    return [number * each / timedelta(days=1) for number in range(setup.length // each + 1)]


def report(
    setup: Setup,
    policy: str,
    found: Mapping[int, Seed],
    told: Sequence[Verdict],
    warned: Mapping[str, Mapping[str, Curve]],
) -> dict[str, Any]:
    """Return the whole report, ready for JSON: verdicts by evidence class, each seed's judgements, and the curves'
    points at `days`. Money in fen. `told`: the verdicts; `warned`: the curves.
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
