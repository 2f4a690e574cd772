"""The journal: what a store has of it, and what is no entry."""

import pytest
from pydantic import ValidationError

from domain.identity.identifiers import new_resident_id
from schemas.casework.events import CaseEvent, Commit, RulesEvent, UnchangedEvent, journal_adapter
from schemas.casework.journal import decode
from streams.casework.journal import Read, applied, decided_differently
from tests.dispatched import NOW, case_of, dispatch_for
from tests.domain.builders import commit_of


def decided(number: int, offset: int) -> CaseEvent:
    """A case opened by the input at this offset."""
    case = case_of(dispatch_for(new_resident_id(number.to_bytes(10))))
    return CaseEvent(
        commit=commit_of(offset),
        id=f"e-{number}",
        input=f"i-{number}",
        input_kind="alert",
        partition=0,
        offset=offset,
        at=NOW,
        case=case,
        facts=[],
    )


def stands(name: str, offset: int, policy: str, *, anew: bool = False) -> RulesEvent:
    commit = Commit(first=offset, last=offset, entries=1, log=int(anew))
    return RulesEvent(commit=commit, input=name, partition=0, offset=offset, at=NOW, policy=policy, anew=anew)


def test_a_store_has_of_the_journal_what_it_has_applied_and_all_of_a_log_that_was_made_anew() -> None:
    first, second, ahead = decided(1, 4), decided(2, 9), decided(3, 12)
    assert [*applied([first, stands("p", 5, "ours"), second, ahead], 9)] == [first, second]
    assert [*applied([first, second], None)] == [first, second]
    anew = stands("log", -1, "ours", anew=True)
    assert [*applied([first, second, ahead, anew], 3)] == [first, second, ahead]
    later = decided(4, 4)
    assert [*applied([first, second, ahead, anew, decided(5, 2), later], 3)] == [first, second, ahead, decided(5, 2)]


def test_inputs_that_changed_nothing_are_no_events() -> None:
    unchanged = UnchangedEvent(commit=commit_of(3), partition=0, offset=3, at=NOW, inputs={"i-9": NOW})
    assert [*applied([unchanged, decided(1, 4)], 9)] == [decided(1, 4)]


def test_a_batch_that_was_cut_elsewhere_has_not_decided_differently() -> None:
    def read(first: int, *inputs: str, code: str = "b") -> Read:
        commit = Commit(first=first, last=5, entries=1, code=code)
        entry = UnchangedEvent(commit=commit, partition=0, offset=5, at=NOW, inputs=dict.fromkeys(inputs, NOW))
        value = entry.model_dump_json().encode()
        return decode(value), value

    assert not decided_differently(read(4, "i-5", code="a"), read(0, "i-2", "i-5"))
    assert not decided_differently(read(4, "i-5", code="a"), read(4, "i-5"))
    assert decided_differently(read(4, "i-4", "i-5", code="a"), read(4, "i-5"))


@pytest.mark.parametrize("name", ["somebody", "raaaaaaaaaaaaaaaa-1"])
def test_a_case_under_an_id_that_is_not_its_residents_is_no_entry(name: str) -> None:
    written = decided(1, 0).model_dump_json()
    entry = journal_adapter.validate_json(written)
    assert isinstance(entry, CaseEvent)
    with pytest.raises(ValidationError):
        journal_adapter.validate_json(written.replace(f'"id":"{entry.case.id}"', f'"id":"{name}"'))
