"""Hand-overs between two provinces while the network between them is cut from time to time: how many are acknowledged
by their deadline, how many cases stay with the sender, and how many residents both provinces handle. Some cross: both
provinces offer the same resident to each other within a second.

Both case machines and the receiver's rules are the product's (domain/casework/provinces). Assumed, for lack of
published figures: the cuts (CUTS), the time of a request on its way, that of the receiver to open a case, and the time
between two offers that cross.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, product
from operator import itemgetter

from domain.casework import Rules, deadlines, decide
from domain.casework.provinces.records import offer_name, taken_from
from domain.casework.provinces.taking import acknowledged, crossing_refusal, may_end_too, may_not_take
from domain.ids import deadline_id, result_id, short_hash
from domain.policy import Policy
from domain.policy.approval import HandoverRules
from schemas.casework.cases import Case, Danger, Profile
from schemas.casework.events import Dispatch
from schemas.casework.inputs import Alert, CaseInput, ContactResult, Deadline, OperatorReport, TakeOver
from schemas.casework.provinces import CaseOffer, OfferCaseAct, OfferState, ProvinceGround
from schemas.codes.channels import ChannelCode, NotTakenThere, ProviderAway, TakenThere
from schemas.codes.danger import CombinedEvidence
from schemas.levels import Action, Level, Result
from schemas.people.residents import BalanceBand, Language, Occupation, Sex
from schemas.people.staff import StaffRole

START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HERE, THERE = "jilin", "liaoning"
RESIDENT, RESIDENT_THERE = "raaaaaaaaaaaaaaaa", "rbbbbbbbbbbbbbbbb"
RULES = HandoverRules(
    provinces=(HERE, THERE),
    deadline={
        Level.RED: timedelta(minutes=1),
        Level.ORANGE: timedelta(minutes=10),
        Level.YELLOW: timedelta(hours=1),
        Level.BLUE: timedelta(hours=1),
    },
)
"""The deadlines that docs/how-to/handover.md proposes."""
LEVELS = (Level.RED, Level.ORANGE, Level.YELLOW)
ON_THE_WAY = (0.02, 0.3)  # seconds, one way
OPENING = (0.1, 1.5)  # seconds until the receiver's case is open
APART = (0.0, 1.0)  # seconds between two offers that cross
WAITS = 3.0  # seconds, as streams/channels/provinces waits for an answer


@dataclass(frozen=True, slots=True)
class Cuts:
    """A network that works for `works` and is then cut for `lasts`, both on average and exponentially distributed."""

    works: timedelta
    lasts: timedelta

    @property
    def share(self) -> float:
        """The share (0 to 1) of the time during which the network is cut."""
        return self.lasts / (self.works + self.lasts)


CUTS: tuple[Cuts | None, ...] = (
    None,
    Cuts(timedelta(minutes=5), timedelta(seconds=10)),
    Cuts(timedelta(minutes=10), timedelta(minutes=1)),
    Cuts(timedelta(hours=1), timedelta(minutes=10)),
    Cuts(timedelta(hours=20), timedelta(hours=4)),
)


@dataclass(frozen=True, slots=True)
class HandoverCounts:
    """What became of `offers` hand-overs of one level under one kind of cuts; `cuts` None: the network never fails.

    `in_time`: acknowledged by the deadline; `stayed`: not taken, so the sender goes on; `both`: taken, but not
    acknowledged by the deadline, so both provinces handle the resident; `nobody`: hand-overs in which at some moment no
    province handled the resident. What the receiver does later with its case is not played. `crosses`: both provinces
    made an offer, and one of the two counts.
    """

    cuts: Cuts | None
    level: Level
    crosses: bool
    offers: int
    in_time: int
    stayed: int
    both: int
    nobody: int


def handover_study(policy: Policy, seeds: Sequence[int], offers: int) -> list[HandoverCounts]:
    """Simulate `offers` hand-overs for each seed, level and kind of cuts, and as many that cross. The rules of the
    policy apply, but for hand-overs RULES instead of its own. Returns one row for each level and kind of cuts, all
    seeds together, first of those that do not cross.
    """
    rules = Rules(policy.model_copy(update={"handover": RULES}))
    rows = []
    for crosses, cuts, level in product((False, True), CUTS, LEVELS):
        named = f"handover {{seed}} {cuts} {level}{' crosses' if crosses else ''}"
        chances = (random.Random(named.format(seed=seed)) for seed in seeds)
        found = [_HandOver(chance, cuts, level, rules, crosses).run() for chance in chances for _ in range(offers)]
        rows.append(_counted(cuts, level, crosses, found))
    return rows


def _counted(cuts: Cuts | None, level: Level, crosses: bool, found: Sequence["_Ended"]) -> HandoverCounts:
    in_time, both = sum(each.in_time and not each.both for each in found), sum(each.both for each in found)
    nobody = sum(not each.always_handled for each in found)
    return HandoverCounts(cuts, level, crosses, len(found), in_time, len(found) - in_time - both, both, nobody)


@dataclass(frozen=True, slots=True)
class _Ended:
    in_time: bool
    both: bool
    always_handled: bool


_OPEN = frozenset({OfferState.OFFERED, OfferState.UNANSWERED, OfferState.REFUSED})


class _Network:
    """Whether the network is cut at a time; its cuts are drawn as far as they are asked for."""

    def __init__(self, chance: random.Random, cuts: Cuts | None) -> None:
        self._chance, self._cuts = chance, cuts
        begins_cut = cuts is not None and chance.random() < cuts.share  # no memory: it may have been cut for any time
        self._changes = [START]
        self._cut = [begins_cut]

    def cut_within(self, since: datetime, until: datetime) -> bool:
        """Return True if the network is cut at some moment from `since` to `until`."""
        if self._cuts is None:
            return False
        while self._changes[-1] <= until:
            mean = self._cuts.lasts if self._cut[-1] else self._cuts.works
            self._changes.append(self._changes[-1] + mean * self._chance.expovariate(1.0))
            self._cut.append(not self._cut[-1])
        ends = self._changes[1:]
        return any(
            cut and begin <= until and end > since
            for begin, end, cut in zip(self._changes, ends, self._cut, strict=False)
        )


@dataclass(slots=True)
class _Side:
    """One province's case of the resident. `code`: the name by which the other one knows it."""

    rules: Rules
    code: str
    resident: str
    case: Case | None = None

    def give(self, given: CaseInput) -> list[Dispatch]:
        decision = decide(self.case, given, self.rules, given.at)
        self.case = decision.case
        return decision.dispatches

    @property
    def opened(self) -> Case:
        if self.case is None:
            raise LookupError("no case was opened")
        return self.case

    @property
    def handles(self) -> bool:
        return self.case is not None and self.case.open and not self.case.settled

    def next_deadline(self) -> Deadline | None:
        found = min(deadlines(self.case).items(), key=itemgetter(1), default=None) if self.case else None
        if found is None or self.case is None:
            return None
        name = deadline_id(self.case.id, found[0], round(found[1].timestamp() * 1000))
        return Deadline(id=name, at=found[1], resident=self.resident, case=self.case.id, step=found[0], due=found[1])

    def offer(self, at: datetime) -> list[Dispatch]:
        """Offer the case to the other province."""
        act = OfferCaseAct(province=THERE if self.code == HERE else HERE, ground=ProvinceGround.LIVES)
        return self.give(_offered(self.opened, act, at))

    @property
    def offers(self) -> list[CaseOffer]:
        return self.case.offers if self.case else []


