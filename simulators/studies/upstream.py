"""What is won by looking for victims upstream: people spared a further loss per contact, by source and order.

Nobody is warned in the province: the study follows what screening finds, and asks the truth what a call at that moment
would have changed. The result of a call is its expected value, from the same figures as the province's own calls
(simulators/world/behaviour), so that no chance is added. Screening itself knows no truth.

Assumed: an operator calls FIRST after the confirmation and needs EACH for one call; with an account, the police confirm
the telephone number that the victims' reports name. In this province only victims pay a scammer's account, so the
figures say nothing of honest people on a list.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from aiokafka import TopicPartition

from domain.ids import short_hash
from domain.policy import Policy
from domain.risk.upstream import ContactSource, LikelyVictim, likely_victims
from schemas.casework.inputs import Alert
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Evidence
from schemas.risk.signals import Signal, Watch
from simulators.assumptions import figures
from simulators.lab.intervals import Interval, interval, paired
from simulators.lab.screening import Screening
from simulators.scams.story import Gang
from simulators.world.behaviour import Situation, persuades
from simulators.world.province import SECRET, Province
from simulators.world.traces import POLICE
from simulators.world.truth import Fate, Life
from streams.screening.evaluation import profile_of
from streams.screening.matching import MatchedBatch

FIRST, EACH = timedelta(minutes=2), timedelta(minutes=5)


class ListOrder(StrEnum):
    """The order in which the people on a list are called. DANGER: the product's; ARRIVAL: as the signals about them
    came, the first first. ALERTS: no list: everybody whom a signal alerts by itself, FIRST after their first alert.
    """

    DANGER = "danger"
    ARRIVAL = "arrival"
    ALERTS = "alerts"


class CallWay(NamedTuple):
    """A source of people and the order in which they are called. `source`: None for ALERTS."""

    source: ContactSource | None
    order: ListOrder


LIST_WAYS = (*(CallWay(source, order) for source in ContactSource for order in (ListOrder.DANGER, ListOrder.ARRIVAL)),)
AT_FIRST_ALERT = CallWay(None, ListOrder.ALERTS)


@dataclass(slots=True)
class UpstreamYield:
    """The sum over the calls of one way in one province. `calls`: their number; `spared`: the expected number of people
    whom a call spares a further payment; `kept_fen`: the expected money that they keep; `unknown`: calls to people whom
    no signal had alerted before.
    """

    calls: int = 0
    spared: float = 0.0
    kept_fen: float = 0.0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class YieldPerCall:
    """The yield of one way, over seeds. `calls`, `unknown`: the mean number in a province; `spared`, `kept_fen`: per
    call.
    """

    way: CallWay
    calls: float
    unknown: float
    spared: Interval
    kept_fen: Interval


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more a call of `way` yields than one of `other`, over seeds."""

    way: CallWay
    other: CallWay
    spared: Interval
    kept_fen: Interval


class _Found(NamedTuple):
    """A suspect's list. `victims`: the product's, by danger; `first_at`: the first contact of each, by resident."""

    source: ContactSource
    victims: list[LikelyVictim]
    first_at: Mapping[ResidentId, datetime]


class _Screening(Screening):
    """Screening that also makes the list of each confirmed suspect, as the product does."""

    def __init__(self, people: Sequence[Resident], policy: Policy) -> None:
        super().__init__(people, policy.risk, SECRET)
        self.found: list[_Found] = []

    def _evaluated(
        self, tp: TopicPartition, matched: MatchedBatch, about: Iterable[ResidentId], now: datetime
    ) -> list[Alert]:
        alerts = super()._evaluated(tp, matched, about, now)
        contacts = [each for record in matched.records for finding in record.findings for each in finding.others]
        if contacts:
            self.found += self._lists(contacts, now)
        return alerts

    def _lists(self, contacts: Sequence[tuple[ResidentId, Evidence]], now: datetime) -> Iterator[_Found]:
        names = {resident for resident, _ in contacts}
        known = {name: list(self._known[name].evidence.values()) for name in names}
        profiles = {name: profile_of(self._entries[name], now) for name in names}
        victims = likely_victims(contacts, known, profiles, self._rules, now, {})
        first: dict[ResidentId, datetime] = {}
        for resident, evidence in contacts:
            first[resident] = min(evidence.at, first.get(resident, evidence.at))
        for source in ContactSource:
            those = [each for each in victims if each.source is source]
            yield _Found(source, those, first)


