"""The study's report, and the effect of each parameter on it while everything else is as assumed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

from simulators.assumptions.stolen_money import VARIATIONS, StolenMoney, Variation
from simulators.lab.intervals import Interval, paired
from simulators.lab.sweep import changed
from simulators.pursuit.figures import BARS, FOLLOWED, Summary, compare_ways, held_shares, missed_bars, summaries

USUAL = Variation("as assumed", "", {})


class ParameterEffect(NamedTuple):
    """The study's figures with another value of a parameter, for stops that follow the money.

    `held_of_there`, `held_of_all`: means over the seeds, shares from 0 to 1, as in Summary. `more_of_all`: the
    difference of `held_of_all` from the assumed value, with its interval, in pairs of the same seed. `p50`, `p95`:
    minutes to the first stop. `wrongful`: stops of accounts that belong to no mule.
    """

    parameter: str
    value: str
    held_of_there: float
    held_of_all: float
    more_of_all: Interval
    p50: float
    p95: float
    wrongful: int


def parameter_effects(
    policy: str, seeds: Sequence[int], days: int, processes: int, variations: Sequence[Variation] = VARIATIONS
) -> Iterator[ParameterEffect]:
    """Run the study once as assumed and once for each variation, on the same seeds. Yield the figures of each, those as
    assumed first. `policy`: TOML text, which has the rules that vary.

    Raises PolicyError if the policy is invalid, with a variation too, and UserError if it lacks a value that varies.
    """
    usual: list[float] = []
    for each in (USUAL, *variations):
        assumed, rules = replace(StolenMoney(), **each.assumed), with_rules(policy, each.policy)
        found = list(compare_ways(rules, assumed, seeds, days, processes, (FOLLOWED,)))
        of_all = held_shares([seed[FOLLOWED] for seed in found])
        usual = usual or of_all
        told = summaries(found)[FOLLOWED]
        yield ParameterEffect(
            each.parameter,
            each.value,
            told.held_of_there.mean,
            told.held_of_all.mean,
            paired(of_all, usual),
            told.p50,
            told.p95,
            sum(told.wrongful.values()),
        )


def as_report(
    found: Mapping[str, Summary], effects: Sequence[ParameterEffect], seeds: Sequence[int], days: int
) -> dict[str, object]:
    """Return the report as a dict for JSON: `seeds`, `days`, `bars` (the requirements), `missed` (the requirements that
    FOLLOWED misses), `ways` (the figures of each way) and `effects` (those of other parameters). Raises KeyError if
    `found` lacks FOLLOWED.
    """
    return {
        "seeds": list(seeds),
        "days": days,
        "bars": BARS,
        "missed": missed_bars(found[FOLLOWED]),
        "ways": {way: asdict(each) for way, each in found.items()},
        "effects": [{**each._asdict(), "more_of_all": asdict(each.more_of_all)} for each in effects],
    }


def with_rules(policy: str, rules: Mapping[str, str]) -> str:
    """Return the policy (TOML text) with other values at the dotted paths in `rules`, as texts in its notation. Raises
    UserError if the policy does not have one.
    """
    for path, value in rules.items():
        policy = changed(policy, path, value)
    return policy
