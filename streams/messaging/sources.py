"""Bounds the number of source names in metric labels. Feeds choose their own names, and each name adds a time
series.
"""

from collections.abc import Iterable

from streams.messaging.topics import ALL

OTHER = "other"
FIRST = 64  # if no source is configured: the number of first sources that get their own label
CONSOLE = "console"  # reports by people of the centre: not a feed, so its silence is no outage
ALWAYS = frozenset(
    {"unknown", CONSOLE, *(topic.name for topic in ALL)}  # a dead letter without a readable source has its topic's name
)


class Labels:
    """The metric label of each source: its name if it is configured, else `other`.

    Without configured sources, the first 64 have their names.
    """

    def __init__(self, configured: Iterable[str] = ()) -> None:
        self._known = set(configured)
        self._first = 0 if self._known else FIRST

    def of(self, source: str) -> str:
        """Return the source's label: its name, or "other" if it is not configured. "unknown", "console" and topics'
        names are always their own label.

        Without configured sources, remembers the first 64 other names that it gets, which are then their own label.
        """
        if source in ALWAYS or source in self._known:
            return source
        if self._first == 0:
            return OTHER
        self._first -= 1
        self._known.add(source)
        return source


_labels = Labels()


def know(configured: Iterable[str]) -> None:
    """Set the configured sources, which have their own labels in this process from now on. Empty: as without
    configured sources. Replaces the earlier ones, and forgets the names that were remembered.
    """
    global _labels
    _labels = Labels(configured)


def label(source: str) -> str:
    """Return the label of a source in this process's metrics: its name, or "other" (see `Labels.of`)."""
    return _labels.of(source)
