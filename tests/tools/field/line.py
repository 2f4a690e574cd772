"""A line on embedded servers, with a real worker, on which the days of a file go by as fast as it keeps up.

All contact is held back from the start: nobody in the files is to be called; who is raised is what is looked at.
"""

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence, Set
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from domain.identity.identifiers import new_resident_id
from domain.statistics.report import cases_by_level
from schemas.people.residents import Holding, Occupation, Resident, ResidentId, Sex
from simulators.demo.run import ready
from simulators.demo.workers import Workers
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.intake.acceptor import Intake
from streams.intake.files import intake_file
from streams.intake.formats import Options
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.monitoring.report import conserved, journal_events, outcomes
from streams.operations.rules import begin_hold
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings

START_SECONDS = 20.0  # for servers, residents and worker; the clock shows the first day after it
LOOK_SECONDS = 0.02
STALLED_SECONDS = 60.0

Format = Literal["jsonl", "amlsim", "cdr"]


@dataclass(slots=True)
class Field:
    """The line under way, and the book of what went in."""

    line: Installation
    folder: Path
    first: date
    rows: int = 0
    dead_lettered: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)  # by source
    most_behind: timedelta = timedelta(0)  # of the line's clock, when what happened at a moment was screened

    async def take(self, name: Format, source: str, rows: Sequence[bytes], at: datetime) -> None:
        """When the clock shows `at`, take the rows in by the file intake, and wait until they are screened.

        Raises TimeoutError when signals that were accepted do not come out.
        """
        await self.line.clock.sleep_until(at)
        path = self.folder / f"{source}-{at:%Y-%m-%d}"
        path.write_bytes(b"".join(row + b"\n" for row in rows))
        intake = Intake(self.line.producer, self.line.settings)
        options = Options(start=self.first)
        found = await intake_file(name, path, intake, self.line.settings, self.line.clock, options=options)
        self.rows += found.rows
        self.dead_lettered += found.dead_lettered
        self.reasons.update(found.reasons)
        self.accepted[source] += found.accepted
        await self._screened()
        self.most_behind = max(self.most_behind, self.line.clock.now() - at)

    async def decided(self) -> None:
        """Return when casework has decided all that lies before it now. Raises TimeoutError when it does not."""
        ends = await end_offsets(self.line.settings, topics.CASE_INPUTS.name)

        async def done() -> bool:
            stands = {partition: await self.line.store.offset(partition) for partition in ends}
            return all((stands[partition] or 0) >= end - 1 for partition, end in ends.items())

        await _until(done, "casework")

    async def raised(self) -> set[ResidentId]:
        """Everybody for whom a case was opened."""
        return {entry.event.case.resident for entry in await journal_events(self.line.settings)}

    async def figures(self) -> dict[str, Any]:
        """What went in and what became of it."""
        tallies = await self.line.screening.tallies()
        return {
            "rows": self.rows,
            "accepted": self.accepted.total(),
            "dead_lettered_rows": self.dead_lettered,
            "reasons": dict(self.reasons),
            **outcomes(tallies),
            "by_source": tallies,
            "conservation_holds": conserved(self.accepted, tallies),
            "cases_by_level": cases_by_level(await journal_events(self.line.settings)),
            "most_days_behind": round(self.most_behind / timedelta(days=1), 2),
        }

    async def _screened(self) -> None:
        async def done() -> bool:
            tallies = await self.line.screening.tallies()
            return sum(outcomes(tallies).values()) >= self.accepted.total()

        await _until(done, "screening")


@asynccontextmanager
async def running(first: date, day_seconds: float, people: list[Resident]) -> AsyncIterator[Field]:
    """A line whose clock comes to the first day's midnight (UTC) soon, and takes `day_seconds` for each day."""
    speed = timedelta(days=1).total_seconds() / day_seconds
    clock = Clock(speed, time.time() + START_SECONDS, datetime(first.year, first.month, first.day, tzinfo=UTC))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quanzu-field-")))
        servers = await stack.enter_async_context(Embedded(folder))
        base = Settings(clock=str(clock), metrics_port=0, log_level="WARNING", app_id="field", secret=None)
        settings = servers.settings(base)
        await asyncio.to_thread(topics.create, settings)
        line = Installation(settings, load_channels())
        await line.open()
        stack.push_async_callback(line.close)
        await line.residents.put(people)
        await stack.enter_async_context(Workers(settings, 1))
        await ready(line)
        await begin_hold(line, timedelta(days=3650), "field", "nobody in the files is to be contacted", False, {})
        yield Field(line, folder, first)


def resident(number: int, *, account: str | None = None, phone: str | None = None) -> Resident:
    """A made-up person who holds an account or a telephone, and of whom nothing speaks for or against danger."""
    return Resident(
        id=new_resident_id(number.to_bytes(10, "big")),
        name="某某",
        accounts=[Holding(value=account)] if account else [],
        phones=[Holding(value=phone)] if phone else [],
        birth_year=1950 + number % 50,
        sex=list(Sex)[number % 2],
        occupation=Occupation.EMPLOYEE,
        division="220102",
    )


def share(among: Set[int], raised: Set[int]) -> dict[str, float]:
    """How many of a group are raised."""
    hit = len(among & raised)
    return {"all": len(among), "raised": hit, "percent": round(100 * hit / len(among), 2) if among else 0.0}


def main(about: str, run: Callable[[Path, float], Coroutine[Any, Any, Mapping[str, Any]]], day_seconds: float) -> None:
    """Run on a folder of data, and write the report."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--day-seconds", type=float, default=day_seconds, help="wall seconds for a day of the file")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    began = time.monotonic()
    found = {**asyncio.run(run(given.folder, given.day_seconds)), "seconds": 0.0}
    found["seconds"] = round(time.monotonic() - began, 1)
    text = json.dumps(found, indent=2, ensure_ascii=False)
    print(text)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")


async def _until(done: Callable[[], Coroutine[Any, Any, bool]], who: str) -> None:
    until = time.monotonic() + STALLED_SECONDS
    while not await done():
        if time.monotonic() > until:
            raise TimeoutError(f"{who} did not come to an end within {STALLED_SECONDS:g} s")
        await asyncio.sleep(LOOK_SECONDS)
