"""Booking money within a decision: changes the ledger and records the facts."""

from collections.abc import Collection

from domain.casework.draft import DecisionBuilder
from domain.payments import ledger
from domain.payments.corrected_amounts import within_payments
from domain.payments.freezes import confirmed_by_freeze, with_unfrozen
from domain.payments.status import frozen_fen
from schemas.casework.acts import LossAvoidedClaim
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.codes.money import LossAvoided, MoneyFrozen, MoneyLost, MoneyUnfrozen, NoLongerAvoided, NotBooked
from schemas.levels import EvidenceClass


def claim(
    draft: DecisionBuilder, claims: list[LossAvoidedClaim], by: str, best: EvidenceClass = EvidenceClass.C
) -> None:
    """Book the loss avoided that a person states (fen), as class C at best, because only banks confirm classes A and B.
    Each changed entry is recorded as a fact; so is, as a NOTE, a statement that changes nothing.

    `by`: the login of the person. `best`: the best class allowed; D if nobody has heard it from the resident.
    """
    for stated in claims:
        evidence = max(stated.evidence, best)
        before = draft.case
        keep(draft, stated.transfer, evidence, stated.amount_fen, by)
        if draft.case is before:
            draft.note(FactKind.NOTE, NotBooked(stated.transfer), by=by)


def keep(
    draft: DecisionBuilder, transfer: str, evidence: EvidenceClass, amount_fen: int, by: str | None = None
) -> None:
    """Book money (fen) of a transfer as loss avoided, with the class `evidence`, and record each changed entry as a
    fact. `by`: the login of the person who stated it, or None.

    No effect for a transfer that the case does not have, or whose entry has better evidence.
    """
    _replace(draft, ledger.with_loss_avoided(draft.case, transfer, evidence, amount_fen), by)


def freeze(draft: DecisionBuilder, transfer: str, amount_fen: int) -> None:
    """Book money (fen) as frozen by a bank, and that of a payment as loss avoided of class A, with facts. That in a
    traced account is booked without a fact: that is up to the caller.

    No effect if as much is booked already, or for a transfer that the case does not have.
    """
    keep(draft, transfer, EvidenceClass.A, confirmed_by_freeze(draft.case, transfer, amount_fen))
    before, after = draft.case, ledger.with_frozen(draft.case, transfer, amount_fen)
    draft.case = after
    if not after.same_objects(before, "frozen"):
        amount = after.frozen[transfer]
        draft.note(FactKind.FROZEN, MoneyFrozen(amount), amount_fen=amount)


def unfreeze(draft: DecisionBuilder, transfer: str, amount_fen: int, *, earlier: bool = False) -> bool:
    """Record that money (fen; 0: all) of a payment or traced account is free again because a freeze has ended, with a
    fact for what was known to be frozen and for each changed entry of loss avoided. Return True if anything changed.
    `earlier`: True if the bank answers an earlier order than the transfer's latest one (see `with_unfrozen`).
    """
    before, after = draft.case, with_unfrozen(draft.case, transfer, amount_fen, earlier=earlier)
    if after is before:
        return False
    _replace(draft, after, None)
    if freed := _frozen(before, transfer) - _frozen(after, transfer):
        draft.note(FactKind.UNFROZEN, MoneyUnfrozen(freed), amount_fen=freed)
    return True


def _frozen(case: Case, transfer: str) -> int:
    return sum(frozen_fen(case, each) for each in (*case.payments, *case.traced) if each.transfer == transfer)


def unbook(draft: DecisionBuilder, transfers: Collection[str]) -> None:
    """Remove the entries of loss avoided that a wrongful stop of these transfers has made, because money that a bank
    stopped or froze there was no loss avoided. A fact records each removed entry.
    """
    _replace(draft, ledger.without_stopped(draft.case, transfers), None)


def book_return(draft: DecisionBuilder, transfer: str, amount_fen: int) -> None:
    """Record in the case that the bank has returned `amount_fen` (fen) of a transfer. No fact is recorded: that is up
    to the caller.

    No effect if as much is recorded already, or if the case does not have this transfer.
    """
    draft.case = ledger.with_returned(draft.case, transfer, amount_fen)


def book_loss(draft: DecisionBuilder, transfer: str | None, amount_fen: int, by: str | None = None) -> None:
    """Book a loss (fen) in the case, with a fact. `transfer`: the payment, or None if it is unknown: all such losses
    are one sum. `by`: the login of the person who reported it, or None.

    The largest amount ever reported counts for a payment, at most its own amount: a second report adds only what is
    more. No effect if as much is booked already, or if an earlier case has booked the payment.
    """
    after = ledger.with_loss(draft.case, transfer, amount_fen, draft.now)
    if after is not draft.case:
        amount = next(loss.amount_fen for loss in after.losses if loss not in draft.case.losses)
        _replace(draft, after, by)
        draft.note(FactKind.LOST, MoneyLost(amount), amount_fen=amount, by=by)


def balance(draft: DecisionBuilder) -> None:
    """Adjust the case's entries of loss avoided of the classes C and D to its outcome, losses and settled payments. A
    fact records each changed entry.
    """
    _replace(draft, ledger.balanced(draft.case), None)


def limit_to_payments(draft: DecisionBuilder) -> None:
    """Reduce booked money and losses that exceed their payment's amount, because a feed has corrected the amount that a
    person stated. A fact records each changed loss, frozen amount and entry of loss avoided.
    """
    before, after = draft.case, within_payments(draft.case)
    if after is before:
        return
    _replace(draft, after, None)
    for loss in after.losses:
        if loss not in before.losses:
            draft.note(FactKind.LOST, MoneyLost(loss.amount_fen), amount_fen=loss.amount_fen)
    for transfer, fen in after.frozen.items():
        if fen != before.frozen[transfer]:
            draft.note(FactKind.FROZEN, MoneyFrozen(fen), amount_fen=fen)


def _replace(draft: DecisionBuilder, after: Case, by: str | None) -> None:
    before, draft.case = draft.case.kept, after
    for transfer, entry in after.kept.items():
        if before.get(transfer) != entry:
            booked = LossAvoided(entry.amount_fen, entry.evidence)
            draft.note(FactKind.KEPT, booked, evidence=entry.evidence, amount_fen=entry.amount_fen, by=by)
    for transfer in before.keys() - after.kept.keys():
        draft.note(FactKind.NOTE, NoLongerAvoided(before[transfer].amount_fen))
