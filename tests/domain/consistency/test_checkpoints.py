"""Which checkpoint a rebuild may begin at, and when the next one is written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.consistency.checkpoints import (
    LEAST_ENTRIES,
    RENEWED,
    Rejected,
    Surroundings,
    is_due,
    next_slot,
    rejection,
)
from schemas.administration.checkpoints import FORMAT, CheckpointHead, CheckpointSlot

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HERE = Surroundings(2, 4, journal_end=5_000, inputs_end=3_000, events="e", inputs="i", entry="0:7-9/2 9 code")


def head(changed: dict[str, Any] | None = None) -> CheckpointHead:
    told = CheckpointHead(
        generation="g",
        slot=CheckpointSlot.FIRST,
        partition=2,
        partitions=4,
        at=NOW,
        first=10,
        last=20,
        parts=11,
        offset=2_999,
        inputs="i",
        journal=4_000,
        entry="0:7-9/2 9 code",
        events="e",
        run="r",
        policy="p",
        cases=3,
    )
    return told.model_copy(update=changed or {})


def test_a_checkpoint_that_fits_is_used() -> None:
    assert rejection(head(), HERE) is None


@pytest.mark.parametrize("unknown", [{"events": ""}, {"inputs": ""}])
def test_a_broker_that_gives_no_ids_of_topics_makes_no_checkpoint_unusable(unknown: dict[str, str]) -> None:
    assert rejection(head(dict(unknown)), HERE) is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"format": FORMAT + 1}, Rejected.OTHER_FORMAT),
        ({"partitions": 2}, Rejected.OTHER_PARTITIONS),
        ({"partition": 1}, Rejected.OTHER_PARTITIONS),
        ({"events": "another"}, Rejected.OTHER_JOURNAL),
        ({"inputs": "another"}, Rejected.OTHER_INPUTS),
        ({"journal": 5_000}, Rejected.BEYOND_JOURNAL),
        ({"offset": 3_000}, Rejected.BEYOND_INPUTS),
        ({"entry": "0:7-9/2 9 fork"}, Rejected.OTHER_JOURNAL),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_rejected_with_the_reason(changed: dict[str, Any], why: Rejected) -> None:
    assert rejection(head(changed), HERE) is why


def test_a_partition_without_a_checkpoint_gets_one_once_its_journal_is_worth_it() -> None:
    assert not is_due(None, LEAST_ENTRIES - 1, NOW, DAY)
    assert is_due(None, LEAST_ENTRIES, NOW, DAY)


def test_the_next_checkpoint_is_due_after_the_interval_if_enough_has_happened() -> None:
    enough = 4_001 + LEAST_ENTRIES
    assert not is_due(head(), enough, NOW + DAY - timedelta(seconds=1), DAY)
    assert is_due(head(), enough, NOW + DAY, DAY)
    assert not is_due(head(), enough - 1, NOW + DAY, DAY)


def test_a_checkpoint_of_a_quiet_partition_is_renewed_before_its_topic_forgets_it() -> None:
    assert is_due(head(), 4_001, NOW + RENEWED, DAY)


def test_without_an_interval_none_is_ever_due() -> None:
    assert not is_due(None, 1_000_000, NOW, timedelta(0))


def test_the_newest_checkpoint_is_never_overwritten() -> None:
    assert next_slot(None) is CheckpointSlot.FIRST
    assert next_slot(head()) is CheckpointSlot.SECOND
    assert next_slot(head({"slot": CheckpointSlot.SECOND})) is CheckpointSlot.FIRST
