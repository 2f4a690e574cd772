"""Two rounds of chaos on real servers, and the products made worse. `make chaos` plays as many as one likes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from simulators.providers.base import Contact
from tests.tools.chaos.mutated import SHOWN_BY, caught
from tests.tools.chaos.plan import drawn
from tests.tools.chaos.round import play
from tests.tools.servers.kafka import Kafka

ROUNDS = (
    pytest.param(8124, ("retention_then_wiped", "worker_killed"), id="retention"),
    pytest.param(
        6609, ("worker_frozen", "carrier_answers_too_late", "redis_tail_lost"), marks=pytest.mark.long, id="zombie"
    ),
)
"""Retention and a wipe, then a killed worker; and a zombie, a late carrier, Redis without its tail, in this order."""
NOT_JUDGED = "deadlines_late"  # other tests run beside these: a second is too short for a machine that is busy
TRIES = 2


@pytest.mark.parametrize(("seed", "kinds"), ROUNDS)
async def test_a_province_that_is_struck_loses_nothing_and_warns_nobody_twice(
    seed: int, kinds: Sequence[str], kafka_brokers: Kafka, tmp_path: Path
) -> None:
    """Where brokers need over a minute for the first signal, an hour has passed in the province, and its warnings come
    too late to be sent. All laws are judged then too, and the round is played once more.
    """
    contacts: Sequence[Contact] = ()
    for number in range(TRIES):
        plan = drawn(seed, kinds)
        assert [stroke.kind for stroke in plan.strokes] == [*kinds]
        outcome = await play(plan, kafka_brokers, tmp_path / f"round-{number}")
        assert [each.words for each in outcome.broken if each.law != NOT_JUDGED] == []
        if contacts := outcome.books.contacts:
            break
    assert contacts


@pytest.mark.long
@pytest.mark.parametrize("mutation", SHOWN_BY)
async def test_a_product_made_worse_is_seen(mutation: str, kafka_brokers: Kafka, tmp_path: Path) -> None:
    assert await caught(mutation, kafka_brokers, tmp_path)
