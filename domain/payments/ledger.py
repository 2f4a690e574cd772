"""The ledger: money kept, by evidence class, and money lost; each yuan counts once.

The order in which feedback arrives does not change the result. Kept money of a transfer counts under its best evidence
(A before B before C before D; within a class, the larger amount), and never exceeds the payment. If money is known to
be lost, or its transfer was settled, the resident's decision did not keep it: its C and D entries are removed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from domain.identity.personal import WITHHELD
from domain.payments.accounts import find
from domain.payments.estimate import EstimateInterval, estimate_of
from domain.payments.status import frozen_amounts, whole_fen
from schemas.casework.cases import Case, Loss, LossAvoided, Payment, StopState
from schemas.casework.events import CaseEvent
from schemas.casework.frauds import RecordedFraud
from schemas.casework.objections import ObjectionState
from schemas.casework.orders import OrderState
from schemas.levels import EvidenceClass, Outcome
from schemas.risk.signals import TransferState

EXPOSURE = "exposure"
"""The key of the modelled estimate (D): the expected further loss of a dissuaded resident."""

UNNAMED = "unnamed"
"""The key of a loss reported without a transfer: reported again, it is the same money."""

_CONFIRMED = (EvidenceClass.A, EvidenceClass.B)
_BOOKED = (
    "kept",
    "frozen",
    "unfrozen",
    "losses",
    "frauds",
    "outcome",
    "ground",
    "warned_at",
    "opened_at",
)  # of `of_case`


class Totals(NamedTuple):
    """Sums over cases: numbers of cases, and money in fen (`kept_a` to `kept_d`, `frozen`, `lost`).

    `warned`: cases in which a contact reached the resident. `dissuaded_evidenced`: the resident answered a call or was
    met. `dissuaded_stated`: only a person's statement says so. `kept_a` to `kept_d`: loss avoided by evidence class; D
    is estimated and never added to the others. `defrauded_after_warning_30d`, `_90d`: cases with a loss within so many
    days after a warning.
    """

    cases: int = 0
    warned: int = 0  # cases in which a contact reached the resident
    dissuaded_evidenced: int = 0  # the resident answered a call or was met
    dissuaded_stated: int = 0  # on another ground: somebody says so
    false_alarms: int = 0
    kept_a: int = 0
    kept_b: int = 0
    kept_c: int = 0
    kept_d: int = 0
    frozen: int = 0
    lost: int = 0
    defrauded_after_warning_30d: int = 0
    defrauded_after_warning_90d: int = 0

    @property
    def avoided_by_class(self) -> dict[str, int]:
        """Loss avoided (fen) by evidence class, "A", "B" and "C"; the estimated class D is left out."""
        return {"A": self.kept_a, "B": self.kept_b, "C": self.kept_c}

    @property
    def estimate(self) -> EstimateInterval:
        """The estimated value of the claims of class D with its interval, in fen."""
        return estimate_of(self.kept_d)


def of_case(case: Case) -> Totals:
    """Return the totals of one case: money in fen, and each number of cases as 0 or 1."""
    kept = dict.fromkeys(EvidenceClass, 0)
    for entry in case.kept.values():
        kept[entry.evidence] += entry.amount_fen
    told = [loss.after_warning_days for loss in case.losses]
    recorded = [fraud.after_warning_days for fraud in recorded_here(case)]
    soonest = min((days for days in (*told, *recorded) if days is not None), default=float("inf"))
    return Totals(
        cases=1,
        warned=int(case.warned_at is not None and case.warned_at >= case.opened_at),
        dissuaded_evidenced=int(dissuaded(case, evidenced=True)),
        dissuaded_stated=int(dissuaded(case, evidenced=False)),
        false_alarms=int(case.outcome is Outcome.FALSE_ALARM),
        kept_a=kept[EvidenceClass.A],
        kept_b=kept[EvidenceClass.B],
        kept_c=kept[EvidenceClass.C],
        kept_d=kept[EvidenceClass.D],
        frozen=sum(frozen_amounts(case).values()),
        lost=not_recovered(case, {}),
        defrauded_after_warning_30d=int(soonest <= 30),
        defrauded_after_warning_90d=int(soonest <= 90),
    )


def recorded_here(case: Case) -> list[RecordedFraud]:
    """Return the frauds recorded by the police that count in this case: those with its number, but not one that
    happened before a resident's second or later case was opened.
    """
    since = case.opened_at if case.number > 1 else None
    return [each for each in case.frauds if each.number == case.number and not (since and each.happened_at < since)]


def dissuaded(case: Case, *, evidenced: bool) -> bool:
    """Return True if the resident was dissuaded on a ground of the given kind; False without a ground.

    `evidenced` True: the resident answered a call or was met. `evidenced` False: a person only stated the ground.
    """
    return case.outcome is Outcome.DISSUADED and case.ground is not None and case.ground.evidenced is evidenced


def added(before: Case | None, after: Case) -> Mapping[str, int]:
    """Return the change of each field of Totals, by name, when a case's version `before` (None: it is new) is replaced
    by `after`; unchanged fields are included with 0.

    Return an empty mapping if no field of the case has changed from which Totals are computed.
    """
    if before is not None and after.same_objects(before, *_BOOKED):
        return {}
    old = of_case(before) if before is not None else Totals()
    return {name: value - getattr(old, name) for name, value in of_case(after)._asdict().items()}


def safe(case: Case, transfer: str) -> bool:
    """Return True if a payment's money certainly stayed with the resident, came back, or is frozen by a bank, wholly or
    in part (class A or B): no stop is needed. `transfer`: the payment's. False also if the case has no such payment or
    an earlier case has booked its money, and for a traced account, even if its money is frozen.
    """
    kept = case.kept.get(transfer)
    return kept is not None and kept.evidence in _CONFIRMED


def not_recovered(case: Case, held: Mapping[str, int]) -> int:
    """Return the fen that are lost, at least 0: the reported losses less the money that banks kept or hold.

    Losses are reported by transfer, in one sum without a transfer, and by the police's records. All three may be about
    the same money, so only the largest of them counts. `held`: the fen that banks hold, by payment. They reduce the
    loss of that payment only, and the sum without a transfer and the police's, which are of all payments.
    """
    confirmed = {name: kept.amount_fen for name, kept in case.kept.items() if kept.evidence in _CONFIRMED}
    told = {loss.id: loss.amount_fen for loss in case.losses}
    on_record = sum(fraud.loss_fen or 0 for fraud in recorded_here(case))
    in_one_sum = max(told.pop(UNNAMED, 0), on_record) - sum(confirmed.values()) - sum(held.values())
    by_transfer = sum(max(0, fen - confirmed.get(name, 0) - held.get(name, 0)) for name, fen in told.items())
    return max(0, in_one_sum, by_transfer)


def fold(events: Iterable[CaseEvent]) -> Totals:
    """Return the totals of all cases in a journal (money in fen), each case in its highest version. The events may be
    in any order and repeated.
    """
    latest: dict[str, Case] = {}
    for event in events:
        known = latest.get(event.case.id)
        if known is None or event.case.version > known.version:
            latest[event.case.id] = event.case
    return total(of_case(case) for case in latest.values())


def total(parts: Iterable[Totals]) -> Totals:
    """Return the sum of several Totals (`parts`), field by field; all zeros for none."""
    columns = zip(*parts, strict=True)
    return Totals(*(sum(column) for column in columns))


def with_loss_avoided(case: Case, transfer: str, evidence: EvidenceClass, amount_fen: int) -> Case:
    """Return a copy of the case with money (fen) booked as loss avoided: at most the payment's amount, under the best
    evidence class so far; within a class, the larger amount.

    The case itself if the amount is not above 0, if the payment is unknown or was booked in an earlier case, or if its
    stop was overturned and nobody has ordered another one since.
    """
    payment = own_payment(case, transfer)
    amount = min(amount_fen, payment.amount_fen) if payment else 0
    if amount <= 0 or _not_booked(case, transfer):
        return case
    claim, known = LossAvoided(evidence=evidence, amount_fen=amount), case.kept.get(transfer)
    best = min(filter(None, (claim, known)), key=_rank)
    return balanced(case.model_copy(update={"kept": {**case.kept, transfer: best}}))


def _rank(kept: LossAvoided) -> tuple[str, int]:
    return kept.evidence.value, -kept.amount_fen


def with_frozen(case: Case, transfer: str, amount_fen: int) -> Case:
    """Return a copy of the case with money (fen) booked as frozen by a bank, of a payment or in a traced account
    (`transfer`: of its entry in `Case.traced`): the largest reported amount, beside what was returned before the money
    was frozen anew; but no more than there may be (`whole_fen`).

    The case itself if this changes nothing, if the case has no such transfer, if an earlier case has booked it, or if
    its stop was overturned and nobody has ordered another one since.
    """
    return _with_more(case, transfer, frozen_in_all(case, transfer, amount_fen), "frozen", "frozen_beyond")


def _with_more(case: Case, transfer: str, amount_fen: int, own: str, beyond: str) -> Case:
    """Return a copy of the case with a greater amount (fen) of a transfer in its field `own`, or, for a traced account,
    in `beyond`; the case itself if nothing changes. Limits: see `with_frozen`.
    """
    held = find(case, transfer)
    if held is None:
        return case
    name = own if held.movement is None else beyond
    known: dict[str, int] = getattr(case, name)
    amount = min(amount_fen, whole_fen(held))
    if amount <= known.get(transfer, 0) or _not_booked(case, transfer):
        return case
    return case.model_copy(update={name: {**known, transfer: amount}})


def frozen_in_all(case: Case, transfer: str, amount_fen: int) -> int:
    """Return how much (fen) of a transfer a bank has frozen in all if it reports `amount_fen` as frozen: with what it
    had returned before the money was frozen anew. 0 for a report without an amount.
    """
    former = case.former_freezes.get(transfer)
    return amount_fen + former.returned_fen if amount_fen and former else amount_fen


def without_stopped(case: Case, transfers: Collection[str]) -> Case:
    """Return a copy of the case without the money that banks kept, froze or returned for these transfers, because the
    stop was wrong; the case unchanged if there is none.
    """
    kept = {
        name: entry for name, entry in case.kept.items() if name not in transfers or entry.evidence not in _CONFIRMED
    }
    frozen = {name: amount for name, amount in case.frozen.items() if name not in transfers}
    returned = {name: amount for name, amount in case.returned.items() if name not in transfers}
    beyond = {
        name: {transfer: each for transfer, each in getattr(case, name).items() if transfer not in transfers}
        for name in ("frozen_beyond", "returned_beyond", "unfrozen", "unfrozen_beyond", "former_freezes")
    }
    changed = {"kept": kept, "frozen": frozen, "returned": returned, **beyond}
    if all(getattr(case, name) == left for name, left in changed.items()):
        return case
    return balanced(case.model_copy(update=changed))


def with_returned(case: Case, transfer: str, amount_fen: int) -> Case:
    """Return a copy of the case with money (fen) recorded as returned by a bank, of a payment or from a traced account:
    the largest reported amount. The limit, and when the case itself is returned: see `with_frozen`.
    """
    return _with_more(case, transfer, amount_fen, "returned", "returned_beyond")


def with_loss(case: Case, transfer: str | None, amount_fen: int, at: datetime) -> Case:
    """Return a copy of the case with a loss (fen) booked. A transfer has one loss: of all reports about it, the largest
    amount, limited to the payment's if the case has that payment, and the earliest time. How many days the loss came
    after the warning stays as first booked.

    `transfer`: None if unknown; all such reports are about the same money. That of a traced account counts as unknown,
    because what the account holds came from the case's payments. The transfer's loss avoided of class C (the resident
    named the payment) or D (estimated) is removed, that of A and B (confirmed by the bank) stays, and the case's
    estimate (D) is computed anew. Returns the case itself if an earlier case has booked the transfer, or if at least
    this amount is booked already, at this or an earlier time.
    """
    traced = any(account.transfer == transfer for account in case.traced)
    name = UNNAMED if transfer is None or traced else transfer
    payment = own_payment(case, name)
    amount = min(amount_fen, payment.amount_fen) if payment else amount_fen
    known = next((loss for loss in case.losses if loss.id == name), None)
    if booked_earlier(case, name) or (known and known.amount_fen >= amount and known.at <= at):
        return case
    first = min(at, known.at) if known else at
    loss = Loss(
        id=name,
        amount_fen=max(amount, known.amount_fen if known else 0),
        at=first,
        after_warning_days=known.after_warning_days if known else _days_after_warning(case, first),
    )
    others = [other for other in case.losses if other.id != name]
    return balanced(case.model_copy(update={"losses": sorted([*others, loss], key=attrgetter("id"))}))


def _days_after_warning(case: Case, at: datetime) -> float | None:
    if case.warned_at is None or at < case.warned_at:
        return None
    return (at - case.warned_at) / timedelta(days=1)


def balanced(case: Case) -> Case:
    """Return the case with its loss avoided of classes C and D corrected by its losses and settled transfers; the case
    itself if nothing changes.

    Entries of class C and D whose money was lost or settled are removed. For a dissuaded resident an estimate (D, in
    fen) is added: the exposure that screening found, less all money kept (A to C) and lost, times the probability of
    fraud that screening found before anybody intervened. The outcome cannot show how likely the loss was: nearly
    everybody who is reached is recorded as dissuaded, even those who would have stopped anyway (in one county 99.91 %
    were "dissuaded", and 5.8 % of these were defrauded).
    """
    lost = {loss.id for loss in case.losses}
    settled = {payment.transfer for payment in case.payments if payment.state is TransferState.SETTLED}
    kept = {
        name: entry
        for name, entry in case.kept.items()
        if name != EXPOSURE and (entry.evidence in _CONFIRMED or name not in lost | settled)
    }
    left = case.danger.exposure_fen - sum(entry.amount_fen for entry in kept.values()) - not_recovered(case, {})
    expected = round(left * case.danger.probability)
    if case.outcome is Outcome.DISSUADED and expected > 0:
        kept[EXPOSURE] = LossAvoided(evidence=EvidenceClass.D, amount_fen=expected)
    return case if kept == case.kept else case.model_copy(update={"kept": kept})


def booked_transfers(case: Case) -> list[str]:
    """Return the names of the transfers booked in this case or an earlier one, sorted. A later case books none of them
    again.

    Money held in a stopped or frozen account counts as booked. Money in accounts beyond the payees' counts for the
    payments from which it may come. A payment that was reported and that a feed delivered too is listed under both
    names.
    """
    held = (payment.transfer for payment in case.payments if _held(payment))
    names = {*case.booked_before, *case.kept, *case.frozen, *held, *(loss.id for loss in case.losses)}
    for account in case.traced:
        if account.transfer in case.frozen_beyond or account.transfer in case.returned_beyond or _held(account):
            names |= {payment.transfer for payment in paid_into(case, account)}
    names |= {payment.feed for payment in case.payments if payment.feed and payment.transfer in names}
    return sorted(names - {EXPOSURE, UNNAMED})


def paid_into(case: Case, account: Payment) -> list[Payment]:
    """Return the case's payments whose money may have reached the account `account.payee`, to which it went on from a
    payee. The earliest payment comes first, by the payments' own times. Only the ways in banks' statements count, not
    the times in them, because banks' clocks differ. If no way is known, as after an erasure, the result is all payments
    of the case that were made, not only attempted.
    """
    payers: defaultdict[str, set[str]] = defaultdict(set)
    for stated in case.movements:
        moved = stated.movement
        if moved.executed and moved.payee and moved.payer.token not in case.accounts:
            payers[moved.payee.token].add(moved.payer.token)
    passed, waiting = {account.payee}, [account.payee]
    while waiting:
        new = payers[waiting.pop()] - passed
        passed |= new
        waiting += new
    made = sorted((each for each in case.payments if each.state is not TransferState.ATTEMPTED), key=attrgetter("at"))
    return [payment for payment in made if payment.payee in passed] or made


def _held(payment: Payment) -> bool:
    stop = payment.stop
    return stop is not None and bool(stop.there_fen) and (stop.in_force or stop.state is StopState.FROZEN)


def booked_earlier(case: Case, transfer: str) -> bool:
    """Return True if an earlier case of the resident has booked a transfer, under its own name or the feed's."""
    payment = own_payment(case, transfer)
    return not {transfer, payment.feed if payment else None}.isdisjoint(case.booked_before)


