"""Verdicts of other centres about an account: weight, confidence, expiry, and what they can never do."""

from datetime import timedelta

import pytest

from domain.policy.risk import Verdicts
from domain.risk import assess
from domain.risk.evidence import Role, SignalContext, evidence_of
from domain.risk.verdicts import rated_subject
from schemas.levels import Level
from schemas.risk.evidence import Evidence, EvidenceKind, WatchEntry, WatchStatus
from schemas.risk.signals import NumberVerdict
from tests.domain.risk.riskworld import (
    LIFTED,
    NOW,
    PAYEE,
    REPORTED,
    RULES,
    SUSPECT,
    app,
    call,
    evidence,
    profile,
    transfer,
)

CENTRES = RULES.model_copy(update={"verdicts": Verdicts(vendors={"liaoning": 0.8, "jilin-bank": 0.5}, least=0.3)})


def verdict(days: float = 30, confidence: int | None = None, source: str = "liaoning") -> WatchEntry:
    at = NOW - timedelta(days=1)
    return WatchEntry(
        subject=rated_subject(f"account:{PAYEE}", source),
        standing=WatchStatus.RATED,
        at=at,
        verdict=NumberVerdict.SCAM,
        until=at + timedelta(days=days),
        confidence=confidence,
    )


def paid(*rated: WatchEntry, watch: WatchEntry | None = None) -> list[Evidence]:
    seen = SignalContext("signals", 0, 0, Role.PAYER, PAYEE, watch, rated)
    return [each for each in evidence_of(transfer(), seen, CENTRES) if each.kind is not EvidenceKind.NEW_PAYEE]


@pytest.mark.parametrize(("confidence", "share"), [(None, 0.8), (100, 0.8), (50, 0.4)])
def test_a_payment_to_a_rated_account_is_evidence_by_trust_and_confidence(confidence: int | None, share: float) -> None:
    (found,) = paid(verdict(confidence=confidence))
    assert found.kind is EvidenceKind.REPORTED_PAYEE
    assert found.share == pytest.approx(share)
    assert (found.payee, found.campaign) == (PAYEE, f"k-{PAYEE}")


def test_a_low_confidence_stays_below_the_policys_least() -> None:
    assert paid(verdict(confidence=30)) == []


def test_a_verdict_that_has_ended_counts_no_longer() -> None:
    assert paid(verdict(days=0.5)) == []


def test_a_centre_that_the_policy_does_not_name_does_not_count() -> None:
    assert paid(verdict(source="elsewhere")) == []


def test_what_this_centre_decided_takes_precedence() -> None:
    assert [each.kind for each in paid(verdict(), watch=SUSPECT)] == [EvidenceKind.SUSPECT_PAYEE]
    assert all(each.withdrawn for each in paid(verdict(), watch=LIFTED))
    (reported,) = paid(verdict(), watch=REPORTED)
    assert reported.share is None


def test_a_report_of_the_same_payee_takes_the_verdicts_place_and_a_lift_withdraws_it() -> None:
    (rated,) = paid(verdict())
    (reported,) = paid(watch=REPORTED)
    lifted = {each.id: each for each in paid(watch=LIFTED)}
    assert rated.id == reported.id
    assert lifted[rated.id].withdrawn


def test_verdicts_never_make_a_payee_a_confirmed_one_whatever_else_is_known() -> None:
    """Only a confirmed payee is stopped without two persons (test_stop_orders)."""
    members = [*paid(verdict(), verdict(source="jilin-bank")), *evidence(call()), *evidence(app())]
    danger = assess(members, profile(), CENTRES, NOW)
    assert danger.payments
    assert {payment.watched for payment in danger.payments} == {WatchStatus.REPORTED}
    assert danger.danger is not None
    assert danger.danger.level.rank >= Level.ORANGE.rank