@dataclass(slots=True)
class _HandOver:
    """Simulates one hand-over, or two that cross, from the first offer until no province asks about one any more."""

    chance: random.Random
    cuts: Cuts | None
    level: Level
    rules: Rules
    crosses: bool
    always_handled: bool = True
    _later: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)
    _network: _Network = field(init=False)
    _here: _Side = field(init=False)
    _there: _Side = field(init=False)

    def __post_init__(self) -> None:
        self._network = _Network(self.chance, self.cuts)
        here, there = RESIDENT, RESIDENT_THERE
        if self.chance.random() < 1 / 2:  # chance decides which of two offers that cross goes before
            here, there = there, here
        self._here, self._there = _Side(self.rules, HERE, here), _Side(self.rules, THERE, there)

    def run(self) -> _Ended:
        self._here.give(_alert(self.level, self._here.resident))
        self._send(self._here.offer(START))
        if self.crosses:
            self._there.give(_alert(self.level, self._there.resident))
            self._at(START + self._seconds(APART), lambda at: self._send(self._there.offer(at)))
        until = self._here.offers[0].asks_until
        while self._goes_on and self._step(until):
            self._look()
        while self._later:  # what is on its way
            at, _, happens = heapq.heappop(self._later)
            happens(at)
            self._look()
        return _Ended(self._taken_in_time, self._here.handles and self._there.handles, self.always_handled)

    def _look(self) -> None:
        self.always_handled &= self._here.handles or self._there.handles

    @property
    def _sides(self) -> Sequence[_Side]:
        return (self._here, self._there) if self.crosses else (self._here,)

    @property
    def _taken_in_time(self) -> bool:
        return any(offer.state is OfferState.ACCEPTED for side in self._sides for offer in side.offers)

    @property
    def _goes_on(self) -> bool:
        open_ = any(offer.state in _OPEN for side in self._sides for offer in side.offers)
        return open_ and not self._taken_in_time

    def _step(self, until: datetime) -> bool:
        """Play what happens next. Returns False if nothing does before `until`."""
        found = [(due.at, n, side, due) for n, side in enumerate(self._sides) if (due := side.next_deadline())]
        deadline = min(found, default=None, key=itemgetter(0, 1))
        if self._later and (deadline is None or self._later[0][0] <= deadline[0]):
            at, _, happens = heapq.heappop(self._later)
            happens(at)
            return at < until
        if deadline is None or deadline[0] >= until:
            return False
        self._send(deadline[2].give(deadline[3]))
        return True

    def _at(self, at: datetime, happens: Callable[[datetime], None]) -> None:
        heapq.heappush(self._later, (at, next(self._numbers), happens))

    def _send(self, sent: Sequence[Dispatch]) -> None:
        for out in sent:
            if out.action is Action.HAND_OVER:
                self._request(out)

    def _request(self, out: Dispatch) -> None:
        """Carry a request to the other province, unless a cut loses it."""
        arrives = out.at + self._seconds(ON_THE_WAY)
        self._at(out.at + timedelta(seconds=WAITS), lambda at: self._answer(out, ProviderAway("ConnectError"), at))
        if not self._network.cut_within(out.at, arrives):
            self._at(arrives, lambda at: self._receive(out, at))

    def _receive(self, out: Dispatch, at: datetime) -> None:
        """Let the other province take the case, and carry its answer back, unless a cut loses it."""
        why = self._taken(out, at)
        back = at + self._seconds(OPENING) + self._seconds(ON_THE_WAY)
        if why is not None and back - out.at < timedelta(seconds=WAITS) and not self._network.cut_within(at, back):
            self._at(back, lambda at: self._answer(out, why, at))

    def _taken(self, out: Dispatch, at: datetime) -> ChannelCode | None:
        """Return the receiver's answer, as streams/channels/provinces/receiving gives it; None: send it again."""
        by, to = self._from_to(out)
        offer = next(each for each in by.offers if out.step.startswith(each.id))
        name, asks = offer_name(by.opened, offer), out.step != offer.id
        known = taken_from(to.case, by.code, name) if to.case else None
        if may_end_too(to.case, by.code, known, asks=asks):
            return None
        why = may_not_take(RULES, by.code, offer.until, known, at, asks=asks)
        if why is not None:
            return NotTakenThere(why)
        crossing = crossing_refusal(to.case, by.code, name, known, asks=asks)
        if crossing or not acknowledged(to.case, known, out.level, 0, asks=asks):
            told = _take_over(by, to, name, out, at)
            self._send(to.give(told.model_copy(update={"both": asks, "crosses": crossing is not None})))
            known = taken_from(to.opened, by.code, name)
        if crossing:
            return NotTakenThere(crossing)
        return TakenThere(to.opened.id) if acknowledged(to.case, known, out.level, 0, asks=asks) else None

    def _from_to(self, out: Dispatch) -> tuple[_Side, _Side]:
        mine = out.resident == self._here.resident
        return (self._here, self._there) if mine else (self._there, self._here)

    def _answer(self, out: Dispatch, why: ChannelCode, at: datetime) -> None:
        self._send(self._from_to(out)[0].give(_result(out, why, at)))

    def _seconds(self, of: tuple[float, float]) -> timedelta:
        return timedelta(seconds=self.chance.uniform(*of))


