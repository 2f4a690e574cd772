"""Which carrier delivers most of a kind of message, and that one which becomes better or worse is noticed."""

from datetime import UTC, datetime
from random import Random

from domain.carriers.delivered_share import DeliveryCounts, DeliveryRecord, message_kind
from domain.carriers.routing import choose
from tests.domain.carriers.test_carriers import CHEAP, DEAR, at

MORNING = "+86138 1"
ALL = [at(CHEAP), at(DEAR)]


def chosen(record: DeliveryRecord, *, urgent: bool = True, kind: str = MORNING) -> str | None:
    return choose(ALL, {each: record.expected(each, kind, urgent=urgent) for each in ("cheap", "dear")}, urgent=urgent)


def test_a_kind_is_a_network_and_a_part_of_jilins_day_and_no_person() -> None:
    assert message_kind("+8613800000001", datetime(2026, 3, 1, 1, tzinfo=UTC)) == MORNING  # nine o'clock in Jilin
    assert message_kind("+8613899999999", datetime(2026, 3, 1, 3, 59, tzinfo=UTC)) == MORNING
    assert message_kind("+8613800000001", datetime(2026, 3, 1, 4, tzinfo=UTC)) == "+86138 2"


def test_without_experience_the_cheapest_takes_all() -> None:
    assert chosen(DeliveryRecord()) == chosen(DeliveryRecord(), urgent=False) == "cheap"


def test_who_delivers_more_of_this_kind_is_preferred_and_of_another_kind_the_cheapest() -> None:
    record = DeliveryRecord(
        {
            ("cheap", MORNING): DeliveryCounts(200, 140),
            ("dear", MORNING): DeliveryCounts(200, 190),
            ("cheap", "+86150 1"): DeliveryCounts(1000, 960),
            ("dear", "+86150 1"): DeliveryCounts(1000, 950),
        }
    )
    assert chosen(record) == "dear"
    assert chosen(record, kind="+86150 1") == "cheap"


def test_shares_that_are_alike_leave_the_choice_to_the_price() -> None:
    record = DeliveryRecord(
        {("cheap", MORNING): DeliveryCounts(2000, 1860), ("dear", MORNING): DeliveryCounts(2000, 1890)}
    )
    assert chosen(record) == "cheap"


def test_the_best_that_is_busy_leaves_the_message_to_the_next() -> None:
    record = DeliveryRecord({("cheap", MORNING): DeliveryCounts(200, 100), ("dear", MORNING): DeliveryCounts(200, 195)})
    shares = {each: record.expected(each, MORNING, urgent=True) for each in ("cheap", "dear")}
    assert choose([at(CHEAP), at(DEAR, free=False)], shares, urgent=True) == "cheap"


def test_what_is_two_days_old_counts_half() -> None:
    assert DeliveryCounts(100, 80).faded(2) == DeliveryCounts(50, 40)
    assert DeliveryCounts(100, 80).faded(-1) == DeliveryCounts(100, 80)


def played(
    shares: dict[str, float], days: int, start: dict[str, DeliveryCounts], seed: int
) -> dict[str, DeliveryCounts]:
    """A hundred messages a day that are not urgent, of one kind, to carriers with these true shares."""
    chance, counts = Random(seed), dict(start)
    for _ in range(days):
        for _ in range(100):
            record = DeliveryRecord({(name, MORNING): each for name, each in counts.items()})
            name = chosen(record, urgent=False) or ""
            before = counts[name]
            counts[name] = DeliveryCounts(before.receipted + 1, before.delivered + (chance.random() < shares[name]))
        counts = {name: each.faded(1) for name, each in counts.items()}
    return counts


def test_a_carrier_that_has_become_worse_loses_its_messages_within_a_day() -> None:
    good = {"cheap": DeliveryCounts(500, 470), "dear": DeliveryCounts(20, 19)}
    after = played({"cheap": 0.5, "dear": 0.95}, 2, good, 1)
    assert after["dear"].receipted > 100


def test_a_carrier_that_has_become_better_gets_messages_again_within_two_weeks() -> None:
    bad = {"cheap": DeliveryCounts(200, 100), "dear": DeliveryCounts(500, 460)}
    after = played({"cheap": 0.97, "dear": 0.9}, 14, bad, 1)
    assert after["cheap"].receipted > after["dear"].receipted
