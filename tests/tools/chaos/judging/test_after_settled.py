"""That nothing of the plan is sent once its case is settled: the law by which rounds of chaos are judged."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.casework.cases import CaseState
from schemas.casework.events import CaseEvent
from schemas.levels import Action, Level
from simulators.providers.base import Contact
from streams.runtime.clock import Clock
from tests.domain.builders import NOON, Line, commit_of
from tests.tools.chaos.judging.all_laws import nothing_after_settled
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.seen import Arrived, Seen
from tests.tools.chaos.judging.store import Store

BEGAN = 1_000.0  # when it was noon, in seconds since 1970
SETTLED_AFTER = 2.0  # wall seconds


@pytest.mark.parametrize(
    ("contacted_after", "held_up", "breaks"),
    [
        (2.5, 0.0, False),  # the channel had looked before
        (6.0, 0.0, True),
        (6.0, 4.5, False),  # sent after 1.5 s, and held up by its provider
        (6.0, 1.0, True),  # sent after 5 s
    ],
)
def test_a_request_counts_from_when_it_was_sent_not_from_when_its_provider_acted(
    contacted_after: float, held_up: float, breaks: bool
) -> None:
    assert bool(list(nothing_after_settled(story(contacted_after, held_up)))) is breaks


def story(contacted_after: float, held_up: float) -> Books:
    """A red case that is settled two wall seconds after it began, and a contact of its plan."""
    line = Line()
    line.alert(Level.RED)
    sent = next(each for decision in line.decisions for each in decision.dispatches if each.action is Action.FLASH_SMS)
    opened = CaseEvent(
        commit=commit_of(0),
        id="e1",
        input="i1",
        input_kind="alert",
        partition=0,
        offset=0,
        at=NOON,
        case=line.here.model_copy(update={"version": 1}),
        facts=[],
        dispatches=[sent],
    )
    settled = line.here.model_copy(update={"version": 2, "state": CaseState.DISSUADED})
    seen = Seen(Path("nothing"))
    seen.journal += [
        Arrived(opened, BEGAN, 0, 0),
        Arrived(opened.model_copy(update={"id": "e2", "offset": 1, "case": settled}), BEGAN + SETTLED_AFTER, 0, 1),
    ]
    clock = Clock(1, BEGAN, NOON)
    at = (NOON + timedelta(seconds=contacted_after)).isoformat()
    return Books(
        seen,
        Store(),
        [Contact(sent.id, sent.action, "", at)],
        Counter(),
        Counter(),
        Counter(),
        {},
        set(),
        (),
        (),
        clock,
        0.0,
        0,
        held_up={sent.id: held_up} if held_up else {},
    )
