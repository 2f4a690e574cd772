"""One province: victims report, the product's rules propose stop orders, persons approve, banks answer.

Only stops are simulated, and objections to them: no message reaches a victim, nobody visits, and no deadline fires.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from domain.casework.orders.objections import objection_id, objection_of
from domain.ids import result_id
from domain.policy import Policy
from schemas.casework.cases import Case, Payment, Profile
from schemas.casework.events import Dispatch
from schemas.casework.inputs import BankFeedback, BankState, OperatorReport, PaymentReport, ResidentInput
from schemas.casework.movements import MovedAccount, OnwardMovement
from schemas.casework.objections import WrongfulCause
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, StopOrder
from schemas.casework.reported import ReportedPayment
from schemas.levels import Action
from schemas.people.residents import BalanceBand, Language, Occupation, ReportSource, Sex
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState
from simulators.assumptions.chance import seconds, stream
from simulators.assumptions.figures import STOP_FOR
from simulators.assumptions.stolen_money import StolenMoney
from simulators.lab.agenda import Agenda
from simulators.lab.cases import Cases
from simulators.pursuit.banks import Banks, StopAnswer
from simulators.pursuit.money import MoneyTruth
from simulators.pursuit.reports import ReportKind, TheftReport, gangs, reports
from simulators.pursuit.reviews import ReviewDesk, StopReview, objecting, review_of
from simulators.world.province import START

LASTS = timedelta(days=4)  # after the last payment: most reports are in, and every bank has answered
OPERATOR = "operator-1"
ANYBODY = Profile(
    birth_year=1970,
    sex=Sex.FEMALE,
    occupation=Occupation.RETIRED,
    division="220104",
    language=Language.CHINESE,
    balance=BalanceBand.MIDDLE,
)


@dataclass(frozen=True, slots=True)
class Way:
    """The procedure of stop orders in a run. `approval_seconds`: if set, each order is decided after this fixed time;
    None: after the random time that a person takes. In both cases the assumed shares of orders on wrong and malicious
    reports are declined.

    `only_fed`: True if only payments that a feed has delivered can be reported. `standing`: True if persons may approve
    later stops together with an order, in the assumed share of cases.
    """

    approval_seconds: float | None = None
    only_fed: bool = False
    standing: bool = True


class ReportOutcome(NamedTuple):
    """The outcome of a report.

    `there_fen`: the part of the payment that was still in any account when the form was complete. `held_fen`: the part
    in stopped accounts at the end. `stop_after`: time from the start of the call until a bank had stopped the first
    account, None if none did. `honest_stopped`: True if an account was stopped that no stolen money reached. `reviews`:
    the wrong stops, and the stops of mules that objected.
    """

    kind: ReportKind
    amount_fen: int
    there_fen: int
    held_fen: int
    stop_after: timedelta | None
    orders: int
    honest_stopped: bool
    reviews: tuple[StopReview, ...] = ()
    under: int = 0  # orders that a standing approval approved


@dataclass(slots=True)
class _Kept:
    """The data of one report during the run."""

    report: TheftReport
    account: MovedAccount
    there_fen: int = 0
    stopped_at: datetime | None = None
    orders: int = 0
    honest_stopped: bool = False
    asked: set[tuple[str, int]] = field(default_factory=set)  # orders' steps, and the number of the approval
    reviews: dict[str, StopReview] = field(default_factory=dict)  # by the order's step


class Pursuit:
    """A province under a policy, for `days` days of thefts. `run` may be called once."""

    def __init__(self, seed: int, policy: Policy, assumed: StolenMoney, way: Way, days: int) -> None:
        self._seed, self._assumed, self._way = seed, assumed, way
        self._agenda, self._cases = Agenda(START), Cases(policy)
        self._money = MoneyTruth(seed, assumed, self._agenda)
        self._banks, self._desk = Banks(seed, assumed, self._money), ReviewDesk(seed, assumed)
        self._usual = policy.plan.stop.later.usual if policy.plan.stop.later and way.standing else None
        self._stops: defaultdict[MovedAccount, set[str]] = defaultdict(set)  # the cases whose stops run
        told = list(reports(seed, assumed, START, days))
        self._gangs = gangs(seed, assumed, told)
        self._reports = {each.resident: _Kept(each, _honest(each.name)) for each in told}
        self._end = START + timedelta(days=days) + LASTS

    def run(self) -> list[ReportOutcome]:
        """Simulate the complete time, and return the outcome of each report, in the order of `reports` with the same
        arguments. Call it once.

        Raises AssertionError if any stolen money is not accounted for.
        """
        for kept in self._reports.values():
            report = kept.report
            if report.kind is ReportKind.TRUE:
                self._agenda.at(report.paid_at, partial(self._steal, kept))
            self._agenda.at(report.written_at, partial(self._written, kept))
        self._agenda.run_until(self._end)
        if missing := self._money.missing():
            raise AssertionError(f"{missing} fen of stolen money are neither in an account nor gone")
        return [self._outcome(kept) for kept in self._reports.values()]

    def _steal(self, kept: _Kept) -> None:
        report = kept.report
        kept.account = self._money.steal(report.name, self._gangs[report.name], report.amount_fen)

    def _written(self, kept: _Kept) -> None:
        report = kept.report
        kept.there_fen = self._money.in_accounts(report.name)
        if report.fed or not self._way.only_fed:
            self._give(_report(report, kept.account))

    def _give(self, given: ResidentInput) -> None:
        event = self._cases.apply(given)
        if event is None:
            return
        for dispatch in event.dispatches:
            if dispatch.action in (Action.STOP_PAYMENT, Action.STOP_RELEASE):
                self._ask(dispatch)
        for order in event.case.orders:
            if order.decidable:
                self._read(event.case, order)

    def _read(self, case: Case, order: StopOrder) -> None:
        """Schedule the next person's decision on an order, unless it is already scheduled."""
        kept, number = self._reports[case.resident], len(order.approvals) + 1
        if (order.step, number) in kept.asked:
            return
        kept.asked.add((order.step, number))
        chance = stream(self._seed, "approval", case.id, order.step, number)
        after = seconds(chance, self._assumed.approval_seconds, self._assumed.approval_spread)
        if (fixed := self._way.approval_seconds) is not None:
            after = timedelta(seconds=fixed)
        refuses = {ReportKind.WRONG: self._assumed.refused_wrong, ReportKind.MALICIOUS: self._assumed.refused_malicious}
        declines = chance.random() < refuses.get(kept.report.kind, 0)
        self._agenda.at(self._agenda.now + after, partial(self._decide, case.resident, order.step, number, declines))

    def _decide(self, resident: str, step: str, number: int, declines: bool) -> None:
        case = self._cases.of(resident)
        if case is None:
            return
        act = DeclineStopAct(order=step, reason="not a fraud") if declines else self._approval(case, step, number)
        self._give(
            OperatorReport(
                id=f"decided-{case.id}-{step}-{number}",
                at=self._agenda.now,
                resident=resident,
                case=case.id,
                by=f"release-{number}",
                role=StaffRole.RELEASE_DESK,
                seen=case.version,
                act=act,
            )
        )

    def _approval(self, case: Case, step: str, number: int) -> ApproveStopAct:
        """Return a person's approval: of an order about a payee in the assumed share with the usual limits."""
        ticks = stream(self._seed, "later", case.id, step, number).random() < self._assumed.approves_later
        of_payee = any(order.step == step and order.transfer == case.payments[0].transfer for order in case.orders)
        return ApproveStopAct(order=step, later=self._usual if ticks and of_payee else None)

    def _ask(self, dispatch: Dispatch) -> None:
        payment = dispatch.payment
        if payment is None or payment.institution is None:
            return
        after = self._banks.delay(payment.institution, dispatch.id, self._agenda.now)
        if dispatch.action is Action.STOP_RELEASE:
            self._agenda.at(self._agenda.now + after, partial(self._lift, dispatch, payment))
            return
        self._reports[dispatch.resident].orders += 1
        self._agenda.at(self._agenda.now + after, partial(self._bank, dispatch, payment))

    def _bank(self, dispatch: Dispatch, payment: Payment) -> None:
        account = MovedAccount(bank=payment.institution or "", token=payment.payee)
        since = self._reports[dispatch.resident].report.paid_at
        for number, answer in enumerate(self._banks.decide(account, dispatch.id, payment.amount_fen, since)):
            if number == 0 and answer.state is BankState.IN_FORCE:
                self._stopped(dispatch, account)
            given = _feedback(dispatch, payment, answer, number, self._agenda.now)
            self._agenda.at(given.at, partial(self._give, given))

    def _stopped(self, dispatch: Dispatch, account: MovedAccount) -> None:
        kept, now = self._reports[dispatch.resident], self._agenda.now
        kept.stopped_at = kept.stopped_at or now
        self._stops[account].add(dispatch.case)
        kept.honest_stopped |= account == _honest(kept.report.name)
        cause = self._wrong(kept, account)
        if cause is not None:
            kept.reviews.setdefault(dispatch.step, StopReview(cause, self._unread(dispatch), now))
        self._may_object(dispatch, honest=cause is not None, number=0)

    def _wrong(self, kept: _Kept, account: MovedAccount) -> WrongfulCause | None:
        """Return why a stop of this account is wrong; None if it is a mule's."""
        if account == _honest(kept.report.name):
            malicious = kept.report.kind is ReportKind.MALICIOUS
            return WrongfulCause.FALSE_REPORT if malicious else WrongfulCause.MISTAKEN_REPORT
        return WrongfulCause.LAWFUL_PAYMENT if self._money.sold_to(account) else None

    def _unread(self, dispatch: Dispatch) -> bool:
        case = self._cases.of(dispatch.resident)
        return case is not None and any(each.step == dispatch.step and each.under for each in case.orders)

    def _may_object(self, dispatch: Dispatch, *, honest: bool, number: int) -> None:
        """Let the holder of a stopped account object some time later, or not. `number`: of earlier objections."""
        assumed, chance = self._assumed, stream(self._seed, "objects", dispatch.id, number)
        if chance.random() < (assumed.objects if honest else assumed.objects_mule):
            after = seconds(chance, assumed.objects_minutes * 60, assumed.objects_spread)
            self._agenda.at(self._agenda.now + after, partial(self._object, dispatch, honest, number))

    def _object(self, dispatch: Dispatch, honest: bool, number: int) -> None:
        case, now = self._cases.of(dispatch.resident), self._agenda.now
        if case is None:
            return
        given = objecting(case, dispatch.step, number, now)
        self._give(given)
        name, case = objection_id(given.id), self._cases.of(dispatch.resident)
        if case is None or objection_of(case, name) is None:  # the stop has ended, or is reviewed already
            return
        reviews = self._reports[dispatch.resident].reviews
        known = reviews.get(dispatch.step) or StopReview(None, self._unread(dispatch), now)
        reviews[dispatch.step] = known._replace(objected_at=known.objected_at or now)
        self._agenda.at(
            self._desk.schedule_review(name, now), partial(self._review, dispatch, name, honest=honest, number=number)
        )

    def _review(self, dispatch: Dispatch, objection: str, *, honest: bool, number: int) -> None:
        case = self._cases.of(dispatch.resident)
        if case is None:
            return
        upheld = self._desk.upholds(objection, honest=honest)
        cause = self._reports[dispatch.resident].reviews[dispatch.step].cause or WrongfulCause.OTHER
        self._give(review_of(case, objection, cause if upheld else None, self._agenda.now))
        if honest and not upheld:
            self._may_object(dispatch, honest=honest, number=number + 1)

    def _lift(self, dispatch: Dispatch, payment: Payment) -> None:
        """Let a bank lift a stop. The account stays stopped while another case's stop runs."""
        account, now = MovedAccount(bank=payment.institution or "", token=payment.payee), self._agenda.now
        self._stops[account].discard(dispatch.case)
        if not self._stops[account]:
            self._money.release(account)
        reviews, case = self._reports[dispatch.resident].reviews, self._cases.of(dispatch.resident)
        for order in case.orders if case is not None else ():
            if order.transfer == payment.transfer and order.step in reviews and not reviews[order.step].lifted_at:
                reviews[order.step] = reviews[order.step]._replace(lifted_at=now)
        answer = StopAnswer(timedelta(0), BankState.RELEASED)
        self._give(_feedback(dispatch, payment, answer, 0, now))

    def _outcome(self, kept: _Kept) -> ReportOutcome:
        report = kept.report
        after = kept.stopped_at - report.told_at if kept.stopped_at else None
        held = self._money.held(report.name)
        case, reviews = self._cases.of(report.resident), tuple(kept.reviews.values())
        under = sum(order.under is not None for order in case.orders) if case is not None else 0
        return ReportOutcome(
            report.kind,
            report.amount_fen,
            kept.there_fen,
            held,
            after,
            kept.orders,
            kept.honest_stopped,
            reviews,
            under,
        )


