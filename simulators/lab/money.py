"""What the ledger says was kept beside the truth, and who is defrauded after a warning, over many provinces."""

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
"""Is told how many seeds are done, of how many."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A province at the end: the ledger beside the truth by class, and who was warned."""

    judged: Judged
    followed: Sequence[Followed]


def of_seed(seed: int, setup: Setup, policy: str) -> Seed:
    """Live through a seed's province under a policy (its TOML), and judge. A plain function: for another process."""
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
    """Each seed's; several processes share them. Raises PolicyError before it begins."""
    load(policy)
    found = {}
    for seed, one in lived(partial(of_seed, setup=setup, policy=policy), seeds, processes):
        found[seed] = one
        progress(len(found), len(seeds))
    return found


def verdicts(found: Mapping[int, Seed]) -> list[Verdict]:
    """Of each class, from A to D."""
    judged = [one.judged for one in found.values()]
    return [verdict(judged, evidence) for evidence in EvidenceClass]


def curves(found: Mapping[int, Seed]) -> dict[str, dict[str, Curve]]:
    """Who is not defrauded after a warning, by level, channel and station; all seeds' people together."""
    return by_each([row for one in found.values() for row in one.followed])


def days(setup: Setup) -> list[float]:
    """The days after a warning for which a curve is told: each, or each hour where there are few."""
    each = timedelta(days=1) if setup.length >= FEW else timedelta(hours=1)
    return [number * each / timedelta(days=1) for number in range(setup.length // each + 1)]


def report(
    setup: Setup,
    policy: str,
    found: Mapping[int, Seed],
    told: Sequence[Verdict],
    warned: Mapping[str, Mapping[str, Curve]],
) -> dict[str, Any]:
    """All of it for a machine. Money in fen; the curves at `days`."""
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
    """Each case as it stands in the end."""
    return list({event.case.id: event.case for event in events}.values())
