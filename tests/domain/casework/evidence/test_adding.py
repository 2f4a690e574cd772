"""Evidence files of a case: each once, a bounded number, on a closed case too, and none after an erasure."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework.evidence.adding import file_of, missing
from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.casework.evidence_files import MOST_FILES, EvidenceFile
from schemas.casework.inputs import Erase, EvidenceReport
from schemas.codes.people import EvidenceAdded
from schemas.codes.refusals import EarlierCase, TooManyFiles
from schemas.levels import Level
from tests.domain.builders import NOON, RESIDENT, Line, at_the_desk


def file(number: int) -> EvidenceFile:
    return EvidenceFile(id=f"{number:020x}", at=NOON, by="operator li", original=f"{number:064x}", written_ms=number)


def report(line: Line, *numbers: int, case: str = "") -> EvidenceReport:
    return EvidenceReport(
        id=f"evidence:{len(line.decisions)}",
        at=line.now,
        resident=RESIDENT,
        case=case or line.here.id,
        by="operator li",
        files=[file(number) for number in numbers],
    )


def test_files_are_listed_in_their_order_and_told_once() -> None:
    line = at_the_desk()
    told = line.give(report(line, 1, 2))
    assert line.here.files == [file(1), file(2)]
    assert [(fact.kind, fact.what, fact.by) for fact in told.facts] == [
        (FactKind.NOTE, EvidenceAdded(2), "operator li")
    ]


def test_a_file_is_neither_danger_nor_contact_nor_an_end_of_the_plan() -> None:
    line = at_the_desk()
    before = line.here
    told = line.give(report(line, 1))
    assert told.dispatches == []
    left_out = {"files", "version", "updated_at"}
    assert line.here.model_dump(exclude=left_out) == before.model_dump(exclude=left_out)


def test_a_file_that_the_case_has_changes_nothing() -> None:
    line = at_the_desk()
    line.give(report(line, 1))
    version = line.here.version
    assert line.give(report(line, 1)).facts == []
    assert line.here.version == version
    assert [fact.what for fact in line.give(report(line, 1, 2, 2)).facts] == [EvidenceAdded(1)]


def test_more_files_than_a_case_may_have_are_refused_together() -> None:
    line = at_the_desk()
    for first in range(0, MOST_FILES, 6):
        line.give(report(line, *range(first, first + 6)))
    assert len(line.here.files) == MOST_FILES
    told = line.give(report(line, 0, 99))
    assert [(fact.kind, fact.what) for fact in told.facts] == [(FactKind.REFUSED, TooManyFiles(MOST_FILES))]
    assert len(line.here.files) == MOST_FILES


def test_a_closed_case_takes_a_receipt_that_was_found_later() -> None:
    line = at_the_desk()
    line.act(CloseAct(reason="the resident is safe"))
    line.now += timedelta(days=3)
    line.give(report(line, 1))
    assert (line.here.state, line.here.files) == (CaseState.CLOSED, [file(1)])


def test_a_file_for_an_earlier_case_is_refused() -> None:
    line = at_the_desk()
    told = line.give(report(line, 1, case=f"{RESIDENT}-9"))
    assert [fact.what for fact in told.facts] == [EarlierCase(f"{RESIDENT}-9")]
    assert line.here.files == []


def test_an_erased_case_lists_no_file() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    line.give(report(line, 1))
    line.act(CloseAct(reason="the resident is safe"))
    line.give(Erase(id="forget:1", at=line.now, resident=RESIDENT, by="operator li"))
    assert line.here.files == []


def test_a_file_is_found_by_its_id() -> None:
    line = at_the_desk()
    line.give(report(line, 1))
    assert (file_of(line.here, file(1).id), file_of(line.here, file(2).id)) == (file(1), None)


@given(st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=12))
def test_a_case_has_each_file_once_and_never_too_many(reports: list[list[int]]) -> None:
    line = at_the_desk()
    for numbers in reports:
        line.give(report(line, *numbers))
    ids = [each.id for each in line.here.files]
    assert len(ids) == len(set(ids)) <= MOST_FILES
    assert not missing(line.here, line.here.files)


@pytest.mark.parametrize("field", ["id", "original"])
def test_an_id_or_digest_that_could_be_a_path_is_no_file(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        EvidenceFile.model_validate(file(1).model_dump() | {field: "../../etc/passwd"})