def _honest(name: str) -> MovedAccount:
    """Return the account that a wrong or malicious report is about. No stolen money ever reaches this account."""
    return MovedAccount(bank="bank-0", token=f"honest-{name}")


def _report(report: TheftReport, account: MovedAccount) -> PaymentReport:
    said = ReportedPayment(source=ReportSource.HOTLINE, report=report.name, told_in=report.name)
    return PaymentReport(
        id=f"report-{report.name}",
        at=report.written_at,
        resident=report.resident,
        by=OPERATOR,
        role=StaffRole.OPERATOR,
        payment=Payment(
            transfer=f"reported:{report.name}",
            payee=account.token,
            amount_fen=report.amount_fen,
            at=report.paid_at,
            state=TransferState.SETTLED,
            watched=WatchStatus.REPORTED,
            institution=account.bank,
            reported=said,
        ),
        profile=ANYBODY,
    )


def _feedback(dispatch: Dispatch, payment: Payment, answer: StopAnswer, number: int, now: datetime) -> BankFeedback:
    return BankFeedback(
        id=result_id(dispatch.id, answer.state, f"{dispatch.id}#{number}"),
        at=now + answer.after,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        transfer=payment.transfer,
        state=answer.state,
        amount_fen=answer.amount_fen,
        until=now + STOP_FOR if answer.state is BankState.IN_FORCE else None,
        bank=payment.institution,
        movements=[OnwardMovement(**each._asdict()) for each in answer.onward],
    )
