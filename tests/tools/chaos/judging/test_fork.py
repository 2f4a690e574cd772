"""That a case has one story: the law by which rounds of chaos are judged."""

from collections import Counter
from pathlib import Path

from domain.identity.identifiers import new_resident_id
from schemas.casework.events import CaseEvent, Commit
from streams.runtime.clock import Clock
from tests.dispatched import NOW, case_of, dispatch_for
from tests.tools.chaos.judging.all_laws import no_fork
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.seen import Arrived, Seen
from tests.tools.chaos.judging.store import Store

CASE = case_of(dispatch_for(new_resident_id(bytes(10)))).model_copy(update={"version": 1})


def event(first: int, last: int, *, version: int = 1, **changes: object) -> CaseEvent:
    """An event of input 5, in the commit of these inputs. `changes`: of the case."""
    return CaseEvent(
        commit=Commit(first=first, last=last, entries=1),
        id=f"e-{version}",
        input=f"i-{version}",
        input_kind="alert",
        partition=0,
        offset=5,
        at=NOW,
        case=CASE.model_copy(update={"version": version, **changes}),
        facts=[],
    )


def broken(*events: CaseEvent) -> list[str]:
    seen = Seen(Path("nothing"))
    seen.journal += [Arrived(each, 0.0, 0, number) for number, each in enumerate(events)]
    none: Counter[str] = Counter()
    return list(no_fork(Books(seen, Store(), [], none, none, none, {}, set(), (), (), Clock(1, 0.0, NOW), 0.0, 0)))


def test_an_event_may_come_again_in_a_batch_that_was_cut_elsewhere() -> None:
    assert not broken(event(4, 7), event(5, 9))


def test_two_events_of_one_version_that_differ_are_a_fork() -> None:
    assert broken(event(4, 7), event(4, 7, claimed_by="li")) == [f"{CASE.id}: two events of version 1"]


def test_a_version_that_is_missing_breaks_the_story() -> None:
    assert broken(event(4, 4), event(5, 5, version=3)) == [f"{CASE.id}: versions [1, 3]"]
