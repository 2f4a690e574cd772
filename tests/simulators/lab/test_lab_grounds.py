"""An hour without noted calls: the operators' "dissuaded" is refused, that of officers and of pressed keys is not."""

from schemas.levels import OutcomeGround
from simulators.lab.laboratory import Laboratory
from tests.simulators.lab import grounds, runs


def test_an_operator_who_notes_no_answered_call_dissuades_nobody() -> None:
    noted, unnoted = (grounds.lived(kind, 7, runs.setup()) for kind in (Laboratory, grounds.Unnoted))
    assert noted.counted[OutcomeGround.CALL] > 0
    assert unnoted.counted[OutcomeGround.CALL] == 0
    assert unnoted.refused > 0
    assert noted.refused == 0


def test_a_case_is_reported_once_though_it_was_refused_before_it_was_counted() -> None:
    found = grounds.lived(grounds.Unnoted, 7, runs.setup())
    assert found.reported == found.counted.total() + found.refused
    assert None not in found.counted, "nothing is counted without a ground"
