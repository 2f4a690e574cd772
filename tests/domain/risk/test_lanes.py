"""Which signals go ahead."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk.lanes import FRESH, LEAST_FEN, urgent
from schemas.levels import Level
from schemas.risk.signals import AppKind, NumberClass, Signal, TransferState, Watch, WatchState
from tests.domain.risk.riskworld import NOW, SUSPECT, app, call, evidence, report, risk, sms, transfer

SUSPICIOUS = (NumberClass.OVERSEAS, NumberClass.GOIP, NumberClass.SPOOFED)
MOVING = (TransferState.ATTEMPTED, TransferState.PENDING)
WATCH = Watch(source="police", id="w", at=NOW, subject="phone", value="+8619900000009", state=WatchState.CONFIRMED)


@pytest.mark.parametrize(
    "signal",
    [
        *(transfer(state=state, fen=LEAST_FEN) for state in MOVING),
        *(call(kind=kind, ongoing=True) for kind in SUSPICIOUS),
        call(kind=NumberClass.GOIP),
        call(kind=NumberClass.SPOOFED),
        app(AppKind.MEETING),
        report(),
        WATCH,
    ],
)
def test_what_may_be_red_now_goes_ahead(signal: Signal) -> None:
    assert urgent(signal)


@pytest.mark.parametrize(
    "signal",
    [
        transfer(state=TransferState.SETTLED),
        call(kind=NumberClass.OVERSEAS),
        transfer(state=TransferState.ATTEMPTED, new=True, fen=LEAST_FEN - 1),
        call(kind=NumberClass.ORDINARY, ongoing=True),
        call(kind=NumberClass.HOTLINE),
        app(AppKind.LOAN),
        sms(),
    ],
)
def test_ordinary_life_waits(signal: Signal) -> None:
    assert not urgent(signal)


def test_what_a_feed_sends_hours_later_is_not_now() -> None:
    moving = transfer(ago=0, state=TransferState.PENDING, fen=LEAST_FEN)
    assert urgent(moving.model_copy(update={"arrived": NOW + FRESH}))
    assert not urgent(moving.model_copy(update={"arrived": NOW + FRESH + timedelta(seconds=1)}))


def test_a_long_call_is_as_fresh_as_its_end() -> None:
    ended = call(ago=120, seconds=7100)
    assert urgent(ended.model_copy(update={"arrived": NOW}))


@given(st.sampled_from([transfer(), *(app(kind) for kind in AppKind), sms(), call()]))
def test_a_signal_that_waits_is_not_red_by_itself(signal: Signal) -> None:
    watch = SUSPECT if signal.kind == "transfer" else None
    found = risk(evidence(signal, watch=watch)).danger
    assert urgent(signal) or found is None or found.level is not Level.RED