def upheld_at(case: Case, transfer: str) -> datetime | None:
    """Return the time at which an objection to a stop of the transfer's account was last upheld; None if none was."""
    same = _same_account(case, transfer)
    upheld = (each for each in case.objections if each.state is ObjectionState.UPHELD and each.transfer in same)
    return max((each.decided_at for each in upheld if each.decided_at), default=None)


def _not_booked(case: Case, transfer: str) -> bool:
    """Return True if no kept, frozen or returned money may be booked for a transfer: an earlier case has booked it, or
    the stop of its account was overturned and no person has ordered another stop since.
    """
    if booked_earlier(case, transfer):
        return True
    upheld = upheld_at(case, transfer)
    return upheld is not None and not _ordered_since(case, transfer, upheld)


def _ordered_since(case: Case, transfer: str, since: datetime) -> bool:
    """Return True if an order on the transfer's account was asked for after `since` and is approved or handed over. Any
    approved order counts, because an upheld objection overturns all approved orders before it.
    """
    same = _same_account(case, transfer)
    orders = [order for order in case.orders if order.transfer in same]
    return any(
        order.state is OrderState.APPROVED or (order.state is OrderState.HANDED_OVER and order.asked_at > since)
        for order in orders
    )


def _same_account(case: Case, transfer: str) -> set[str]:
    """Return the names of the case's payments and traced accounts with the transfer's account; after an erasure only
    the transfer itself.
    """
    known = [*case.payments, *case.traced]
    payees = {each.payee for each in known if each.transfer == transfer and each.payee != WITHHELD}
    return {transfer, *(each.transfer for each in known if each.payee in payees)}


def own_payment(case: Case, transfer: str) -> Payment | None:
    """Return the resident's own payment with this transfer; None if the case has none, also for a traced account."""
    return next((payment for payment in case.payments if payment.transfer == transfer), None)
