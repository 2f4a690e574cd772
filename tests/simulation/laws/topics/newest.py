"""The law of compacted topics: what compaction keeps of the watchlist and of the evidence is the newest state.

Redis decides which state is the newer one, and the topics keep what was written last. So whoever stood still between
the two must not have the last word: a Redis that is lost is restored from it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from domain.risk import version
from domain.risk.sets import precedence
from schemas.base import ANY_VERSION
from schemas.risk.evidence import Evidence, WatchEntry
from tests.simulation.laws.known import Known, known
from tests.simulation.laws.observed import LogRecord, Observed
from tests.simulation.laws.topics.late import died_first, stood_still

ALERTED = b"-alerted"  # ends the keys of what was alerted last, which has no order


def newest_is_last(observed: Observed) -> Iterator[str]:
    """The last record of each key on both topics is not older than another, and the watchlist's is the newest that the
    signals tell of the suspect. A worker that stood still just before its record leaves Kafka, and is killed before it
    could look what is newer, leaves an older piece of evidence: another has counted its batch, nobody screens it again,
    and nobody else knows of the record.
    """
    here = known(observed)
    watched = _by_key(observed, "watchlist")
    yield from _last(here, "watchlist", watched, lambda raw: precedence(_entry(raw)))
    pieces = {name: found for name, found in _by_key(observed, "evidence").items() if not name.endswith(ALERTED)}
    yield from _last(here, "evidence", pieces, lambda raw: version(_piece(raw)))
    yield from _told(here, watched)


def _by_key(observed: Observed, topic: str) -> Mapping[bytes, Sequence[LogRecord]]:
    found: defaultdict[bytes, list[LogRecord]] = defaultdict(list)
    for _, record in observed.topic(topic):
        found[record.key or b""].append(record)
    return found


def _last(
    here: Known, topic: str, found: Mapping[bytes, Sequence[LogRecord]], rank: Callable[[bytes], str]
) -> Iterator[str]:
    for name, records in sorted(found.items()):
        if not records[-1].value:
            continue  # erased
        greatest = max((each for each in records if each.value), key=lambda each: rank(each.value or b""))
        if rank(records[-1].value) < rank(greatest.value or b"") and not _may_stay(here, topic, records[-1]):
            yield (
                f"{topic}: of {name.decode()}, the record at offset {records[-1].offset} ({here.time(records[-1].at)}) "
                f"is the last, and that at {greatest.offset} ({here.time(greatest.at)}) is newer: compaction loses it"
            )


def _may_stay(here: Known, topic: str, last: LogRecord) -> bool:
    """Return True if the last record is one that its writer, which stood still, was killed too soon to put right."""
    if topic != "evidence" or not stood_still(here.observed, last.by, last.at):
        return False
    return died_first(here.observed, last.by, last.at)


def _told(here: Known, watched: Mapping[bytes, Sequence[LogRecord]]) -> Iterator[str]:
    """Each suspect's newest state by the signals is the last record of some key."""
    last = {precedence(_entry(records[-1].value)) for records in watched.values() if records[-1].value}
    for subject, entries in here.signals.suspects.all().items():
        newest = max((each.entry for each in entries), key=precedence)
        if precedence(newest) not in last:
            yield (
                f"watchlist: the newest state of suspect {subject} ({newest.standing.value}, {newest.uid}) is the last "
                "record of no key"
            )


def _entry(raw: bytes) -> WatchEntry:
    return WatchEntry.model_validate_json(raw, extra=ANY_VERSION)


def _piece(raw: bytes) -> Evidence:
    return Evidence.model_validate_json(raw, extra=ANY_VERSION)