@dataclass(slots=True)
class _Study:
    """One province, without any contact. `most`: the calls to a list."""

    province: Province
    screening: _Screening
    most: int
    alerted: set[ResidentId] = field(default_factory=set)
    sums: dict[CallWay, UpstreamYield] = field(default_factory=lambda: defaultdict(UpstreamYield))
    called: dict[CallWay, set[ResidentId]] = field(default_factory=lambda: defaultdict(set))
    seen: set[str] = field(default_factory=set)

    def run(self, end: datetime) -> None:
        while (at := self.province.next_at()) <= end:
            for signal in self.province.signals_until(at):
                self._take(signal, at)
                for number in self._numbers(signal):
                    self._take(number, at)

    def _take(self, signal: Signal, at: datetime) -> None:
        alerts = self.screening.screen(signal, at)
        found, self.screening.found = self.screening.found, []
        self.screening.rescore.clear()
        for each in found if isinstance(signal, Watch) else ():
            self._call(each, at)
        for alert in alerts if not isinstance(signal, Watch) else ():
            if alert.resident not in self.alerted:
                self.alerted.add(alert.resident)
                self._count(AT_FIRST_ALERT, alert.resident, at + FIRST)

    def _numbers(self, signal: Signal) -> Iterator[Watch]:
        """Yield the confirmation of the telephone number of the gang whose account `signal` confirms, once a gang."""
        if not isinstance(signal, Watch) or signal.subject != "account":
            return
        gang = next((each for each in self._gangs() if signal.value in each.mules), None)
        if gang is not None and gang.id not in self.seen:
            self.seen.add(gang.id)
            number = gang.phones[0][0]
            yield signal.model_copy(
                update={"id": short_hash(gang.id, number), "source": POLICE, "subject": "phone", "value": number}
            )

    def _gangs(self) -> Iterator[Gang]:
        return (life.story.gang for life in self.province.truth.lives.values())

    def _call(self, found: _Found, at: datetime) -> None:
        arrived = sorted(found.victims, key=lambda each: (found.first_at[each.resident], each.resident))
        for order, victims in ((ListOrder.DANGER, found.victims), (ListOrder.ARRIVAL, arrived)):
            way = CallWay(found.source, order)
            waiting = [each for each in victims if each.resident not in self.called[way]]
            for number, victim in enumerate(waiting[: self.most]):
                self._count(way, victim.resident, at + FIRST + number * EACH)

    def _count(self, way: CallWay, resident: ResidentId, at: datetime) -> None:
        self.called[way].add(resident)
        total = self.sums[way]
        total.calls += 1
        total.unknown += resident not in self.alerted
        life = self.province.truth.lives.get(resident)
        if life is not None:
            chance, fen = call_result(life, at)
            total.spared += chance
            total.kept_fen += chance * fen


def call_result(life: Life, at: datetime) -> tuple[float, int]:
    """Return (the probability, 0 to 1, that an operator's call at the time `at` reaches and dissuades a person, the
    money in fen that they then keep). The money is the sum of the payments that have not settled by then. (0.0, 0) if
    there is none.
    """
    fates = [(payment, life.fate(payment, at, {})) for payment in life.story.payments]
    kept = sum(payment.amount_fen for payment, fate in fates if fate is not Fate.SETTLED)
    if not kept:
        return 0.0, 0
    on_the_line = life.on_the_line(at) is not None
    situation = Situation(
        scam_type=life.story.scam_type,
        payments_made=sum(fate is Fate.SETTLED for _, fate in fates),
        payments_to_come=sum(fate is not Fate.SETTLED for _, fate in fates),
        on_the_line=on_the_line,
        asked=True,
    )
    answers = figures.TAKES_OPERATOR * (1 - figures.BUSY_WITH_SCAMMER if on_the_line else 1)
    return answers * persuades(situation), kept


def upstream_study(
    seed: int, policy: Policy, residents: int, length: timedelta, most: int
) -> dict[CallWay, UpstreamYield]:
    """Simulate the province of a seed, in which nobody is warned, and return the yield of calls in each way (LIST_WAYS,
    AT_FIRST_ALERT). `residents`: their number; `length`: the simulated time, at the compressed pace; `most`: the
    highest number of calls to one list.
    """
    province = Province(seed, residents)
    found = _Study(province, _Screening(province.people, policy), most)
    found.run(province.start + length)
    return {way: found.sums[way] for way in (*LIST_WAYS, AT_FIRST_ALERT)}


def per_call(studies: Sequence[Mapping[CallWay, UpstreamYield]]) -> list[YieldPerCall]:
    """Return the yield per call of each way, with 95 % intervals over the provinces in which the way made a call.
    `studies`: for each province, the result of `upstream_study`. A way without any call is left out.
    """
    told = []
    for way in (*LIST_WAYS, AT_FIRST_ALERT):
        those = [each[way] for each in studies if each[way].calls]
        if those:
            told.append(
                YieldPerCall(
                    way=way,
                    calls=sum(each.calls for each in those) / len(studies),
                    unknown=sum(each.unknown for each in those) / len(studies),
                    spared=interval([each.spared / each.calls for each in those]),
                    kept_fen=interval([each.kept_fen / each.calls for each in those]),
                )
            )
    return told


def gains(studies: Sequence[Mapping[CallWay, UpstreamYield]]) -> list[Gain]:
    """Return, for each source, how much more a call yields in the product's order than in the order of the signals, and
    than a call at each first alert, with intervals over the provinces in which both made calls. `studies`: as in
    `per_call`. A comparison without such a province is left out.
    """
    found = []
    for source in ContactSource:
        way = CallWay(source, ListOrder.DANGER)
        for other in (CallWay(source, ListOrder.ARRIVAL), AT_FIRST_ALERT):
            both = [each for each in studies if each[way].calls and each[other].calls]
            if both:
                spared, kept = (
                    [[getattr(each[one], sum_of) / each[one].calls for each in both] for one in (way, other)]
                    for sum_of in ("spared", "kept_fen")
                )
                found.append(Gain(way, other, paired(*spared), paired(*kept)))
    return found
