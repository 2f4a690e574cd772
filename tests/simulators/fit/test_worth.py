"""The features of which weights are learnt add up to what the policy itself says."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk.weigh import Scene, evidence_bits
from schemas.risk.evidence import Evidence
from schemas.risk.signals import AppKind, NumberClass, TransferState
from simulators.fit.worth import LONG, MOVING, SHARE, of_kind, set_by_hand, together, worth
from tests.domain.risk.riskworld import (
    NOW,
    REPORTED,
    RULES,
    SUSPECT,
    app,
    call,
    evidence,
    profile,
    report,
    sms,
    transfer,
)

BITS = set_by_hand(RULES)
SOME = [
    *evidence(*(call(ago, seconds, kind, f"c{ago}") for ago, seconds, kind in (
        (10, 60, NumberClass.GOIP), (50, 2400, NumberClass.OVERSEAS), (4000, 30, NumberClass.SPOOFED)
    ))),
    *evidence(call(7, 400, NumberClass.GOIP, "live", ongoing=True), sms(), sms(90, uid="s2"), report()),
    *evidence(*(app(kind, ago, f"a{ago}") for kind, ago in zip(AppKind, (5, 20, 700, 3000, 40, 900, 9), strict=True))),
    *evidence(transfer(4, uid="t1"), transfer(6, uid="t2", balance=None)),
    *evidence(transfer(3, TransferState.PENDING, uid="t3"), watch=SUSPECT),
    *evidence(transfer(400, uid="t4", new=False), watch=REPORTED),
]  # fmt: skip


def scene(members: list[Evidence], after: timedelta = timedelta(0)) -> Scene:
    ordered = tuple(sorted(members, key=lambda member: (member.at, member.id)))
    return Scene(ordered, profile(), RULES, NOW + after, None)


def summed(here: Scene) -> float:
    return math.fsum(BITS[name] * value for name, value in worth(here).items())


@given(st.lists(st.sampled_from(SOME), unique_by=lambda member: member.id), st.integers(0, 20_000))
def test_the_products_add_up_to_the_policys_own_bits(members: list[Evidence], minutes: int) -> None:
    here = scene(members, timedelta(minutes=minutes))
    assert summed(here) == pytest.approx(evidence_bits(here))


def test_nothing_known_is_worth_nothing() -> None:
    assert worth(scene([])) == {}


def test_a_long_call_a_moving_payment_and_its_share_are_features_of_their_own() -> None:
    found = worth(scene(evidence(call(40, 2400))))
    assert found[LONG] == pytest.approx(found[of_kind(evidence(call())[0].kind)])
    moving = worth(scene(evidence(transfer(1, TransferState.PENDING, new=False), watch=SUSPECT)))
    assert moving[MOVING] > 0.99
    assert worth(scene(evidence(transfer(0))))[SHARE] == pytest.approx(0.8)


def test_a_pair_that_belongs_together_is_a_feature_that_fades() -> None:
    pair = evidence(call(10, 60), transfer(8))
    assert 0.9 < worth(scene(pair))[together(0)] <= 1
    assert worth(scene(pair, timedelta(days=3)))[together(0)] < 0.2
