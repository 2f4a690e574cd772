"""Applies the police's record of a fraud to the case of its victim."""

from domain.casework import money
from domain.casework.draft import DecisionBuilder
from domain.casework.endings import defrauded
from domain.dispatches.warnings import days_after_warning
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.casework.frauds import MOST_FRAUDS, RecordedFraud
from schemas.casework.inputs import FraudReport
from schemas.codes.money import MoneyLost
from schemas.codes.plan import FraudAfterWarning, FraudOnRecord, FraudRecordWithdrawn, PoliceRecorded
from schemas.risk.reported_frauds import MatchStrength


def fraud_report(draft: DecisionBuilder, given: FraudReport) -> None:
    """Record a fraud, also in a closed case, replace its earlier version, or remove it if it was withdrawn.

    No effect if the case knows this version with the same content, or a later one. An open case becomes already
    defrauded if the fraud surely happened to the resident after it was opened. Any other is a note for the operator and
    ends no warnings: an earlier fraud, one of unknown time, which may be an old one, or one matched by a single
    identifier. A withdrawal restores no plan that has ended: a note tells the operator.
    """
    case = draft.case
    known = next((each for each in case.frauds if each.id == given.record), None)
    if known is not None and known.version > given.version:
        return
    others = [each for each in case.frauds if each.id != given.record]
    if given.withdrawn:
        if known is not None:
            draft.set(frauds=others)
            draft.note(FactKind.NOTE, FraudRecordWithdrawn())
            money.balance(draft)
        return
    fraud = _fraud(draft, given, known)
    if fraud == known:
        return
    draft.set(frauds=[*others, fraud][-MOST_FRAUDS:])
    _note(draft, fraud)
    money.balance(draft)
    if case.open and _ends_warnings(case, fraud) and not (known and _ends_warnings(case, known)):
        defrauded(draft, PoliceRecorded())


def _fraud(draft: DecisionBuilder, given: FraudReport, known: RecordedFraud | None) -> RecordedFraud:
    return RecordedFraud(
        id=given.record,
        number=known.number if known else draft.case.number,
        version=given.version,
        happened_at=given.happened_at,
        reported_at=given.reported_at,
        loss_fen=given.loss_fen,
        scam_type=given.scam_type,
        dated=given.dated,
        by=given.by,
        strength=given.strength,
        after_warning_days=days_after_warning(draft.case, given.happened_at),
    )


def _ends_warnings(case: Case, fraud: RecordedFraud) -> bool:
    return fraud.dated and fraud.strength is not MatchStrength.FAIR and fraud.happened_at >= case.opened_at


def _note(draft: DecisionBuilder, fraud: RecordedFraud) -> None:
    if fraud.after_warning_days is None:
        draft.note(FactKind.NOTE, FraudOnRecord())
    else:
        draft.note(FactKind.NOTE, FraudAfterWarning(int(fraud.after_warning_days)))
    if fraud.loss_fen:
        draft.note(FactKind.LOST, MoneyLost(fraud.loss_fen), amount_fen=fraud.loss_fen)
