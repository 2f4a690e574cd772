"""The journal folded: what a partition's store must be, whatever was published twice, and where a log began anew."""

import pytest
from pydantic import ValidationError

from domain.identity import new_resident_id
from schemas.events import CaseEvent, StandingEvent, journal_adapter
from streams.journal import Entry, Folded, applied
from tests.dispatched import NOW, case_of, dispatch_for


def decided(number: int, offset: int) -> CaseEvent:
    """A case opened by the input at this offset."""
    case = case_of(dispatch_for(new_resident_id(number.to_bytes(10))))
    return CaseEvent(
        id=f"e-{number}",
        input=f"i-{number}",
        input_kind="alert",
        partition=0,
        offset=offset,
        at=NOW,
        case=case,
        facts=[],
    )


def stands(name: str, offset: int, policy: str, *, anew: bool = False) -> StandingEvent:
    return StandingEvent(input=name, partition=0, offset=offset, at=NOW, policy=policy, anew=anew)


def folded(*entries: Entry) -> Folded:
    found = Folded()
    for entry in entries:
        found.add(entry)
    return found


def test_entries_published_again_and_out_of_order_stand_where_the_highest_does() -> None:
    found = folded(decided(2, 9), decided(1, 4), stands("p", 5, "new"), stands("q", 3, "old"), decided(2, 9))
    assert found.offset == 9
    assert found.standing is not None
    assert found.standing.policy == "new"
    assert len(found.cases) == 2


def test_a_log_made_anew_is_read_from_its_beginning_with_all_cases_and_the_rules_kept() -> None:
    found = folded(decided(1, 70), stands("p", 71, "ours"), stands("log", -1, "ours", anew=True))
    assert found.offset == -1
    assert found.standing is not None
    assert (found.standing.offset, found.standing.policy, found.standing.logs) == (-1, "ours", 1)
    assert len(found.cases) == 1
    assert found.applied.keys() == {"i-1", "p", "log"}


def test_a_store_has_of_the_journal_what_it_has_applied_and_all_of_a_log_that_was_made_anew() -> None:
    first, second, ahead = decided(1, 4), decided(2, 9), decided(3, 12)
    assert [*applied([first, stands("p", 5, "ours"), second, ahead], 9)] == [first, second]
    assert [*applied([first, second], None)] == [first, second]
    anew = stands("log", -1, "ours", anew=True)
    assert [*applied([first, second, ahead, anew], 3)] == [first, second, ahead]
    later = decided(4, 4)
    assert [*applied([first, second, ahead, anew, decided(5, 2), later], 3)] == [first, second, ahead, decided(5, 2)]


def test_an_entry_of_the_old_log_published_again_behind_the_new_beginning_moves_nothing() -> None:
    old, rule = decided(1, 70), stands("p", 71, "old")
    anew = stands("log", -1, "old", anew=True)
    found = folded(old, rule, anew, decided(2, 3), stands("q", 4, "new"), old, rule, anew)
    assert found.offset == 4
    assert found.standing is not None
    assert (found.standing.policy, found.standing.logs) == ("new", 1)


@pytest.mark.parametrize("name", ["somebody", "raaaaaaaaaaaaaaaa-1"])
def test_a_case_under_an_id_that_is_not_its_residents_is_no_entry(name: str) -> None:
    written = decided(1, 0).model_dump_json()
    entry = journal_adapter.validate_json(written)
    assert isinstance(entry, CaseEvent)
    with pytest.raises(ValidationError):
        journal_adapter.validate_json(written.replace(f'"id":"{entry.case.id}"', f'"id":"{name}"'))
