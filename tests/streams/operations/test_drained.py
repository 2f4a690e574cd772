"""What is left to process while servers are drained: also of records that expired, and of topics made anew."""

import pytest

from streams.operations.drain import unprocessed


@pytest.mark.parametrize(
    ("begin", "committed", "end", "left"),
    [
        (0, None, 0, 0),
        (0, None, 7, 7),
        (0, 5, 7, 2),
        (7, None, 7, 0),  # all have expired, and nothing was ever processed
        (6, 2, 7, 1),  # some expired unprocessed
        (0, 90, 7, 7),  # the topic was made anew
    ],
)
def test_only_records_that_are_kept_are_waited_for(begin: int, committed: int | None, end: int, left: int) -> None:
    assert unprocessed(begin, committed, end) == left
