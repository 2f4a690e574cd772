"""The bank book: requests to banks and their answers, folded from the journal and the banks' messages.

It has the latest state of each stop and order, the outcome of each dispatch to a bank, and each message. Repeated input
changes nothing.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from domain.calendar import day_of
from domain.payments.releases import FIRST_TRACED, numbered
from domain.payments.status import asked_fen, frozen_fen, stopped_fen
from domain.policy.schedule import STOPS
from schemas.casework.cases import Case, Payment, Stop
from schemas.casework.events import CaseEvent, Dispatch, FactKind
from schemas.casework.objections import ObjectionState, StopObjection
from schemas.casework.orders import StopOrder
from schemas.casework.own_account import OwnHold, OwnHoldState
from schemas.channels.bank_messages import BankMessage, bank_of
from schemas.levels import Action, Channel, Result

Name = TypeVar("Name")
Value = TypeVar("Value")

MOST = 100_000  # latest entries kept in each table


class StopLine(NamedTuple):
    """The latest state of a stop-payment. `case`, `resident`: their ids; `division`: the code of the resident's
    division; `number`: the payment's number in the case (domain/payments/releases.py); `transfer`: the payment's name;
    `payee`: a token; `amount_fen`: what the stop holds (fen); `version`: of the case; `at`: when the stop last
    changed.
    """

    case: str
    resident: str
    division: str
    number: int
    transfer: str
    payee: str
    amount_fen: int
    stop: Stop
    version: int
    at: datetime

    @property
    def bank(self) -> str:
        """The payer's bank: the source of the transfer's signal, the part of the transfer's name before the colon."""
        return bank_of(self.transfer)


class OrderLine(NamedTuple):
    """The latest state of a stop order, with the number and payee (a token) of its payment, or of the account to which
    the money went on. `amount_fen`: the money that it is about now (fen): that is stopped or frozen, if a bank has
    stated it. `version`: of the case. `source`: the feed or the kind of place that reported
    the payment, as `reporter_of` returns it.
    """

    case: str
    division: str
    number: int
    payee: str
    amount_fen: int
    order: StopOrder
    version: int
    source: str  # whose report is behind it

    @property
    def traced(self) -> bool:
        """True if the order is for a traced account, which the money reached from a payee's account."""
        return self.number >= FIRST_TRACED


class ObjectionLine(NamedTuple):
    """The latest state of an objection. `number`: of the payment of its stop order; `amount_fen`: what its stop holds
    (fen). `version`: of the case.

    `number` None, and an amount of 0: an objection to a hold on the resident's own account.
    """

    case: str
    division: str
    number: int | None
    amount_fen: int
    objection: StopObjection
    version: int


class OwnHoldLine(NamedTuple):
    """The latest state of a hold on the resident's own account, with the case's id, the code of the resident's
    division, and the version of the case.
    """

    case: str
    division: str
    hold: OwnHold
    version: int


class SourceRecord(NamedTuple):
    """How reliable the reports of one source are: `orders`, the stop orders that were sent to banks because of its
    reports, and `false`, its reports that turned out to be false.
    """

    source: str
    orders: int
    false: int


class BankReply(NamedTuple):
    """The outcome of sending a request to a bank: the provider's result, and the time at which it was recorded."""

    at: datetime
    result: Result


class Sent(NamedTuple):
    """A request sent to a bank, at `at`. `dispatch`: the request's id; `case`: the case's id; `division`: the code of
    the resident's division; `transfer`: the payment's name; `payee`: a token; `amount_fen`: in fen; `institution`: the
    code of the receiver: the payee's bank or payment institution, or if unknown, the payer's bank; `about`: for a
    status request, the id of the request that the bank had not answered, else "".
    """

    dispatch: str
    at: datetime
    case: str
    division: str
    action: Action
    transfer: str
    payee: str
    amount_fen: int
    institution: str
    about: str = ""  # of a status request: the id of the request that the bank had not answered

    @property
    def bank(self) -> str:
        """The payer's bank: the source of the transfer's signal."""
        return bank_of(self.transfer)

    @property
    def day(self) -> str:
        """The date in Jilin on which the request was sent (YYYY-MM-DD)."""
        return day_of(self.at)


