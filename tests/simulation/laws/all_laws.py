"""What must hold of every schedule, whatever struck.

A law is a function of what a schedule leaves behind; it tells, in a sentence, each thing that breaks it. The sentence
names the case, the dispatch, the record by its place (topic/partition/offset) and the time in seconds since the
schedule began, so that an operator can follow it in the story and in the logs:

    nobody_twice: dispatch r…-1:red.robot:1:phone of case r…-1 (decided in version 1, case-inputs/0/3): the askable
    provider of phone carried it out 2 times, at 4.120 s and 9.480 s
"""

from collections.abc import Callable, Iterator, Mapping

from tests.simulation.laws.clock import no_deadline_early
from tests.simulation.laws.contacts import (
    counted_doubts,
    doubts_resolved,
    no_needless_doubts,
    nobody_twice,
    nothing_after_settled,
    one_result,
)
from tests.simulation.laws.journal import level_only_rises, no_fork, one_open_case
from tests.simulation.laws.known import Violation
from tests.simulation.laws.lost import conservation, nothing_lost
from tests.simulation.laws.observed import Observed
from tests.simulation.laws.orders import no_stop_unapproved
from tests.simulation.laws.reported.losses import only_what_follows_a_loss
from tests.simulation.laws.reported.provinces import offered_once, somebody_handles
from tests.simulation.laws.reported.unasked import answers_only_what_was_sent
from tests.simulation.laws.reported.week import asked_once_while_dissuaded
from tests.simulation.laws.store import not_stuck, store_equals_fold
from tests.simulation.laws.topics.changes import acknowledged_changes_stay
from tests.simulation.laws.topics.newest import newest_is_last

__all__ = ["LAWS", "Violation", "broken", "violations"]

LAWS: Mapping[str, Callable[[Observed], Iterator[str]]] = {
    law.__name__: law
    for law in (
        nothing_lost,
        nobody_twice,
        one_result,
        counted_doubts,
        no_needless_doubts,
        doubts_resolved,
        nothing_after_settled,
        only_what_follows_a_loss,
        asked_once_while_dissuaded,
        somebody_handles,
        offered_once,
        no_stop_unapproved,
        answers_only_what_was_sent,
        no_fork,
        level_only_rises,
        one_open_case,
        store_equals_fold,
        conservation,
        newest_is_last,
        acknowledged_changes_stay,
        not_stuck,
        no_deadline_early,
    )
}


def violations(observed: Observed) -> Iterator[Violation]:
    """All that breaks a law, law by law."""
    for law in LAWS:
        yield from broken(observed, law)


def broken(observed: Observed, law: str) -> Iterator[Violation]:
    """All that breaks one law."""
    for words in LAWS[law](observed):
        yield Violation(law, words)
