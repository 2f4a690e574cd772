"""What may be lost in a case, in fen, and how much of it goes while nobody comes: for operators and officers alike."""

from datetime import timedelta

from domain.payments.ledger import safe
from domain.policy import Policy
from domain.policy.triage import ScamTalk
from schemas.cases import Case
from schemas.signals import TransferState


def at_stake(case: Case, policy: Policy) -> float:
    """What is expected to be lost if nobody steps in (fen), weighed: money counts more that is all a resident has."""
    stake = case.danger.probability * (to_go(case) + to_come(case, policy))
    there = policy.risk.money.balances[case.profile.balance]
    return stake * (1 + policy.triage.dear * min(1.0, stake / max(1, there)))


def lost_within(case: Case, span: timedelta, policy: Policy) -> float:
    """The share of what is at stake that is gone after `span`."""
    half = scam_of(case, policy).goes
    if case.danger.call_since is not None:
        half = min(half, policy.triage.on_the_line)
    if to_go(case):
        half = min(half, policy.triage.in_flight)
    return float(1 - 0.5 ** (span / half))


def to_go(case: Case) -> int:
    """The money (fen) whose payment has not gone through yet, and which no bank has caught."""
    moving = [payment for payment in case.payments if payment.state is not TransferState.SETTLED]
    return sum(payment.amount_fen for payment in moving if not safe(case, payment.transfer))


def gone(case: Case) -> int:
    """How many payments have gone through."""
    return sum(payment.state is TransferState.SETTLED for payment in case.payments)


def to_come(case: Case, policy: Policy) -> int:
    """What may be asked for beyond the payments that are known (fen): as much as such a scam takes, and is there."""
    known = sum(payment.amount_fen for payment in case.payments)
    return max(0, min(scam_of(case, policy).asks_fen, case.danger.exposure_fen) - known)


def scam_of(case: Case, policy: Policy) -> ScamTalk:
    """How operators meet the case's type of scam."""
    return policy.triage.scams.get(case.danger.scam_type, policy.triage.scam)
