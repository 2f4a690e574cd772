"""Which checkpoint of a partition a rebuild may begin at, and when the next one is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.administration.checkpoints import FORMAT, CheckpointHead, CheckpointSlot

LEAST_ENTRIES = 1_000  # journal entries since the last checkpoint: fewer are folded in less than a second
RENEWED = timedelta(days=7)  # a checkpoint this old is replaced whatever has changed: its topic keeps 30 days


class Rejected(StrEnum):
    """Why a rebuild does not begin at a checkpoint. DAMAGED: it cannot be read; INCOMPLETE: parts of it are missing;
    OTHER_FORMAT: another version of the code wrote it; OTHER_PARTITIONS: the installation had another number of
    partitions; OTHER_JOURNAL, OTHER_INPUTS: the topic was made anew since, or the journal does not have what the
    checkpoint follows; BEYOND_JOURNAL, BEYOND_INPUTS: the topic ends before it.
    """

    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"
    OTHER_FORMAT = "other_format"
    OTHER_PARTITIONS = "other_partitions"
    OTHER_JOURNAL = "other_journal"
    OTHER_INPUTS = "other_inputs"
    BEYOND_JOURNAL = "beyond_journal"
    BEYOND_INPUTS = "beyond_inputs"


class Abandoned(StrEnum):
    """Why a checkpoint was not completed. NOT_WHOLE: the store is lost, older, or lacks inputs; NO_JOURNAL: the journal
    no longer has the entry after which it goes on; WENT_BACK: Redis lost commits meanwhile; UNPUBLISHED: decisions stay
    unpublished; UNPROVEN: the journal does not prove the inputs that the store has; DEPOSED: another Redis leads, or
    another worker owns the partition.
    """

    NOT_WHOLE = "not_whole"
    NO_JOURNAL = "no_journal"
    WENT_BACK = "went_back"
    UNPUBLISHED = "unpublished"
    UNPROVEN = "unproven"
    DEPOSED = "deposed"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a checkpoint is compared with. `journal_end`, `inputs_end`: the offset of the next record of the partition;
    `events`, `inputs`: the topics' ids, "" if unknown; `entry`: what the journal has at the checkpoint's offset (see
    CheckpointHead.entry), None if it has nothing there.
    """

    partition: int
    partitions: int
    journal_end: int
    inputs_end: int
    events: str
    inputs: str
    entry: str | None


def rejection(head: CheckpointHead, here: Surroundings) -> Rejected | None:
    """Return why a rebuild cannot begin at the checkpoint with this head; None if it can, as far as the head says."""
    checks = (
        (head.format != FORMAT, Rejected.OTHER_FORMAT),
        ((head.partition, head.partitions) != (here.partition, here.partitions), Rejected.OTHER_PARTITIONS),
        (_differ(head.events, here.events), Rejected.OTHER_JOURNAL),
        (_differ(head.inputs, here.inputs), Rejected.OTHER_INPUTS),
        (head.journal >= here.journal_end, Rejected.BEYOND_JOURNAL),
        (head.offset >= here.inputs_end, Rejected.BEYOND_INPUTS),
        (head.entry != here.entry, Rejected.OTHER_JOURNAL),
    )
    return next((reason for wrong, reason in checks if wrong), None)


def _differ(one: str, other: str) -> bool:
    """Return True if both ids are known and are not the same."""
    return bool(one and other) and one != other


def is_due(latest: CheckpointHead | None, journal_end: int, now: datetime, interval: timedelta) -> bool:
    """Return True if a partition should get a checkpoint now. `latest`: the head of its newest usable one, None without
    one; `journal_end`: the offset of the journal's next entry. Never without an interval (0).

    A partition in which little happens keeps its checkpoint for longer.
    """
    if not interval:
        return False
    if latest is None:
        return journal_end >= LEAST_ENTRIES
    age, entries = now - latest.at, journal_end - 1 - latest.journal
    return age >= interval and (entries >= LEAST_ENTRIES or age >= RENEWED)


def next_slot(latest: CheckpointHead | None) -> CheckpointSlot:
    """Return where the next checkpoint is written: not where the newest usable one is."""
    first = latest is None or latest.slot is CheckpointSlot.SECOND
    return CheckpointSlot.FIRST if first else CheckpointSlot.SECOND
