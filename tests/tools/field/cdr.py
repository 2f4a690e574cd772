"""Nine subscribers' call detail records on the real line: every row counted, and what becomes of the nine.

python -m tests.tools.field.cdr FOLDER --report out.json      FOLDER holds the nine *.csv.gz

The subscribers are made-up residents of Jilin who hold the nine numbers. The records of a day go in when it is over.
Nearly all numbers in the files are abroad, so to a carrier in Jilin nearly every call is one from overseas: the
figures say what the line does with half a year of calls, not how well it tells scams from other calls.
"""

import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.identity.identifiers import normal_phone
from schemas.people.residents import ResidentId
from streams.monitoring.report import journal_events
from tests.tools.field.line import Field, main, resident, running

DAY_SECONDS = 1.0
TIME, DIRECTION, CALLING, CALLED = 3, 4, 6, 7  # columns


def read(path: Path) -> tuple[str, bytes, list[bytes]]:
    """The subscriber's number, the header, and the rows. Raises OSError or IndexError when it is no such file."""
    header, *rows = gzip.decompress(path.read_bytes()).splitlines()
    numbers: Counter[bytes] = Counter()
    for row in rows:
        fields = row.split(b",")
        numbers[fields[CALLING] if fields[DIRECTION] == b"MO" else fields[CALLED]] += 1
    return normal_phone(numbers.most_common(1)[0][0].decode()), header, rows


def by_day(rows: Iterable[bytes]) -> dict[date, list[bytes]]:
    """Rows by their day, in the order of their time."""
    days: defaultdict[date, list[bytes]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.split(b",")[TIME]):
        days[date.fromisoformat(row.split(b",")[TIME][:10].decode())].append(row)
    return dict(days)


async def run(folder: Path, day_seconds: float) -> dict[str, Any]:
    """Let the files' days go by, and look what became of the subscribers."""
    files = _files(folder)
    people = {name: resident(number, phone=file[0]) for number, (name, file) in enumerate(files.items())}
    header = next(iter(files.values()))[1]
    days = by_day(row for _, _, rows in files.values() for row in rows)
    async with running(min(days), day_seconds, list(people.values())) as field:
        for day, rows in sorted(days.items()):
            await field.take("cdr", "cdr", [header, *rows], _end(day))
        await field.decided()
        cases = await _cases(field)
        return {**await field.figures(), "subscribers": {name: cases.get(one.id, {}) for name, one in people.items()}}


def _files(folder: Path) -> dict[str, tuple[str, bytes, list[bytes]]]:
    return {path.name.removesuffix(".csv.gz"): read(path) for path in sorted(folder.glob("*.csv.gz"))}


async def _cases(field: Field) -> dict[ResidentId, dict[str, Any]]:
    """Of each resident with a case: how many cases, and the gravest level with the day on which it was reached."""
    found: dict[ResidentId, dict[str, Any]] = {}
    for entry in await journal_events(field.line.settings):
        case = entry.event.case
        known = found.setdefault(case.resident, {"cases": set(), "level": case.level, "on": entry.event.at.date()})
        known["cases"].add(case.number)
        if case.level.rank > known["level"].rank:
            known |= {"level": case.level, "on": entry.event.at.date()}
    return {
        who: {"cases": len(known["cases"]), "level": known["level"].value, "on": known["on"].isoformat()}
        for who, known in found.items()
    }


def _end(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


if __name__ == "__main__":
    main(__doc__, run, DAY_SECONDS)
