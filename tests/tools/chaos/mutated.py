"""Rounds of a product made worse, with the faults that show it."""

from dataclasses import replace
from pathlib import Path

from streams.channels.provider import Kind
from tests.tools.chaos.faults import vault
from tests.tools.chaos.houses import House
from tests.tools.chaos.judging.all_laws import Broken
from tests.tools.chaos.plan import Plan, Stroke, drawn
from tests.tools.chaos.round import play
from tests.tools.servers.kafka import Kafka

SEED = 1
SHOWN_BY = {
    "no_fence": (("worker_frozen", 2.0), ("worker_added_and_removed", 2.5)),
    "ack_before_publish": (("worker_killed", 4.0), ("worker_killed", 7.0)),
    "own_acks": (
        ("carrier_answers_too_late", 2.0),
        ("carrier_hangs", 3.0),
        ("worker_killed", 4.0),
        ("carrier_answers_too_late", 5.0),
        ("carrier_hangs", 5.5),
        ("worker_killed", 6.5),
    ),
    "one_key_for_all": (("vault_lost_keys", 2.0), ("vault_lost_keys", 3.5)),
    "resends_what_is_in_doubt": (
        ("gateway_carrier_slow", 2.0),
        ("gateway_killed", 3.5),
        ("gateway_carrier_slow", 5.0),
        ("gateway_killed", 7.0),
    ),
    "dials_what_is_in_doubt": (("voice_gateway_killed", 5.0), ("voice_gateway_killed", 7.5)),
}
MEANT = {
    "one_key_for_all": "refused for want of a key",
    "resends_what_is_in_doubt": "carried out",
    "dials_what_is_in_doubt": "carried out",
}
"""By mutation: words of what must break, where other laws break too."""
TRIES = 4
NOT_MEANT = ("deadlines_late",)  # a mutation that is slow is late, which shows nothing


def plan(mutation: str) -> Plan:
    """Its round: two workers on a Redis of their own, and carriers that are idempotent."""
    strokes = tuple(Stroke(kind, at, f"{mutation}:{at}") for kind, at in SHOWN_BY[mutation])
    known = drawn(SEED)
    kinds = dict.fromkeys(known.kinds, Kind.IDEMPOTENT)
    sealed = any(stroke.fault in vault.FAULTS for stroke in strokes)
    return replace(known, house=House.REDIS, workers=2, kinds=kinds, strokes=strokes, sealed=sealed, mutation=mutation)


async def caught(mutation: str, kafka: Kafka, folder: Path) -> list[Broken]:
    """What breaks a law in a round of a mutation: the first that shows it of a few.

    Nearly always that is the first: whether two workers meet at a partition, or one is killed with an event in its
    hands, is a matter of moments.
    """
    for number in range(TRIES):
        outcome = await play(plan(mutation), kafka, folder / f"round-{number}")
        meant = MEANT.get(mutation, "")
        if found := [each for each in outcome.broken if each.law not in NOT_MEANT and meant in each.words]:
            return found
    return []
