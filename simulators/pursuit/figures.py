"""The study's figures for each way over all seeds: how soon the first account is stopped, and how much
money is held.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from domain.policy import Policy, load
from schemas.casework.objections import WrongfulCause
from simulators.assumptions.stolen_money import StolenMoney
from simulators.lab.intervals import Interval, interval
from simulators.lab.seeds import map_seeds
from simulators.pursuit.oracle import Oracle
from simulators.pursuit.reports import ReportKind
from simulators.pursuit.reviews import StopReview
from simulators.pursuit.run import Pursuit, ReportOutcome, Way

FOLLOWED, EACH_HOP, ONE_HOP, FED, ORACLE = "followed", "each_hop", "one_hop", "fed", "oracle"
WAYS = (FOLLOWED, EACH_HOP, ONE_HOP, FED, ORACLE)
"""What is compared: stops that follow the money, with standing approvals; the same where a person reads each order;
stops of the payee's account only; of that only after two minutes, without a person, and only if a feed has told the
payment; and the oracle.
"""

UNATTENDED_SECONDS = 120.0
HOUR = timedelta(hours=1)

BARS = {"p50": 3.0, "p95": 15.0, "release_p95": 4.0, "held_of_there": 0.82, "held_of_all": 0.35}
"""What is required: minutes (of a release: hours) at most, shares at least.

Of accepted cases the FBI's kill chain freezes 66 to 82 %."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one way of stopping over all seeds. Unless said otherwise, a field is a number. Percentiles are 0
    if there is nothing to count.

    `reports`, `stopped`: true reports, and those for which a bank stopped an account. `p50`, `p95`: percentiles of the
    minutes from the start of the call until a bank had stopped the first account, over the `stopped`. `held_of_there`:
    the money in stopped accounts at the end, as a share (0 to 1) of the money that was still in an account when the
    form was complete; `held_of_all`: as a share of all reported money. `orders`: stop orders. `honest`: reports for
    which an account was stopped that no stolen money reached, by kind of report.

    `under`: orders that a standing approval approved. `wrongful`: stops of accounts that belong to no gang, by cause;
    `unread`: those of them that a standing approval approved; `objected`: those to which the holder objected; `lifted`:
    those that an upheld objection lifted. `release_p50`, `release_p95`: percentiles of the hours from the first
    objection to the lifting; `stopped_p95`: of the hours from the stop to the lifting. `let_go`: stops of mules that
    were lifted after an objection.
    """

    reports: int
    stopped: int
    p50: float
    p95: float
    held_of_there: Interval
    held_of_all: Interval
    orders: int
    honest: Mapping[ReportKind, int]
    under: int
    wrongful: Mapping[WrongfulCause, int]
    unread: int
    objected: int
    lifted: int
    release_p50: float
    release_p95: float
    stopped_p95: float
    let_go: int


def province(
    seed: int, policy: str, assumed: StolenMoney, ways: Sequence[str], days: int
) -> dict[str, list[ReportOutcome]]:
    """Simulate a seed's province once in each of the `ways` (elements of WAYS), for `days` days of thefts. Return the
    outcome of each report, keyed by way.

    `policy`: TOML text. Raises PolicyError if it is invalid. It is a module-level function so that it can run in
    another process.
    """
    return {way: _run(way, seed, load(policy), assumed, days) for way in ways}


def compare_ways(
    policy: str, assumed: StolenMoney, seeds: Sequence[int], days: int, processes: int, ways: Sequence[str] = WAYS
) -> Iterator[dict[str, list[ReportOutcome]]]:
    """Simulate the province of each seed in each of the `ways`, and yield each seed's outcomes, keyed by way, in the
    order of the seeds, which are spread over `processes` processes.

    Raises PolicyError, at the first element, if the policy (TOML text) is invalid.
    """
    for _, found in map_seeds(
        partial(province, policy=policy, assumed=assumed, ways=ways, days=days), seeds, processes
    ):
        yield found


def summaries(found: Sequence[Mapping[str, list[ReportOutcome]]]) -> dict[str, Summary]:
    """Return the figures over all seeds, keyed by way. `found`: for each seed, the outcomes by way. Raises IndexError
    if `found` is empty.
    """
    return {way: _summary([seed[way] for seed in found]) for way in found[0]}


def held_shares(seeds: Sequence[list[ReportOutcome]]) -> list[float]:
    """Return the share (0 to 1) of all reported money that is held at the end, for each seed's outcomes."""
    return [_share(seed, there=False) for seed in seeds]


