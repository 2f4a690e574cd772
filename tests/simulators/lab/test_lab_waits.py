from datetime import timedelta

from schemas.casework.cases import Case, Step, StepState
from schemas.levels import Action, Level
from simulators.lab.waits import Waits
from tests.domain.builders import NOON, Line

MINUTE = timedelta(minutes=1)
LIMITS = {Level.RED: 30 * MINUTE}


def offered(level: Level = Level.RED, **more: object) -> Case:
    """A case whose call is on the desk since noon."""
    line = Line()
    line.alert(level)
    steps = [Step(id="red.operator", action=Action.OPERATOR_CALL, state=StepState.SENT, due=NOON + MINUTE)]
    return line.here.model_copy(update={"steps": steps, "offered_at": NOON, **more})


def waits(*stands: tuple[Case, timedelta], until: timedelta) -> Waits:
    """A case stands like this since so long after noon; the run ends `until` after noon."""
    found = Waits(LIMITS)
    for case, after in stands:
        found.add(case, NOON + after)
    found.close(NOON + until)
    return found


def test_a_case_that_was_taken_within_its_limit_did_not_wait_past_it() -> None:
    found = waits((offered(), 0 * MINUTE), (offered(claimed_by="wang"), 30 * MINUTE), until=60 * MINUTE)
    assert (found.past_limit, found.longest) == (0, 30 * MINUTE)


def test_a_case_that_was_taken_later_did() -> None:
    found = waits((offered(), 0 * MINUTE), (offered(claimed_by="wang"), 31 * MINUTE), until=60 * MINUTE)
    assert (found.past_limit, found.longest) == (1, 31 * MINUTE)


def test_a_call_that_the_plan_took_off_the_desk_waited_until_then() -> None:
    found = waits((offered(), 0 * MINUTE), (offered(steps=[]), 40 * MINUTE), until=60 * MINUTE)
    assert (found.past_limit, found.longest) == (1, 40 * MINUTE)


def test_who_waits_still_at_the_end_has_waited_until_then() -> None:
    assert waits((offered(), 0 * MINUTE), until=60 * MINUTE).past_limit == 1


def test_who_was_put_back_on_the_desk_is_not_counted_again() -> None:
    taken, back = offered(claimed_by="wang"), offered(offered_at=NOON + 5 * MINUTE)
    found = waits((offered(), 0 * MINUTE), (taken, MINUTE), (back, 5 * MINUTE), until=60 * MINUTE)
    assert (found.past_limit, found.longest) == (0, MINUTE)


def test_a_level_without_a_limit_waits_for_as_long_as_it_takes() -> None:
    found = waits((offered(Level.YELLOW), 0 * MINUTE), until=60 * MINUTE)
    assert (found.past_limit, found.longest) == (0, 60 * MINUTE)
