"""Adds evidence files to a case: each picture once, and at most MOST_FILES of them.

A file changes neither the case's level nor its plan. Files are added to a closed case too: a victim may find a receipt
later, and an order or a return still needs it.
"""

from collections.abc import Iterable, Sequence

from domain.casework.acts import refuse
from domain.casework.draft import DecisionBuilder
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.casework.evidence_files import MOST_FILES, EvidenceFile
from schemas.casework.inputs import EvidenceReport
from schemas.codes.people import EvidenceAdded
from schemas.codes.refusals import TooManyFiles


def evidence_report(draft: DecisionBuilder, given: EvidenceReport) -> None:
    """Add the reported evidence files that the case does not have yet, with a fact; no effect if it has them all.

    If the case would have more than 24 (MOST_FILES), none is added, and a fact REFUSED is recorded.
    """
    more = missing(draft.case, given.files)
    if len(draft.case.files) + len(more) > MOST_FILES:
        refuse(draft, TooManyFiles(MOST_FILES), given.by)
    elif more:
        draft.set(files=[*draft.case.files, *more])
        draft.note(FactKind.NOTE, EvidenceAdded(len(more)), by=given.by)


def missing(case: Case, files: Iterable[EvidenceFile]) -> Sequence[EvidenceFile]:
    """Return those of `files` that the case does not have, by id: in the given order, each once. The same picture has
    the same id.
    """
    known = {file.id for file in case.files}
    return [file for name, file in {file.id: file for file in files}.items() if name not in known]


def file_of(case: Case, name: str) -> EvidenceFile | None:
    """Return the case's evidence file with the id `name`, or None if it has none."""
    return next((file for file in case.files if file.id == name), None)
