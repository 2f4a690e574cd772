"""The names of a partition's Redis keys, and the format of times in Redis."""

from datetime import UTC, datetime, timedelta

RECENTLY = 20  # most recently changed cases listed in `recent`
APPLIED_KEPT = timedelta(days=9)  # longer than any input stays on its topic
EARLIER_KEPT = timedelta(days=120)  # over the 90 days after a warning that count against it; the journal keeps all

# The partition's keys, in the order of the KEYS of the commit script.
STATE, CASES, EARLIER, APPLIED, DEADLINES, QUEUE, HELD, OUTBOX, HOLDS, SETTLED, ALERTED, LEDGER, COUNTS = range(13)
RECENT, AWAITED, UNSURE, SETTLING, RAISED, CLOSED = range(13, 19)
NAMES = (
    # hash: offset, policy, `run` (of the Redis that made the last commit), `journal` (a journal offset: later commits
    # are published after it); after a loss, `end` (the offset where it is complete); while empty, `rebuilding`
    "state",
    "cases",  # hash: resident -> the latest case
    "earlier",  # hash: case id -> a case that was followed by another
    "applied",  # sorted set: input id -> its time
    "deadlines",  # sorted set: case|step -> due time
    "queue",  # sorted set: case -> rank, for the desk
    "held",  # set: residents with a step held back
    "outbox",  # hash: entry's name (offset/...) -> journal entry not known to be published
    "holds",  # hash: hold id -> hold
    "settled",  # hash: resident -> when the case was settled
    "alerted",  # hash: resident -> the alerts that screening has raised
    "ledger",  # hash: name of a total -> its sum over the partition, in fen
    "counts",  # hash: name of a count (domain/statistics/counts) -> number
    "recent",  # sorted set: case -> when it last changed; the latest RECENTLY cases
    "awaited",  # set: dispatches whose result a step waits for
    "unsure",  # set: dispatches that may have been sent by a store that was lost
    "settling",  # string: exists while a worker may still be sending an unsure dispatch
    "raised",  # hash: policy|minute -> number of cases raised, for the breaker
    "closed",  # sorted set: case of `earlier` -> when it last changed
)


def key(name: str, partition: int) -> str:
    """Return the name of a partition's key. The partition is its hash tag, so one script may use all its keys."""
    return f"{name}:{{{partition}}}"


def milliseconds(moment: datetime) -> int:
    """Return a time in ms since 1970, as Redis scores contain it."""
    return round(moment.timestamp() * 1000)


def moment(score: float) -> datetime:
    """Return the UTC datetime of a score in ms since 1970."""
    return datetime.fromtimestamp(score / 1000, UTC)
