"""The observer asks once more for what a fetch left out."""

from aiokafka import TopicPartition

from tests.tools.chaos.judging.observer import Gaps

PLACE, OTHER = TopicPartition("case-inputs", 2), TopicPartition("case-inputs", 3)


def test_what_a_fetch_left_out_is_asked_for_once_and_what_stays_away_is_left_out() -> None:
    gaps = Gaps()
    assert gaps.before(PLACE, [0, 1, 2]) == 3
    assert gaps.before(OTHER, [7]) == 1, "a topic may begin anywhere"
    assert gaps.before(PLACE, [3, 6, 7]) == 1
    assert gaps.next[PLACE] == 4, "from here it is read again"
    assert gaps.before(PLACE, [4, 5, 6, 7]) == 4
    assert gaps.before(PLACE, [8, 11]) == 1
    assert gaps.before(PLACE, [11, 12]) == 2, "compacted: the gap stays"