@dataclass(slots=True)
class BankBook:
    """Stops by (case, number), orders by (case, step), objections and holds on own accounts by (case, id), requests to
    banks (`sent`) and their outcomes (`told`) by dispatch id, banks' messages (`came`) by id, and the latest version of
    each case.

    Each table keeps its latest 100,000 entries.
    """

    stops: OrderedDict[tuple[str, int], StopLine] = field(default_factory=OrderedDict)
    orders: OrderedDict[tuple[str, str], OrderLine] = field(default_factory=OrderedDict)
    objections: OrderedDict[tuple[str, str], ObjectionLine] = field(default_factory=OrderedDict)
    own_holds: OrderedDict[tuple[str, str], OwnHoldLine] = field(default_factory=OrderedDict)
    sent: OrderedDict[str, Sent] = field(default_factory=OrderedDict)
    told: OrderedDict[str, list[BankReply]] = field(default_factory=OrderedDict)  # outcomes by dispatch
    came: OrderedDict[str, BankMessage] = field(default_factory=OrderedDict)
    versions: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def add(self, event: CaseEvent) -> None:
        """Add an event of the journal to the tables, in place. A repeated event changes nothing, and an older one does
        not replace a later state.
        """
        if self._latest(event.case):
            self._stops_of(event)
        for order in event.case.orders:
            self._order(event.case, order)
        for hold in event.case.own_holds:
            self._own_hold(event.case, hold)
        for objection in event.case.objections:
            self._objection(event.case, objection)
        for dispatch in event.dispatches:
            if dispatch.channel is Channel.PAYMENT and (sent := _sent(dispatch)):
                _keep(self.sent, sent.dispatch, sent)
        self._apply(event)

    def message(self, message: BankMessage) -> None:
        """Add a bank's message, in place; a repeated one changes nothing."""
        _keep(self.came, message.id, message)

    def in_force(self, sees: Callable[[str], bool]) -> list[StopLine]:
        """Return the stops in force in divisions for which `sees` returns True, in no particular order."""
        return [line for line in self.stops.values() if line.stop.in_force and sees(line.division)]

    def shown(self, sees: Callable[[str], bool]) -> list[StopLine]:
        """Return the stops in divisions for which `sees` returns True: first those in force, by their end, then others.

        The others come in the order of their last change, the latest first.
        """
        running: list[StopLine] = []
        rest: list[StopLine] = []
        for line in self.stops.values():
            if sees(line.division):
                (running if line.stop.in_force else rest).append(line)
        running.sort(key=lambda line: (line.stop.until or line.at, line.case, line.number))
        return running + sorted(rest, key=lambda line: (line.at, line.case, line.number), reverse=True)

    def undecided(self, sees: Callable[[str], bool]) -> list[OrderLine]:
        """Return the orders on which persons must decide, in divisions for which `sees` returns True, the earliest
        deadline first.
        """
        found = [line for line in self.orders.values() if line.order.decidable and sees(line.division)]
        return sorted(found, key=lambda line: (line.order.confirm_by or line.order.due, line.case, line.order.step))

    def unreviewed(self, sees: Callable[[str], bool]) -> list[ObjectionLine]:
        """Return the open objections, the oldest first, in divisions for which `sees` returns True."""
        found = [line for line in self.objections.values() if line.objection.waits and sees(line.division)]
        return sorted(found, key=lambda line: (line.objection.at, line.case, line.objection.id))

    def reviewed(self, sees: Callable[[str], bool]) -> list[ObjectionLine]:
        """Return the decided objections, the latest first, in divisions for which `sees` returns True."""
        found = [line for line in self.objections.values() if not line.objection.waits and sees(line.division)]
        return sorted(found, key=lambda line: line.objection.decided_at or line.objection.at, reverse=True)

    def own_accounts(self, sees: Callable[[str], bool]) -> list[OwnHoldLine]:
        """Return the holds on residents' own accounts in divisions for which `sees` returns True: first those on which
        persons must decide, the earliest deadline first; then other open ones, the earliest end first; then ended ones,
        the latest request first.
        """
        seen = [line for line in self.own_holds.values() if sees(line.division)]
        waiting = [line for line in seen if line.hold.state is OwnHoldState.PROPOSED]
        running = [line for line in seen if line.hold.state.open and line.hold.state is not OwnHoldState.PROPOSED]
        ended = [line for line in seen if not line.hold.state.open]
        waiting.sort(key=lambda line: line.hold.due)
        running.sort(key=lambda line: line.hold.until or line.hold.due)
        return [*waiting, *running, *sorted(ended, key=lambda line: line.hold.asked_at, reverse=True)]

    def false_reports(self, sees: Callable[[str], bool]) -> list[SourceRecord]:
        """Return the record of each source with a false report, the most false reports first.

        Only orders and objections in divisions for which `sees` returns True count.
        """
        seen = [line for line in self.orders.values() if sees(line.division) and line.order.went_out]
        orders = Counter(line.source for line in seen)
        false = Counter(
            line.objection.source
            for line in self.objections.values()
            if line.objection.source and line.objection.state is ObjectionState.UPHELD and sees(line.division)
        )
        found = [SourceRecord(source, orders[source], number) for source, number in false.items() if source]
        return sorted(found, key=lambda each: (-each.false, each.source))

    def of(self, case: str, transfer: str) -> tuple[list[Sent], list[BankMessage]]:
        """Return (requests, banks' messages) about one transfer of a case, each the earliest first."""
        sent = [each for each in self.sent.values() if (each.case, each.transfer) == (case, transfer)]
        came = [each for each in self.came.values() if (each.case, each.transfer) == (case, transfer)]
        return sorted(sent, key=lambda each: each.at), sorted(came, key=lambda each: each.at)

    def division(self, message: BankMessage) -> str | None:
        """Return the division code of the payer whom a message concerns, from the request that it answers or a stop of
        its case; None if neither is known.
        """
        if found := self.sent.get(message.dispatch):
            return found.division
        return next((line.division for line in self.stops.values() if line.case == message.case), None)

    def days(self, sees: Callable[[str], bool]) -> list[tuple[str, str]]:
        """Return the (bank, day) pairs with a request or a message, the latest day first; days in Jilin (YYYY-MM-DD).

        `sees`: returns True if the reader may see a division's residents.
        """
        sent = {(each.day, each.bank) for each in self.sent.values() if sees(each.division)}
        came = {(day_of(each.at), each.bank) for each in self.came.values() if self.sees(sees, each)}
        return [(bank, day) for day, bank in sorted(sent | came, key=lambda each: (each[0], each[1]), reverse=True)]

    def sees(self, sees: Callable[[str], bool], message: BankMessage) -> bool:
        """Return True if a reader may read a bank's message. `sees`: returns True if they may see a division's
        residents.

        Only those who see the whole province may read a message whose case is unknown.
        """
        division = self.division(message)
        return sees("") if division is None else sees(division)

    def _latest(self, case: Case) -> bool:
        """Return True if no later version of the case is known, and keep this version as the latest."""
        if case.version < self.versions.get(case.id, 0):
            return False
        _keep(self.versions, case.id, case.version)
        return True

    def _stops_of(self, event: CaseEvent) -> None:
        """Keep the case's stops. A payment whose request never reached the bank has no stop any more."""
        for number, payment in numbered(event.case):
            if payment.stop is not None:
                self._stop(event.case, number, payment, payment.stop, event.at)
            else:
                self.stops.pop((event.case.id, number), None)

    def _stop(self, case: Case, number: int, payment: Payment, stop: Stop, at: datetime) -> None:
        known = self.stops.get((case.id, number))
        if known is not None and known.version >= case.version:
            return
        if known is not None and known.stop == stop:
            at = known.at
        line = StopLine(
            case.id,
            case.resident,
            case.profile.division,
            number,
            payment.transfer,
            payment.payee,
            stopped_fen(payment),
            stop,
            case.version,
            at,
        )
        _keep(self.stops, (case.id, number), line)

    def _order(self, case: Case, order: StopOrder) -> None:
        name = (case.id, order.step)
        known, line = self.orders.get(name), order_line(case, order)
        if line is not None and (known is None or known.version < case.version):
            _keep(self.orders, name, line)

    def _objection(self, case: Case, objection: StopObjection) -> None:
        name = (case.id, objection.id)
        known = self.objections.get(name)
        found = next(((n, payment) for n, payment in numbered(case) if payment.transfer == objection.transfer), None)
        if known is not None and known.version >= case.version:
            return
        number, amount = (found[0], stopped_fen(found[1])) if found else (None, 0)
        line = ObjectionLine(case.id, case.profile.division, number, amount, objection, case.version)
        _keep(self.objections, name, line)

    def _own_hold(self, case: Case, hold: OwnHold) -> None:
        known = self.own_holds.get((case.id, hold.id))
        if known is None or known.version < case.version:
            _keep(self.own_holds, (case.id, hold.id), OwnHoldLine(case.id, case.profile.division, hold, case.version))

    def _apply(self, event: CaseEvent) -> None:
        if event.input_kind != "contact_result":
            return
        dispatch = event.input.rpartition(":")[0]
        for fact in event.facts:
            if fact.kind is FactKind.RESULT and fact.action in STOPS and fact.result:
                told = BankReply(event.at, fact.result)
                known = self.told.get(dispatch, [])
                if told not in known:
                    _keep(self.told, dispatch, [*known, told])