def missed_bars(found: Summary) -> list[str]:
    """Return the names (keys of BARS) of the requirements that these figures miss, those on times first, then those on
    shares; empty if none is missed.
    """
    late = [name for name in ("p50", "p95", "release_p95") if getattr(found, name) > BARS[name]]
    return late + [name for name in ("held_of_there", "held_of_all") if getattr(found, name).mean < BARS[name]]


def _run(way: str, seed: int, policy: Policy, assumed: StolenMoney, days: int) -> list[ReportOutcome]:
    if way == ORACLE:
        return Oracle(seed, assumed, days).run()
    if way in (FOLLOWED, EACH_HOP):
        return Pursuit(seed, policy, assumed, Way(standing=way == FOLLOWED), days).run()
    near = policy.model_copy(update={"trace": policy.trace.model_copy(update={"orders": 0})})
    return Pursuit(seed, near, assumed, Way() if way == ONE_HOP else Way(UNATTENDED_SECONDS, only_fed=True), days).run()


def _summary(seeds: Sequence[list[ReportOutcome]]) -> Summary:
    each = [outcome for seed in seeds for outcome in seed]
    true = [outcome for outcome in each if outcome.kind is ReportKind.TRUE]
    after = sorted(outcome.stop_after.total_seconds() / 60 for outcome in true if outcome.stop_after is not None)
    reviews = [review for outcome in each for review in outcome.reviews]
    wrong = [review for review in reviews if review.cause is not None]
    objected, stopped = _hours(wrong)
    return Summary(
        reports=len(true),
        stopped=len(after),
        p50=round(_quantile(after, 0.5), 1),
        p95=round(_quantile(after, 0.95), 1),
        held_of_there=interval([_share(seed, there=True) for seed in seeds]),
        held_of_all=interval(held_shares(seeds)),
        orders=sum(outcome.orders for outcome in each),
        honest=dict(Counter(outcome.kind for outcome in each if outcome.honest_stopped)),
        under=sum(outcome.under for outcome in each),
        wrongful=dict(Counter(review.cause for review in wrong if review.cause is not None)),
        unread=sum(review.unread for review in wrong),
        objected=sum(review.objected_at is not None for review in wrong),
        lifted=len(objected),
        release_p50=round(_quantile(objected, 0.5), 2),
        release_p95=round(_quantile(objected, 0.95), 2),
        stopped_p95=round(_quantile(stopped, 0.95), 2),
        let_go=sum(review.cause is None and review.lifted_at is not None for review in reviews),
    )


def _hours(wrong: Sequence[StopReview]) -> tuple[list[float], list[float]]:
    """Return the hours from the first objection, and from the stop, until wrongful stops were lifted, in order."""
    lifted = [(each.objected_at, each.stopped_at, each.lifted_at) for each in wrong]
    since = [
        (objected, stopped, ends) for objected, stopped, ends in lifted if objected is not None and ends is not None
    ]
    return (
        sorted((ends - objected).total_seconds() / 3600 for objected, _, ends in since),
        sorted((ends - stopped).total_seconds() / 3600 for _, stopped, ends in since),
    )


def _share(outcomes: Sequence[ReportOutcome], *, there: bool) -> float:
    """Return the share (0 to 1) of a seed's reported money that is held at the end. `there`: True: the share of the
    money still in an account when the form was complete, which includes money held before.
    """
    true = [each for each in outcomes if each.kind is ReportKind.TRUE]
    of = sum(each.there_fen if there else each.amount_fen for each in true)
    return sum(min(each.held_fen, each.there_fen) if there else each.held_fen for each in true) / of if of else 0.0


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
