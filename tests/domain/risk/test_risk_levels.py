"""The level table of the policy, example by example, for every kind of resident."""

from datetime import timedelta

import pytest

from domain.risk import Role
from schemas.levels import Level
from schemas.risk.evidence import Evidence, WatchStatus
from schemas.risk.signals import AppKind, CallEnd, NumberClass, Signal, TransferState
from tests.domain.risk.riskworld import (
    NOW,
    PROFILES,
    REPORTED,
    SUSPECT,
    app,
    call,
    evidence,
    level,
    report,
    sms,
    transfer,
)

SCAM_NUMBERS = [NumberClass.OVERSEAS, NumberClass.GOIP, NumberClass.SPOOFED]
MOVING = [TransferState.ATTEMPTED, TransferState.PENDING]


def for_everybody(members: list[Evidence]) -> set[Level | None]:
    """The levels that the same evidence has, whoever it is about."""
    return {level(members, who=who) for who in PROFILES}


any_number = pytest.mark.parametrize("number", SCAM_NUMBERS)


@any_number
def test_one_short_scam_call_is_blue(number: NumberClass) -> None:
    assert for_everybody(evidence(call(kind=number))) == {Level.BLUE}


def test_one_scam_sms_is_blue() -> None:
    assert for_everybody(evidence(sms())) == {Level.BLUE}


@pytest.mark.parametrize("kind", AppKind)
def test_a_scam_app_is_yellow(kind: AppKind) -> None:
    assert for_everybody(evidence(app(kind))) == {Level.YELLOW}


@any_number
@pytest.mark.parametrize("times", [2, 3, 8])
def test_repeated_scam_calls_are_yellow(times: int, number: NumberClass) -> None:
    calls = [call(uid=f"c{n}", ago=10 * n, kind=number) for n in range(1, times + 1)]
    assert for_everybody(evidence(*calls)) == {Level.YELLOW}


@pytest.mark.parametrize("hours", [0.1, 24, 71.9])
def test_a_transfer_to_a_suspect_account_in_the_last_72_hours_is_orange(hours: float) -> None:
    assert for_everybody(evidence(transfer(ago=60 * hours), watch=SUSPECT)) == {Level.ORANGE}


@any_number
def test_a_scam_call_of_over_30_minutes_is_orange(number: NumberClass) -> None:
    assert for_everybody(evidence(call(ago=40, seconds=31 * 60, kind=number))) == {Level.ORANGE}


@pytest.mark.parametrize("state", MOVING)
def test_money_moving_to_a_suspect_account_is_red(state: TransferState) -> None:
    assert for_everybody(evidence(transfer(state=state), watch=SUSPECT)) == {Level.RED}


@any_number
def test_a_live_scam_call_and_a_new_payee_are_red_together(number: NumberClass) -> None:
    live = evidence(call(kind=number, ongoing=True, seconds=0))
    paid = evidence(transfer(fen=500_000, balance=None))
    assert for_everybody(live + paid) == {Level.RED}


def test_neither_a_live_scam_call_nor_a_new_payee_alone_is_orange() -> None:
    assert for_everybody(evidence(call(ongoing=True, seconds=0))) <= {Level.BLUE, Level.YELLOW}
    assert for_everybody(evidence(transfer())) == {None}


def test_a_new_payee_an_hour_after_the_scam_call_is_not_red() -> None:
    assert level(evidence(call(ago=90, seconds=60), transfer(ago=5))) is not Level.RED


def test_a_new_payee_before_the_scam_call_is_not_red() -> None:
    assert level(evidence(call(ago=5), transfer(ago=30))) is not Level.RED


def test_a_payee_that_was_only_reported_is_weaker_than_a_confirmed_one() -> None:
    assert level(evidence(transfer(new=False), watch=REPORTED)) is Level.YELLOW


def test_an_own_report_is_yellow() -> None:
    assert level(evidence(report())) is Level.YELLOW


@pytest.mark.parametrize("signal", [call(kind=NumberClass.HOTLINE, seconds=3600), sms(kind=NumberClass.HOTLINE)])
def test_the_hotline_is_never_evidence_even_when_somebody_reported_its_number(signal: Signal) -> None:
    phone = SUSPECT.model_copy(update={"subject": "phone:p"})
    assert evidence(signal, watch=phone) == []


@pytest.mark.parametrize(
    "signal",
    [
        call(kind=NumberClass.ORDINARY, seconds=7200),
        sms(kind=NumberClass.ORDINARY),
        transfer(new=False),
        transfer(fen=5_000, balance=6_000),
        transfer(fen=200_000, balance=90_000_000),
    ],
)
def test_ordinary_life_is_no_evidence(signal: Signal) -> None:
    assert evidence(signal) == []


def test_calling_a_suspect_number_oneself_is_evidence_and_calling_abroad_is_not() -> None:
    phone = SUSPECT.model_copy(update={"subject": "phone:p"})
    assert level(evidence(call(kind=NumberClass.ORDINARY), watch=phone, role=Role.CALLER)) is Level.YELLOW
    assert evidence(call(kind=NumberClass.OVERSEAS), role=Role.CALLER) == []


@pytest.mark.parametrize("ended", [None, *CallEnd])
def test_a_call_that_never_rang_at_the_residents_telephone_is_no_evidence(ended: CallEnd | None) -> None:
    made = call(kind=NumberClass.SPOOFED).model_copy(update={"ended": ended})
    unreached = (CallEnd.BUSY, CallEnd.WRONG_NUMBER, CallEnd.OUT_OF_AREA, CallEnd.FAILED)
    assert bool(evidence(made)) == (ended not in unreached)


def test_a_resident_who_tries_to_call_a_suspect_is_in_danger_though_the_line_is_busy() -> None:
    phone = SUSPECT.model_copy(update={"subject": "phone:p"})
    made = call(kind=NumberClass.ORDINARY).model_copy(update={"ended": CallEnd.BUSY})
    assert evidence(made, watch=phone) == []
    assert [each.kind for each in evidence(made, watch=phone, role=Role.CALLER)] == ["suspect_caller"]


def test_evidence_fades_until_nothing_is_left_to_alert() -> None:
    short = evidence(call())
    assert level(short) is Level.BLUE
    assert level(short, now=NOW + timedelta(days=7)) is None


def test_a_suspicion_that_was_lifted_is_evidence_no_more() -> None:
    lifted = SUSPECT.model_copy(update={"standing": WatchStatus.LIFTED})
    assert level(evidence(transfer(new=False), watch=lifted)) is None
