"""The shield after a loss: similar signals are raised at lower odds, and nothing else is."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk import Assessment, assess
from domain.risk.shield import shield_bits
from domain.risk.weigh import Scene
from schemas.codes.danger import LostBefore
from schemas.levels import Level
from schemas.risk.evidence import Evidence, PriorLoss
from schemas.risk.signals import AppKind, NumberClass
from tests.domain.builders import policy
from tests.domain.risk.riskworld import NOW, PROFILES, app, call, evidence, minutes_ago, profile, sms, transfer

RULES = policy().risk
UNSHIELDED = RULES.model_copy(update={"shield": None})
END = NOW + timedelta(days=80)
LOSS = PriorLoss(at=NOW - timedelta(days=10), scam_type="loan", shielded_until=END)
SHORT_CALL = evidence(call(kind=NumberClass.GOIP))


def shielded(members: list[Evidence], lost: PriorLoss | None = LOSS, at: datetime = NOW) -> Assessment:
    return assess(members, profile(), RULES, at, None, lost)


def level(members: list[Evidence], lost: PriorLoss | None = LOSS, at: datetime = NOW) -> Level | None:
    found = shielded(members, lost, at).danger
    return found.level if found else None


def is_lowered(assessment: Assessment) -> bool:
    return assessment.danger is not None and any(isinstance(each, LostBefore) for each in assessment.danger.reasons)


@pytest.mark.parametrize("number", [NumberClass.GOIP, NumberClass.SPOOFED])
def test_one_short_scam_call_is_yellow_after_a_loss_and_blue_without_one(number: NumberClass) -> None:
    members = evidence(call(kind=number))
    for who in PROFILES:
        unshielded, after_loss = (assess(members, who, RULES, NOW, None, lost).danger for lost in (None, LOSS))
        assert [each and each.level for each in (unshielded, after_loss)] == [Level.BLUE, Level.YELLOW]


def test_the_first_reason_says_since_when_and_until_when() -> None:
    danger = shielded(SHORT_CALL).danger
    assert danger is not None
    assert danger.reasons[0] == LostBefore(LOSS.at, END)


def test_the_probability_says_how_likely_this_fraud_is_and_not_how_low_the_threshold_is() -> None:
    plain, after_loss = (shielded(SHORT_CALL, lost).danger for lost in (None, LOSS))
    assert plain is not None
    assert after_loss is not None
    assert after_loss.level is not plain.level
    assert after_loss.probability == pytest.approx(plain.probability)


def test_the_thresholds_rise_again_as_the_similar_signal_fades() -> None:
    half = RULES.evidence[SHORT_CALL[0].kind].half_life
    bits = [_lower_by(half * halves) for halves in (0, 1, 4)]
    assert bits == pytest.approx([2.0, 1.0, 0.125])


def test_a_signal_that_was_known_before_the_case_was_settled_lowers_them_by_the_residual_only() -> None:
    assert _lower_by(timedelta(0), settled=NOW) == pytest.approx(2.0 * RULES.residual)


def _lower_by(age: timedelta, settled: datetime | None = None) -> float:
    """The bits by which thresholds are lower so long after the short call."""
    members = tuple(member.model_copy(update={"at": NOW - age, "seconds": 0}) for member in SHORT_CALL)
    return shield_bits(Scene(members, profile(), RULES, NOW, settled, LOSS))


def test_a_policy_without_a_shield_lowers_nothing() -> None:
    danger = assess(SHORT_CALL, profile(), UNSHIELDED, NOW, None, LOSS).danger
    assert danger == assess(SHORT_CALL, profile(), UNSHIELDED, NOW).danger


@pytest.mark.parametrize(
    ("lost", "at", "lowered"),
    [
        (LOSS, END - timedelta(milliseconds=1), True),
        (LOSS, END, False),
        (LOSS.model_copy(update={"shielded_until": None}), NOW, False),
        (LOSS.model_copy(update={"shielded_until": NOW + timedelta(days=900)}), LOSS.at + timedelta(days=89), True),
        (LOSS.model_copy(update={"shielded_until": NOW + timedelta(days=900)}), LOSS.at + timedelta(days=90), False),
    ],
    ids=["the last moment", "the end", "no shield then", "longer then than now", "the policy's own end"],
)
def test_the_shield_ends_at_its_end_and_at_the_policys(lost: PriorLoss, at: datetime, lowered: bool) -> None:
    fresh = [member.model_copy(update={"at": at - timedelta(minutes=5)}) for member in SHORT_CALL]
    assert is_lowered(shielded(fresh, lost, at)) is lowered


def test_evidence_of_the_loss_itself_is_not_a_new_signal() -> None:
    before = LOSS.model_copy(update={"at": minutes_ago(5)})
    assert level(SHORT_CALL, before) is Level.BLUE


def test_a_kind_that_the_policy_does_not_name_counts_if_it_points_to_the_same_scam() -> None:
    loan = evidence(app(AppKind.LOAN))
    other = LOSS.model_copy(update={"scam_type": "romance"})
    assert is_lowered(shielded(loan))
    assert not is_lowered(shielded(loan, other))


def test_a_payment_to_somebody_new_alone_is_no_similar_signal() -> None:
    members = evidence(transfer())
    assert level(members) is level(members, None)
    assert not is_lowered(shielded(members))


def test_the_shield_alone_opens_no_case_however_old_the_signal() -> None:
    faded = [member.model_copy(update={"at": NOW - timedelta(days=9)}) for member in SHORT_CALL]
    assert level(faded) is None


@given(st.permutations(evidence(call(), sms(), app(AppKind.LOAN), transfer())), st.integers(0, 100))
def test_it_depends_on_the_set_and_never_lowers_a_level(members: list[Evidence], days: int) -> None:
    lost = replace_at(LOSS, NOW - timedelta(days=days))
    first = shielded(members, lost)
    assert first == shielded(sorted(members, key=lambda each: each.id) + members[:1], lost)
    plain = shielded(members, None)
    assert (first.danger.level.rank if first.danger else 0) >= (plain.danger.level.rank if plain.danger else 0)


def replace_at(lost: PriorLoss, at: datetime) -> PriorLoss:
    return lost.model_copy(update={"at": at, "shielded_until": at + timedelta(days=90)})
