"""Step-up: the proofs that a grave act asks for, and when a security key may have been copied."""

from datetime import timedelta

import pytest

from domain.access.accounts import Step, changed, next_step
from domain.access.step_up import FRESH, Proof, SignedInBy, copied, proofs_wanted
from schemas.people.staff import SecurityKey
from tests.domain.access.test_accounts import NOW, account

KEY = SecurityKey(id="a" * 22, public_key="b", counter=0, name="蓝色密钥", added_at=NOW)
LONG = timedelta(hours=3)


@pytest.mark.parametrize("by", SignedInBy)
def test_a_key_comes_first_and_the_authenticator_second_however_one_has_signed_in(by: SignedInBy) -> None:
    both = account(security_keys=[KEY])
    assert proofs_wanted(both, True, by, timedelta(0)) == [Proof.KEY, Proof.CODE]
    assert proofs_wanted(account(), True, by, timedelta(0)) == [Proof.CODE]


def test_where_keys_do_not_work_the_authenticator_is_asked_for() -> None:
    assert proofs_wanted(account(security_keys=[KEY]), False, SignedInBy.KEY, LONG) == [Proof.CODE]


def test_the_provider_s_word_counts_for_five_minutes_for_whoever_has_no_factor_here() -> None:
    bare = account(totp=None)
    assert proofs_wanted(bare, True, SignedInBy.PROVIDER, FRESH - timedelta(seconds=1)) == []
    assert proofs_wanted(bare, True, SignedInBy.PROVIDER, FRESH) == [Proof.SIGN_IN]
    assert proofs_wanted(bare, True, SignedInBy.PROVIDER, timedelta(seconds=-1)) == [Proof.SIGN_IN]  # a clock went back


@pytest.mark.parametrize("by", [SignedInBy.PASSWORD, SignedInBy.KEY])
def test_a_password_alone_is_no_proof(by: SignedInBy) -> None:
    assert proofs_wanted(account(totp=None), True, by, timedelta(0)) == [Proof.SIGN_IN]


def test_a_guest_of_a_demo_is_not_asked() -> None:
    assert proofs_wanted(account(totp=None), True, SignedInBy.DEMO, LONG) == []


@pytest.mark.parametrize(
    ("before", "shown", "wrong"),
    [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)],
)
def test_a_counter_that_does_not_rise_betrays_a_copy(before: int, shown: int, wrong: bool) -> None:
    assert copied(before, shown) is wrong


def test_a_sign_in_asks_for_the_key_of_whoever_has_no_authenticator() -> None:
    keyed = account(totp=None, security_keys=[KEY])
    assert next_step(keyed, proved=False) is Step.CODE
    assert next_step(keyed, proved=True) is Step.SET_UP


def test_removing_a_key_ends_all_sessions() -> None:
    assert changed(account(security_keys=[KEY]), "wang", NOW, security_keys=[]).epoch == 1
    assert changed(account(security_keys=[KEY]), "wang", NOW, station="南关所").epoch == 0
