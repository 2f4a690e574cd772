"""The law of tables: a change of a record that was acknowledged is not undone by an earlier one that comes late."""

from collections.abc import Iterator

import orjson

from tests.simulation.laws.known import Known, known
from tests.simulation.laws.observed import Change, LogRecord, Observed
from tests.simulation.laws.topics.late import CORRECTS, ON_ITS_WAY, restored


def acknowledged_changes_stay(observed: Observed) -> Iterator[str]:
    """The last record on the topic, which compaction keeps, is of a change that no acknowledged one came after; and a
    store that stood whole long enough has it. A process that dies before it could put its late record right leaves it:
    nobody else knows of it. So does one whose record came before Redis was restored, which then took it from the topic:
    the record is the last one there, and nothing tells it from the change that a lagging replica lost. Redis is
    restored within four seconds, unless the worker that does it is cut off meanwhile: then the record may stay as long.
    """
    here = known(observed)
    for table, name in sorted({(each.table, each.name) for each in observed.changes}):
        made = [each for each in observed.changes if (each.table, each.name) == (table, name)]
        records = [each for _, each in observed.topic(table) if each.key == name.encode() and each.value]
        yield from _undone(here, made, records)
        yield from _not_stored(here, table, name, records)


def _undone(here: Known, made: list[Change], records: list[LogRecord]) -> Iterator[str]:
    last = next((each for each in made if records and each.text == _text(records[-1].value)), None)
    for change in made:
        if not change.done:
            continue
        if last is None:
            yield f"{change.text}, acknowledged at {here.time(change.ended)}, is not the last on {change.table}"
        elif change.began > last.ended + ON_ITS_WAY and not _may_stay(here, last.office, records[-1].at):
            yield (
                f"{change.text} was acknowledged by {change.office} at {here.time(change.ended)}, and the last record "
                f"on {change.table}, written at {here.time(records[-1].at)}, is {last.text}, which {last.office} had "
                f"given up at {here.time(last.ended)}"
            )


def _may_stay(here: Known, office: str, late: float) -> bool:
    """Return True if a worker died, or Redis was lost, before it could correct the record that came late."""
    died = (each.began for each in here.observed.troubles if each.who == office and each.began == each.ended)
    lost = (each for each in here.observed.troubles if each.who == "redis")
    return any(late - ON_ITS_WAY <= each <= late + CORRECTS for each in died) or any(
        each.began <= late + CORRECTS and late <= restored(here.observed, each) for each in lost
    )


def _not_stored(here: Known, table: str, name: str, records: list[LogRecord]) -> Iterator[str]:
    stored = here.observed.tables.get(table, {}).get(name)
    if records and here.observed.ended_at > max(here.observed.whole_at, records[-1].at + ON_ITS_WAY):
        last = _text(records[-1].value)
        if stored is None or _text(stored) != last:
            found = "nothing" if stored is None else _text(stored)
            yield f"the topic {table} ends with {last}, and Redis has {found}"


def _text(value: bytes | None) -> str:
    return str(orjson.loads(value or b"{}").get("name"))
