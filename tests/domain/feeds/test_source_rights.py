"""Which source may send what: nobody but the centre's own sources confirms a suspect for everybody."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feeds.source_rights import (
    DECISIONS,
    EVERY,
    NO_DECISIONS,
    USUAL,
    SourceRight,
    refusal,
    rights_of_sources,
)
from schemas.risk.signals import NumberVerdict, Report, Signal, Sms, Watch, WatchState
from streams.messaging.sources import CONSOLE

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)


def sms(source: str) -> Sms:
    return Sms(source=source, id="s", at=NOW, sender="1", receiver="+8619900000001")


def report(source: str) -> Report:
    return Report(source=source, id="r", at=NOW, phone="+8619900000001")


def watch(source: str, state: WatchState = WatchState.CONFIRMED) -> Watch:
    if state is WatchState.RATED:
        rated = {"verdict": NumberVerdict.SCAM, "until": NOW + timedelta(days=1)}
        return Watch(source=source, id="w", at=NOW, subject="phone", value="+8614200000009", state=state, **rated)
    return Watch(source=source, id="w", at=NOW, subject="account", value="6222000000000003", state=state)


@pytest.mark.parametrize("state", WatchState)
def test_a_source_that_is_not_named_may_neither_confirm_nor_lift_but_it_may_report(state: WatchState) -> None:
    for rights in (NO_DECISIONS, rights_of_sources(""), rights_of_sources("police:all")):
        assert rights.lacking(watch("bank-x", state)) is SourceRight(state)
        assert rights.lacking(report("bank-x")) is None
    assert rights_of_sources("police:all").lacking(watch("police", state)) is None


def test_each_kind_and_each_grade_is_granted_by_itself() -> None:
    rights = rights_of_sources("bank-x: transfer + report,\nregulator:confirmed,\n*:call")
    assert rights.lacking(report("bank-x")) is None
    assert rights.lacking(sms("bank-x")) is SourceRight.SMS
    assert rights.lacking(watch("regulator")) is None
    assert rights.lacking(watch("regulator", WatchState.LIFTED)) is SourceRight.LIFTED
    assert rights.lacking(report("other")) is SourceRight.REPORT


def test_naming_one_source_leaves_the_others_all_but_decisions() -> None:
    assert rights_of_sources("network:confirmed").lacking(sms("carrier")) is None


def test_the_centre_s_own_people_can_always_report_and_never_confirm_by_the_way() -> None:
    rights = rights_of_sources("*:transfer")
    assert rights.lacking(report(CONSOLE)) is None
    assert rights.lacking(watch(CONSOLE)) is SourceRight.CONFIRMED


def test_the_sources_that_decide_are_told_in_order() -> None:
    assert rights_of_sources("police:all,network:lifted,bank:report").deciding() == ["network", "police"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("police", "entry 1: write SOURCE:RIGHT"),
        ("police:all, Bank:report", "entry 2: write SOURCE:RIGHT"),
        ("bank x:report", "entry 1: write SOURCE:RIGHT"),
        (":all", "entry 1: write SOURCE:RIGHT"),
        ("police:", "is no right"),
        ("police:confirm", "'confirm' is no right. Write transfer, call"),
        ("police:report+", "is no right"),
        ("police:confirmed,police:report", "named twice"),
        ("*:report,*:call", "named twice"),
        ("*:all", "every feed could confirm"),
        ("*:transfer+lifted", "every feed could confirm"),
    ],
)
def test_a_mistyped_entry_is_refused_and_says_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^entry \d: ") as refused:
        rights_of_sources(text)
    assert told in str(refused.value)


@given(st.text(alphabet="abz*:+,.-_ \n\x00A会", max_size=40))
def test_no_text_lets_others_confirm(text: str) -> None:
    try:
        rights = rights_of_sources(text)
    except ValueError:
        return
    assert not rights.others & DECISIONS


def test_every_kind_of_signal_has_a_right() -> None:
    kinds = {each.model_fields["kind"].default for each in get_args(get_args(Signal)[0])}
    assert {*USUAL, "watchlist"} == kinds
    decided = {right.value for right in DECISIONS - {SourceRight.REPORTED_FRAUD}}  # records of frauds are no signals
    assert {state.value for state in WatchState} == decided
    assert USUAL | DECISIONS == EVERY


@pytest.mark.parametrize("right", SourceRight)
def test_a_refusal_says_which_setting_grants_it(right: SourceRight) -> None:
    what, do = refusal(right)
    assert what
    assert "QUANZU_SOURCE_RIGHTS" in do
    assert ("Send a report" in do) == (right in DECISIONS)
