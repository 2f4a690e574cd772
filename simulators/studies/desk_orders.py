"""Compares the orders of an operators' queue over a month in the calibrated province, with a bound that no order can
pass, and the effect of one more operator, officer, car and minute.

The index rests on what an installation sees: it learns from the closed cases of another province. Of these, only as
many paying victims are left as in reality.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.casework.ordering.beliefs import CallBeliefs, believed
from domain.casework.ordering.call_index import by_index
from domain.policy import Policy
from schemas.casework.cases import Case
from simulators.assumptions import figures as assumed
from simulators.assumptions.chance import stream
from simulators.lab.desk import Dispatcher
from simulators.lab.dispatchers import default, first_come, level_then_age, nobody
from simulators.lab.intervals import Interval, interval, paired
from simulators.studies.desk_arrivals import RaisedPerson, arrivals
from simulators.studies.desk_cases import TO_LOSE, DeskStaff, Job, MonthFigures, as_closed, one_more
from simulators.studies.desk_month import WARM_UP, DeskMonth
from simulators.world import behaviour

PRODUCT, INDEX, ORACLE, BOUND = "default", "index", "oracle", "nobody waits"
PILOT = 100_000  # this seed's province, and the following ones', are those that the index learns from

EVERYDAY = assumed.ORDINARY_A_RESIDENT_AND_DAY * assumed.ORDINARY["curious_site"]  # false alarms, a resident and day

_SIMPLE: dict[str, Dispatcher] = {"nobody": nobody, "first come": first_come, "level, then age": level_then_age}


_ONE_BY_DAY = DeskStaff(by_day=1, by_night=0, day=(8, 12), officers=1)


@dataclass(frozen=True, slots=True)
class District:
    """What all runs share. `residents`: of the district; `false_a_day`: its false alarms a day; `oversampled`: how many
    times as many victims pay as in reality; `days`: of the month after the warm-up; `staff`: who is there.
    """

    residents: int = 20_000
    false_a_day: float = EVERYDAY * 20_000
    oversampled: float = 100
    days: int = 30
    staff: DeskStaff = _ONE_BY_DAY

    def arrivals(self, seed: int, policy: Policy) -> list[RaisedPerson]:
        """Return the people about whom alerts come, in the province of a seed."""
        days = WARM_UP // timedelta(days=1) + self.days
        return arrivals(seed, self.residents, days, self.false_a_day, policy.risk, self.oversampled)


def beliefs_after(seed: int, district: District, policy: Policy) -> CallBeliefs:
    """Return what an installation believes after a month in the province of `seed` under the order in force."""
    came = district.arrivals(seed, policy)
    month = DeskMonth(seed, came, policy, default(policy), district.staff, district.days)
    month.run()
    paying = {each.who.id for each in came if each.story is not None and each.story.payments}
    return believed(_as_rare(as_closed(month.jobs.values()), paying, seed, district.oversampled), policy)


def _as_rare(cases: Sequence[Case], paying: set[str], seed: int, oversampled: float) -> Iterator[Case]:
    """Yield the cases without most of the victims who pay, so that they are as rare as in reality."""
    for case in cases:
        if case.resident not in paying or stream(seed, "kept", case.id).random() < 1 / oversampled:
            yield case


def order_figures(
    seed: int, district: District, policy: Policy, beliefs: CallBeliefs, told: Callable[[str], object] = str
) -> dict[str, MonthFigures]:
    """Run the province of a seed under each order of the queue with the district's staff, then under the order in force
    with one more operator, officer, car and minute. Return the figures by name, in this order.

    The names: "nobody", "first come", "level, then age", PRODUCT (the order in force), INDEX (it uses `beliefs`),
    ORACLE (it knows the truth), BOUND (first come, and every case is called at once), and the names of `one_more`.
    `told`: called with each name when its run begins.
    """
    came = district.arrivals(seed, policy)

    def figures(order: Dispatcher, staff: DeskStaff = district.staff) -> MonthFigures:
        return DeskMonth(seed, came, policy, order, staff, district.days).run()

    found = {}
    orders = {**_SIMPLE, PRODUCT: default(policy), INDEX: by_index(policy, beliefs)}
    for name, order in orders.items():
        told(name)
        found[name] = figures(order)
    told(ORACLE)
    found[ORACLE] = _of_oracle(seed, came, district, policy)
    told(BOUND)
    found[BOUND] = figures(first_come, replace(district.staff, unlimited=True))
    for name, staff in one_more(district.staff).items():
        told(name)
        found[name] = figures(default(policy), staff)
    return found


def _of_oracle(seed: int, came: Sequence[RaisedPerson], district: District, policy: Policy) -> MonthFigures:
    runs: list[DeskMonth] = []
    order = knowing(lambda: runs[0].jobs)
    runs.append(DeskMonth(seed, came, policy, order, district.staff, district.days))
    return runs[0].run()


def knowing(jobs: Callable[[], Mapping[str, Job]]) -> Dispatcher:
    """Return an order that knows the truth: first the case with the most money that a call can still save, per
    minute of a call, weighted with the probability of reaching and dissuading.
    """

    def worth(case: Case, now: datetime) -> float:
        job = jobs()[case.resident]
        situation = job.situation(now)
        if job.life is None or situation.scam_type is None or situation.persuaded:
            return 0.0
        fates = [(pay, job.life.fate(pay, now, {})) for pay in job.life.story.payments]
        to_lose = sum(pay.amount_fen for pay, fate in fates if fate in TO_LOSE)
        reached = assumed.TAKES_OPERATOR * (1 - assumed.BUSY_WITH_SCAMMER if situation.on_the_line else 1)
        return to_lose * reached * behaviour.persuades(situation) / (reached * 3 + (1 - reached) * 0.4)

    def order(cases: Sequence[Case], now: datetime) -> list[Case]:
        return sorted(cases, key=lambda case: (-worth(case, now), case.opened_at, case.id))

    return order


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order's or staff's figures, means over the seeds with 95 % intervals. `spared`: of 100 people who would have
    lost money, those who did not; `kept`: of the money that would have been lost, the share (per cent) that was not;
    `more_spared`, `more_kept`: these less those of the order in force, seed by seed; `busy`: the operators' time, per
    cent; `not_taken`: cases that left the desk before anybody called.
    """

    name: str
    spared: Interval
    kept: Interval
    more_spared: Interval
    more_kept: Interval
    busy: float
    not_taken: float


def order_rows(found: Sequence[dict[str, MonthFigures]]) -> list[OrderRow]:
    """Return a row for each order and staff, in the order of the runs. `found`: the figures of each seed. Raises
    ValueError if it is empty.
    """
    if not found:
        raise ValueError("no seed, no rows")

    def row(name: str) -> OrderRow:
        spared, kept = _spared(found, name), _kept(found, name)
        return OrderRow(
            name,
            interval(spared),
            interval(kept),
            paired(spared, _spared(found, PRODUCT)),
            paired(kept, _kept(found, PRODUCT)),
            100 * sum(each[name].busy for each in found) / len(found),
            sum(each[name].not_taken for each in found) / len(found),
        )

    return [row(name) for name in found[0]]


def _spared(found: Sequence[dict[str, MonthFigures]], name: str) -> list[float]:
    return [100 * each[name].spared / max(1, each[name].would_pay) for each in found]


def _kept(found: Sequence[dict[str, MonthFigures]], name: str) -> list[float]:
    return [100 * each[name].kept_fen / max(1, each[name].would_lose_fen) for each in found]