def order_line(case: Case, order: StopOrder) -> OrderLine | None:
    """Return the line of a case's order, or None if the case does not have its payment."""
    found = next(((n, payment) for n, payment in numbered(case) if payment.transfer == order.transfer), None)
    if found is None:
        return None
    number, payment = found
    frozen = frozen_fen(case, payment) if order.freezing is not None else 0
    amount, division, source = frozen or asked_fen(order.action, payment), case.profile.division, reporter_of(payment)
    return OrderLine(case.id, division, number, payment.payee, amount, order, case.version, source)


def reporter_of(payment: Payment) -> str:
    """Return the source behind the stop of a payment.

    For a payment that a person reported, the kind of place that took the report down, such as the hotline. For a traced
    account, the bank from which the money came. Else the source of the payment's signal.
    """
    if payment.reported:
        return payment.reported.source.value
    sent_by = (payment.movement or "").rpartition("#")[0]
    return sent_by or bank_of(payment.transfer)


def _sent(dispatch: Dispatch) -> Sent | None:
    payment = dispatch.payment
    if payment is None:
        return None
    return Sent(
        dispatch.id,
        dispatch.at,
        dispatch.case,
        dispatch.division,
        dispatch.action,
        payment.transfer,
        payment.payee,
        asked_fen(dispatch.action, payment),
        payment.institution or bank_of(payment.transfer),
        dispatch.about or "",
    )


def _keep(kept: OrderedDict[Name, Value], name: Name, value: Value) -> None:
    """Store a value under `name`, and drop the oldest entries beyond MOST."""
    kept[name] = value
    kept.move_to_end(name)
    while len(kept) > MOST:
        kept.popitem(last=False)
