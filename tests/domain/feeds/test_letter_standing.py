"""What was done with a dead letter decides how it stands: the first act of the log that may, and no later one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feeds.dead_letters import (
    LEASE,
    Act,
    DeadLetterFilter,
    DeadLetterStatus,
    DeadLetterSummary,
    State,
    follow,
    kind_of_reason,
    masked,
    may_send,
    status_after,
)
from schemas.administration.audit import AuditEntry

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


def act(do: Act, digest: str = "d1", by: str = "operator-1", after: timedelta = timedelta(0)) -> AuditEntry:
    return AuditEntry(on="signals/0/1", act=do, by=by, reason="a test", at=NOW + after, detail=digest)


acts = st.builds(
    act, st.sampled_from(Act), st.sampled_from(["d1", "d2"]), after=st.timedeltas(timedelta(0), timedelta(hours=1))
)


def listed(**other: object) -> DeadLetterSummary:
    usual = {"id": "signals/0/1", "source": "bank", "topic": "signals", "at": NOW, "why": "payer: Missing", "size": 2}
    return DeadLetterSummary(**{**usual, "offset": 7, **other})  # type: ignore[arg-type]  # a builder's fields


def test_a_letter_that_was_dropped_is_not_sent() -> None:
    found = status_after([act(Act.DROPPED), act(Act.SENDING), act(Act.SENT)])
    assert (found.state, may_send(found, "d1", NOW)) == (State.DROPPED, False)


def test_a_letter_that_is_being_sent_is_not_dropped() -> None:
    assert status_after([act(Act.SENDING), act(Act.DROPPED), act(Act.SENT)]).state is State.SENT


def test_of_two_who_mend_a_letter_at_once_the_first_sends_it() -> None:
    found = status_after([act(Act.SENDING, "d1", "a"), act(Act.SENDING, "d2", "b")])
    assert found.act is not None
    assert (found.act.by, may_send(found, "d1", NOW), may_send(found, "d2", NOW)) == ("a", True, False)


def test_a_sending_that_was_broken_off_may_be_taken_up_by_another() -> None:
    broken_off = status_after([act(Act.SENDING, "d1")])
    assert may_send(broken_off, "d2", NOW + LEASE)
    assert status_after([act(Act.SENDING, "d1"), act(Act.SENDING, "d2", "b", LEASE)]).act == act(
        Act.SENDING, "d2", "b", LEASE
    )


@given(st.lists(acts), st.lists(acts))
def test_what_has_ended_stays_as_it_ended(earlier: list[AuditEntry], later: list[AuditEntry]) -> None:
    before = status_after(earlier)
    after = status_after([*earlier, *later])
    if before.state in (State.SENT, State.DROPPED):
        assert after == before


@given(st.lists(acts))
def test_nothing_is_sent_that_nobody_began_to_send(done: list[AuditEntry]) -> None:
    found = DeadLetterStatus()
    for each in done:
        before, found = found, follow(found, each)
        if found.state is State.SENT and before.state is not State.SENT:
            assert before.state is State.SENDING


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (DeadLetterFilter(), True),
        (DeadLetterFilter(source="bank", topic="signals", reason="MISSING"), True),
        (DeadLetterFilter(source="carrier"), False),
        (DeadLetterFilter(since=NOW), True),
        (DeadLetterFilter(until=NOW), False),
        (DeadLetterFilter(state=State.DROPPED), False),
    ],
)
def test_a_filter_means_the_letters_that_fit_all_that_it_names(wanted: DeadLetterFilter, fits: bool) -> None:
    assert wanted.fits(listed(), State.OPEN) is fits


def test_a_letter_whose_sending_was_broken_off_is_listed_among_the_open_ones() -> None:
    assert DeadLetterFilter().fits(listed(), State.SENDING)


def test_reasons_that_differ_in_a_place_only_are_counted_together() -> None:
    assert kind_of_reason("not JSON: line 1, column 17") == kind_of_reason("not JSON: line 2, column 3")


@given(st.text(), st.text())
def test_what_is_masked_holds_no_number_of_five_digits_and_no_name(before: str, after: str) -> None:
    told = masked(f"{before}某某 199 0000 0001{after}")
    assert told.isascii() is False
    assert "某" not in told
    assert "0000" not in told


@pytest.mark.parametrize(
    "given",
    [
        "<Nm>Erika Example</Nm>",
        "<a:Nm x=''>Erika\nExample</a:Nm>",
        "<AdrLine>Erika, 12 Example Lane</AdrLine>",
        "<Nm><![CDATA[Erika Example]]></Nm>",
        "<Ustrd>for Erika Example",
    ],
)
def test_what_is_masked_holds_no_name_in_latin_letters_of_an_iso_20022_message(given: str) -> None:
    told = masked(f"<Cdtr>{given}</Cdtr><EndToEndId>E2E-1</EndToEndId>")
    assert "Erika" not in told
    assert "Example" not in told
    assert told.endswith("<EndToEndId>E2E-1</EndToEndId>")
