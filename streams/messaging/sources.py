"""Which sources' names stand in labels of metrics. A feed on Kafka names itself: not every name may make a series."""

from collections.abc import Iterable

from streams.messaging.topics import ALL

OTHER = "other"
FIRST = 64  # where no source is configured: so many that come first have labels of their own
CONSOLE = "console"  # what people of the centre report: no feed, so nobody waits for it
ALWAYS = frozenset(
    {"unknown", CONSOLE, *(topic.name for topic in ALL)}  # a letter whose source cannot be read has its topic's
)


class Labels:
    """The label of each source: its name when it is known, else `other`."""

    def __init__(self, configured: Iterable[str] = ()) -> None:
        self._known = set(configured)
        self._first = 0 if self._known else FIRST

    def of(self, source: str) -> str:
        """The source's label; one of a bounded number."""
        if source in ALWAYS or source in self._known:
            return source
        if self._first == 0:
            return OTHER
        self._first -= 1
        self._known.add(source)
        return source


_labels = Labels()


def know(configured: Iterable[str]) -> None:
    """From here on these sources have labels of their own in this process."""
    global _labels
    _labels = Labels(configured)


def label(source: str) -> str:
    """The label of a source in this process's metrics."""
    return _labels.of(source)
