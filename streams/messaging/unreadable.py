"""Records of our own topics that nobody can read: passed over, told in the log and counted.

They are read to fill a store, by every worker that starts: one that stopped at a strange record would never start, and
all others would stop there too. What feeds and providers send is another matter: that goes to the dead letters.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from prometheus_client import Counter

from streams.messaging.dead_letter_writer import reason

log = logging.getLogger(__name__)

PASSED_OVER = Counter("quanzu_records_passed_over", "Records of own topics that could not be read", ["topic"])

Read = TypeVar("Read")


def readable(topic: str, offset: int, read: Callable[[], Read]) -> Read | None:
    """What `read` returns; none when it raises ValueError, which tells that the record is not what it should be."""
    try:
        return read()
    except ValueError as error:
        PASSED_OVER.labels(topic).inc()
        log.error("%s, offset %d, cannot be read and is passed over: %s", topic, offset, reason(error))  # noqa: TRY400 - its traceback would show what the record holds
        return None
