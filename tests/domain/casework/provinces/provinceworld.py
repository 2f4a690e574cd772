"""Two provinces' case machines, and the hand-overs that pass between them."""

from dataclasses import replace
from datetime import datetime, timedelta

from domain.casework.provinces.records import taken_from, tells_end
from domain.casework.provinces.taking import acknowledged, crossing_refusal, may_end_too, may_not_take
from domain.ids import short_hash
from domain.policy.approval import HandoverRules
from schemas.casework.events import Dispatch
from schemas.casework.inputs import ContactResult, TakeOver
from schemas.casework.provinces import EndHereAct, OfferCaseAct, OfferRefusal, OfferState, ProvinceGround
from schemas.codes.channels import ChannelCode, NotTakenThere, ProviderAnswered, TakenThere
from schemas.levels import Action, Level, Result
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, RESIDENT, Line, alert, danger, payment, profile

HERE, THERE = "jilin", "liaoning"
THERE_RESIDENT = "rbbbbbbbbbbbbbbbb"
BEFORE = "r2222222222222222"  # a resident there whose case's offers go before those from here, should they cross
AGAIN = ProviderAnswered(503)
DEADLINE = {Level.RED: 60, Level.ORANGE: 600, Level.YELLOW: 3_600, Level.BLUE: 3_600}
RULES = HandoverRules(
    provinces=(HERE, THERE),
    deadline={level: timedelta(seconds=seconds) for level, seconds in DEADLINE.items()},
    asks_for=timedelta(hours=2),
)


def with_rules(line: Line, rules: HandoverRules | None = RULES) -> Line:
    """The line, under a policy that hands cases over."""
    line.rules = replace(line.rules, policy=line.rules.policy.model_copy(update={"handover": rules}))
    return line


def sender(level: Level = Level.RED, at: datetime = NOON) -> Line:
    """A case at the sender, raised at `at`."""
    line = with_rules(Line(at=at))
    line.alert(level, payment(), of=profile(contacts=1))
    return line


def offered(line: Line, province: str = THERE, role: StaffRole = StaffRole.OPERATOR) -> Dispatch | None:
    """Offer the case; the dispatch that carries it, None if the case refused."""
    decision = line.act(OfferCaseAct(province=province, ground=ProvinceGround.LIVES), role=role)
    return next((out for out in decision.dispatches if out.action is Action.HAND_OVER), None)


def offered_back(line: Line) -> Dispatch | None:
    """Offer the other province's case to this one; the dispatch that carries it, None if the case refused."""
    return offered(line, HERE)


def answered(line: Line, out: Dispatch, why: ChannelCode | None, result: Result, at: datetime | None = None) -> None:
    """The channel reports an answer, or why there is none."""
    line.give(
        ContactResult(
            id=f"{out.id}:{result}:{len(line.decisions)}",
            at=at or line.now,
            resident=out.resident,
            case=out.case,
            dispatch=out.id,
            step=out.step,
            attempt=out.attempt,
            action=out.action,
            result=result,
            why=why,
        )
    )


def taken(line: Line, out: Dispatch, other: str = f"{THERE_RESIDENT}-1") -> None:
    answered(line, out, TakenThere(other), Result.DELIVERED)


def refused(line: Line, out: Dispatch, why: OfferRefusal = OfferRefusal.NOT_TAKING) -> None:
    answered(line, out, NotTakenThere(why), Result.REFUSED)


def ended_here(line: Line, role: StaffRole = StaffRole.SUPERVISOR) -> None:
    late = [each for each in line.here.offers if each.state is OfferState.LATE]
    line.act(EndHereAct(offer=late[-1].id if late else "province.1"), by="supervisor", role=role)


class Receiver(Line):
    """The other province of a test: it takes hand-overs by the rules of intake, and applies them to its own case.
    `resident`: the id of the resident in that province's register.
    """

    def __init__(self, resident: str = THERE_RESIDENT, at: datetime = NOON) -> None:
        super().__init__(at=at)
        self.resident = resident
        with_rules(self)

    def finds(self, level: Level = Level.BLUE) -> None:
        """It finds the danger too."""
        told = alert(level, payment(), at=self.now, of=profile(contacts=1))
        self.give(told.model_copy(update={"resident": self.resident}))

    def receive(self, out: Dispatch, at: datetime) -> ChannelCode:
        """Take the request of a dispatch; the answer."""
        return received(self, out, at)


def received(line: Line, out: Dispatch, at: datetime, payments: int = 1) -> ChannelCode:
    """The line takes the request of another province's dispatch; the answer: ProviderAnswered if it must come again."""
    line.now = max(line.now, at)
    offer = out.offer
    assert offer is not None
    by = HERE if offer.province == THERE else THERE
    resident = line.resident if isinstance(line, Receiver) else RESIDENT
    name, asks, ended = f"{out.case}:{offer.id}", out.step != offer.id, tells_end(offer, out.step)
    known = taken_from(line.case, by, name) if line.case else None
    if may_end_too(line.case, by, known, asks=asks):
        return AGAIN
    why = may_not_take(line.rules.policy.handover, by, offer.until, known, line.now, asks=asks)
    if why is not None:
        return NotTakenThere(why)
    crossing = crossing_refusal(line.case, by, name, known, asks=asks)
    if crossing or not acknowledged(line.case, known, out.level, payments, asks=asks, ended=ended):
        given = TakeOver(
            id=short_hash("take-over", by, name, str(asks), str(ended), out.level, str(payments)),
            at=line.now,
            resident=resident,
            province=by,
            offer=name,
            other_case=out.case,
            ground=offer.ground,
            danger=danger(out.level),
            payments=[payment(f"handover:{number}", payee=f"a{number}") for number in range(payments)],
            profile=profile(),
            both=asks,
            ended=ended,
            crosses=crossing is not None,
        )
        line.give(given)
        if crossing:
            return NotTakenThere(crossing)
        known = taken_from(line.here, by, name)
    knows = acknowledged(line.case, known, out.level, payments, asks=asks, ended=ended)
    return TakenThere(line.here.id) if knows else AGAIN


def handles(line: Line) -> bool:
    """True if the province handles the resident: its case is open, and nobody has settled it."""
    return line.case is not None and line.case.open and not line.case.settled
