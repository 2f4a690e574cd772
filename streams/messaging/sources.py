"""Bounds the source names that become metric labels: a feed on Kafka names itself, and each name adds a series."""

from collections.abc import Iterable

from streams.messaging.topics import ALL

OTHER = "other"
FIRST = 64  # if no source is configured: the number of first sources that get their own label
CONSOLE = "console"  # reports by people of the centre: not a feed, so its silence is no outage
ALWAYS = frozenset(
    {"unknown", CONSOLE, *(topic.name for topic in ALL)}  # a dead letter without a readable source has its topic's name
)


class Labels:
    """The metric label of each source: its name if it is configured (or among the first 64), else `other`."""

    def __init__(self, configured: Iterable[str] = ()) -> None:
        self._known = set(configured)
        self._first = 0 if self._known else FIRST

    def of(self, source: str) -> str:
        """Return the source's label: its name, or "other". The number of different labels is bounded."""
        if source in ALWAYS or source in self._known:
            return source
        if self._first == 0:
            return OTHER
        self._first -= 1
        self._known.add(source)
        return source


_labels = Labels()


def know(configured: Iterable[str]) -> None:
    """Set the configured sources, which get their own labels in this process from now on."""
    global _labels
    _labels = Labels(configured)


def label(source: str) -> str:
    """Return the label of a source in this process's metrics: its name, or "other"."""
    return _labels.of(source)