def _alert(level: Level, resident: str) -> Alert:
    danger = Danger(
        level=level,
        probability=0.5,
        exposure_fen=0,
        scam_type="impersonated_police",
        reasons=[CombinedEvidence("a study of hand-overs")],
    )
    return Alert(id="alert", at=START, resident=resident, danger=danger, payments=[], profile=_PROFILE, signal_at=START)


_PROFILE = Profile(
    birth_year=1958,
    sex=Sex.FEMALE,
    occupation=Occupation.RETIRED,
    division="210102",
    language=Language.CHINESE,
    balance=BalanceBand.MIDDLE,
    contacts=0,
)


def _offered(case: Case, act: OfferCaseAct, at: datetime) -> OperatorReport:
    return OperatorReport(
        id="offer",
        at=at,
        resident=case.resident,
        case=case.id,
        by="operator",
        role=StaffRole.OPERATOR,
        seen=case.version,
        act=act,
    )


def _take_over(by: _Side, to: _Side, name: str, out: Dispatch, at: datetime) -> TakeOver:
    return TakeOver(
        id=short_hash("take-over", by.code, name, out.step, str(at)),
        at=at,
        resident=to.resident,
        province=by.code,
        offer=name,
        other_case=out.case,
        ground=ProvinceGround.LIVES,
        danger=_alert(out.level, to.resident).danger,
        profile=_PROFILE,
    )


def _result(out: Dispatch, why: ChannelCode, at: datetime) -> ContactResult:
    results = {TakenThere: Result.DELIVERED, NotTakenThere: Result.REFUSED}
    result = results.get(type(why), Result.FAILED)
    return ContactResult(
        id=result_id(out.id, result),
        at=at,
        resident=out.resident,
        case=out.case,
        dispatch=out.id,
        step=out.step,
        attempt=out.attempt,
        action=out.action,
        result=result,
        why=why,
    )
