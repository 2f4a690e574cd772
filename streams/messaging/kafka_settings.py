"""Rules for Kafka's settings that can lose or block data: the required values, and the reasons.

No server is asked here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.policy.retention import LONGEST

RECORD_BYTES = 1_000_000  # the largest record that a producer writes, with its batch's header
MESSAGE_BYTES = 1_048_588  # Kafka's default: 5 % more, in case a broker compresses a batch again
SEGMENT_BYTES = 1 << 30
LEAST_SEGMENT_BYTES = 1 << 24
REQUEST_BYTES = 10 * RECORD_BYTES
FOR_EVER_MS = (1 << 63) - 1
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
SESSION_MS = 6_000  # the session timeout that workers request (streams/messaging/app.py)
LAG_MS = 60_000
OFFSETS_MINUTES = 7 * 24 * 60
TOMBSTONE = LONGEST
"""How long a tombstone stays on a compacted topic.

An older Redis (a lagging replica, a restored image or file) learns from the topic who was erased since; without the
tombstone it would bring the person back. So tombstones stay ninety days, the longest time that signals may be kept.
Older copies of Redis are not restored: an empty Redis is rebuilt from the topics."""

Good = Callable[[str], bool]  # whether a value is acceptable; may raise ValueError, which counts as no


@dataclass(frozen=True, slots=True)
class Rule:
    """The required value of the setting `name`.

    `value`: the value to set; `must`: the requirement in words; `good`: returns True if a value is acceptable, and may
    raise ValueError if it is not; `why`: the consequence of an unacceptable value, as a sentence without its full stop.
    `warns`: an unacceptable value loses or blocks nothing now.
    """

    name: str
    value: str
    must: str
    good: Good
    why: str
    warns: bool = False


def exactly(name: str, value: object, why: str, *, warns: bool = False) -> Rule:
    """Return the rule that the setting `name` has exactly this value, written as text. `why`, `warns`: as in Rule."""
    wanted = str(value)
    return Rule(name, wanted, wanted, lambda found: found == wanted, why, warns)


def at_least(name: str, least: int, why: str, value: int | None = None) -> Rule:
    """Return the rule that the setting `name` is a whole number of at least `least`.

    `value`: the value to set, None: `least`; `why`: as in Rule.
    """
    return Rule(
        name, str(least if value is None else value), f"{least} or more", lambda found: int(found) >= least, why
    )


def at_most(name: str, most: int, why: str) -> Rule:
    """Return the rule that the setting `name` is a whole number of at most `most`, which is also the value to set.

    `why`: as in Rule.
    """
    return Rule(name, str(most), f"{most} or less", lambda found: int(found) <= most, why)


def of_topic(
    *, cleanup: str, kept: timedelta | None, least_kept: timedelta | None, in_sync: int, segment: timedelta
) -> list[Rule]:
    """Return the rules for a topic's settings.

    `cleanup`: its cleanup.policy. `kept`: its retention, None: without a limit. `least_kept`: the shortest retention
    that is acceptable too, None: `kept`. `in_sync`: its min.insync.replicas. `segment`: the age at which a segment is
    closed.
    """
    policy = exactly("cleanup.policy", cleanup, "Kafka removes records by another rule")
    forgets = at_least(
        "delete.retention.ms",
        _milliseconds(TOMBSTONE),
        "an older Redis that comes back is not told any more who was erased, and brings that person back",
    )
    return [
        policy,
        _retention(kept, least_kept),
        *([forgets] if "compact" in cleanup else []),
        *_of_every_topic(in_sync, segment),
    ]


def of_broker(copies: int, workers: int) -> list[Rule]:
    """Return the rules for the settings of every broker.

    `copies`: replicas of each topic; `workers`: the most members that the consumer group can have.
    """
    join = "Kafka does not let a worker into its group"
    alone = "with one broker away no group can note its place, and no worker can join"
    return [
        at_least(
            "offsets.retention.minutes",
            OFFSETS_MINUTES,
            "after a longer outage a group has no place any more, and reads everything again that is kept",
        ),
        at_least(
            "offsets.topic.replication.factor",
            copies,
            "with the one broker that has them the places of all groups are lost, and no worker can join",
        ),
        at_least("socket.request.max.bytes", REQUEST_BYTES, "a broker hangs up on a producer that writes much at once"),
        at_most("replica.lag.time.max.ms", LAG_MS, "a copy that hangs holds up all that is written for so long"),
        at_most("group.min.session.timeout.ms", SESSION_MS, join),
        at_least("group.max.session.timeout.ms", SESSION_MS, join),
        at_least("group.max.size", workers, join),
        Rule(
            "group.coordinator.rebalance.protocols",
            "classic,consumer",
            "with classic among them",
            lambda found: "classic" in found.replace(" ", "").split(","),
            join,
        ),
        *([at_most("min.insync.replicas", copies - 1, alone)] if copies > 1 else []),
        exactly("unclean.leader.election.enable", "false", "a copy that lacks records may lead: they are lost"),
        exactly(
            "log.cleaner.enable",
            "true",
            "no topic is compacted, its disk fills up, and what was erased stays",
            warns=True,
        ),
        exactly(
            "auto.create.topics.enable",
            "false",
            "a topic that was deleted, or whose name was mistyped, is made anew with other settings",
            warns=True,
        ),
    ]


def wrong(rules: Sequence[Rule], found: Mapping[str, str]) -> Iterator[tuple[Rule, str]]:
    """Yield each broken rule with the value found, in the order of the rules. A value of which the rule's `good` raises
    ValueError, such as a text where a number is required, breaks the rule.

    `found`: the values, by setting; rules for settings that are not in it are skipped.
    """
    return ((rule, found[rule.name]) for rule in rules if rule.name in found and not _good(rule, found[rule.name]))


def _good(rule: Rule, value: str) -> bool:
    try:
        return rule.good(value)
    except ValueError:  # not a number
        return False


def _retention(kept: timedelta | None, least: timedelta | None) -> Rule:
    why = "records are gone before they are read again, or are kept longer than they may be"
    if kept is None:
        return exactly("retention.ms", -1, "what is to be kept for good is deleted")
    value, floor = _milliseconds(kept), _milliseconds(least or kept)
    return Rule("retention.ms", str(value), str(value), lambda found: int(found) == -1 or int(found) >= floor, why)


def _of_every_topic(in_sync: int, segment: timedelta) -> list[Rule]:
    late = "Kafka refuses records that are restored or sent again, for they are old"
    return [
        exactly("retention.bytes", -1, "Kafka deletes records as soon as there are more bytes, however young they are"),
        at_least("max.message.bytes", MESSAGE_BYTES, f"Kafka refuses records of up to {RECORD_BYTES:,} bytes"),
        exactly(
            "segment.ms", _milliseconds(segment), "what is over is deleted or compacted late, or files are too many"
        ),
        at_least(
            "segment.bytes",
            LEAST_SEGMENT_BYTES,
            "Kafka refuses a batch that is larger, or files are too many",
            SEGMENT_BYTES,
        ),
        exactly("min.insync.replicas", in_sync, "what was accepted is lost with one broker, or one away blocks all"),
        exactly("unclean.leader.election.enable", "false", "a copy that lacks records may lead: they are lost"),
        exactly(
            "message.timestamp.type", "CreateTime", "a record's time is the broker's, and what is restored looks new"
        ),
        exactly("message.timestamp.before.max.ms", FOR_EVER_MS, late),
        at_least(
            "message.timestamp.after.max.ms",
            DAY_MS,
            "a broker whose clock is behind refuses all records",
            FOR_EVER_MS,
        ),
        Rule(
            "compression.type",
            "producer",
            "producer, uncompressed or gzip",
            lambda found: found in ("producer", "uncompressed", "gzip"),
            "no process can read what Kafka packs in another way: it waits at the first such record",
        ),
        exactly(
            "remote.storage.enable",
            "false",
            "records that are read again in a recovery lie elsewhere, with a retention of their own",
        ),
    ]


def _milliseconds(time: timedelta) -> int:
    return round(time.total_seconds() * 1000)
