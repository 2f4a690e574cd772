"""Public lines such as 96110 are no suspects: whoever displays one has forged it, and people must dare to call it."""

from datetime import timedelta

import pytest

from domain.identity.identifiers import PUBLIC_LINES, normal_phone
from schemas.risk.signals import Report, Watch, WatchState
from streams.screening.subjects import Subjects
from tests.domain.builders import NOON

SUBJECTS = Subjects(b"a secret of these tests, 32 bytes")


@pytest.mark.parametrize("number", ["96110", "+8696110", "110", "12345"])
@pytest.mark.parametrize("state", [WatchState.CONFIRMED, WatchState.RATED])
def test_a_public_line_is_not_listed(number: str, state: WatchState) -> None:
    told = {"source": "liaoning", "id": "w1", "at": NOON, "subject": "phone", "value": number, "state": state}
    rated = {"verdict": "scam", "until": NOON + timedelta(days=1)} if state is WatchState.RATED else {}
    with pytest.raises(ValueError, match="public line"):
        SUBJECTS.suspect(Watch.model_validate(told | rated))


def test_a_report_that_names_a_public_line_lists_nothing_and_other_service_numbers_are_listed() -> None:
    told = Report(source="96110", id="r1", at=NOON, phone="+8619800099001", suspect_phone="96110")
    assert SUBJECTS.suspect(told) is None
    found = SUBJECTS.suspect(told.model_copy(update={"suspect_phone": "4001234567"}))
    assert found is not None


def test_the_public_lines_are_in_normal_form() -> None:
    assert {normal_phone(each) for each in PUBLIC_LINES} == PUBLIC_LINES
