"""Where a partition's state lies in Redis: the names of its keys, and how moments are written there."""

from datetime import UTC, datetime, timedelta

RECENTLY = 20  # cases that a board may show as the latest
APPLIED_KEPT = timedelta(days=9)  # longer than any input stays on its topic
EARLIER_KEPT = timedelta(days=120)  # longer than the 90 days for which a warning answers; the journal keeps it for good

# The partition's keys, in the order in which the script numbers them.
STATE, CASES, EARLIER, APPLIED, DEADLINES, QUEUE, HELD, OUTBOX, HOLDS, SETTLED, ALERTED, LEDGER, COUNTS = range(13)
RECENT, AWAITED, UNSURE, SETTLING, RAISED, CLOSED = range(13, 19)
NAMES = (
    # hash: offset, policy, `run` (which Redis it stood under last), `journal` (where the journal is known to have what
    # was committed before); of a store that was lost or older `end`, where it is whole again; before: `rebuilding`
    "state",
    "cases",  # hash: resident -> the latest case
    "earlier",  # hash: case id -> a case that was followed by another
    "applied",  # sorted set: input id -> its time
    "deadlines",  # sorted set: case|step -> when it falls due
    "queue",  # sorted set: case -> rank, for the desk
    "held",  # set: residents with a step held back
    "outbox",  # hash: offset -> journal entry not known to be published
    "holds",  # hash: hold id -> hold
    "settled",  # hash: resident -> when the case was settled
    "alerted",  # hash: resident -> what screening has alerted
    "ledger",  # hash: total -> its sum over the partition
    "counts",  # hash: what is counted (domain/statistics/counts) -> how many
    "recent",  # sorted set: case -> when it changed, the latest RECENTLY
    "awaited",  # set: dispatches whose step waits for their result
    "unsure",  # set: dispatches that may have been sent before the store was lost, or older
    "settling",  # string: there until whoever had such a dispatch in flight must be through
    "raised",  # hash: policy|minute -> cases raised, for the breaker
    "closed",  # sorted set: case of `earlier` -> when it changed last
)


def key(name: str, partition: int) -> str:
    """A key of one partition: its hash tag keeps a script's keys together."""
    return f"{name}:{{{partition}}}"


def milliseconds(moment: datetime) -> int:
    """A moment as Redis scores have it."""
    return round(moment.timestamp() * 1000)


def moment(score: float) -> datetime:
    """A Redis score as a moment."""
    return datetime.fromtimestamp(score / 1000, UTC)
