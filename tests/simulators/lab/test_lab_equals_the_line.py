"""What the line decided in a recorded hour the laboratory decides too: every case event, and every alert.

An alert hangs on what was screened before it, over all partitions: the worker writes its order down (noting_worker),
and the laboratory takes it from there. So no comparison hangs on how fast anything was.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from rich.console import Console

from domain.policy import Policy, load
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import Alert, CaseInput, input_adapter
from schemas.people.residents import Resident
from schemas.risk.signals import Signal, batch_adapter
from simulators.demo.run import Demo, Plan, Running, drained, ready
from simulators.lab.replay import cases
from simulators.lab.screening import Screening
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.monitoring.report import journal_events, outcomes
from streams.runtime.settings import Settings
from streams.state.keys import moment
from tests.simulators.lab.noting_worker import NOTES, Note

SPEED, SECONDS = 60, 60.0  # an hour
WORKER = ("-m", "tests.simulators.lab.noting_worker")

pytestmark = pytest.mark.timeout(1200)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What lay on the topics at the end; inputs by partition, each with its offset."""

    policy: Policy
    secret: bytes
    people: list[Resident]
    events: list[CaseEvent]
    inputs: dict[int, list[tuple[int, CaseInput]]]
    records: dict[tuple[TopicPartition, int], list[Signal]]
    notes: list[Note]  # in the order in which it was screened


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return asyncio.run(hour(tmp_path_factory.mktemp("recorded")))


class Patient(Demo):
    """On a machine that is full a worker takes minutes to be ready."""

    async def ready(self, line: Installation) -> None:
        while True:
            with suppress(TimeoutError):
                return await ready(line)


async def hour(folder: Path) -> Recorded:
    """An hour of a demo, with operators who work and officers who go."""
    settings = Settings(data=folder, http_port=0, metrics_port=0, log_level="ERROR", app_id="recorded")
    plan = Plan(timedelta(seconds=SECONDS), SPEED, residents=1500, workers=1, worker=WORKER)
    async with Patient(settings, plan, Console(quiet=True), lambda *_: "").running() as running:
        await running.feeders.run(running.line.clock.now() + plan.length * SPEED)
        await screened(running)
        await running.workers.stop()
        notes = await asyncio.to_thread((folder / "worker-0" / NOTES).read_text, "utf-8")
        return await read(running, [Note.model_validate_json(line) for line in notes.splitlines()])


async def screened(running: Running) -> None:
    """Return when all is screened, however long that takes: on a machine that is full it is minutes."""
    while sum(outcomes(await running.line.screening.tallies()).values()) < running.feeders.accepted.total():
        await drained(running)


async def read(running: Running, notes: list[Note]) -> Recorded:
    settings = running.line.settings
    events = [entry.event for entry in await journal_events(settings)]
    return Recorded(
        load(settings.policy.read_text("utf-8")),
        settings.key(),
        list(running.province.people),
        sorted(events, key=lambda event: (event.partition, event.offset)),
        await inputs(settings),
        {place: signals for lane in topics.LANES for place, signals in (await records(settings, lane.name)).items()},
        notes,
    )


async def inputs(settings: Settings) -> dict[int, list[tuple[int, CaseInput]]]:
    found: dict[int, list[tuple[int, CaseInput]]] = defaultdict(list)
    async for record in read_all(settings, topics.CASE_INPUTS.name):
        found[record.partition].append((record.offset, input_adapter.validate_json(record.value or b"")))
    return dict(found)


async def records(settings: Settings, lane: str) -> dict[tuple[TopicPartition, int], list[Signal]]:
    return {
        (TopicPartition(lane, record.partition), record.offset): batch_adapter.validate_json(record.value or b"")
        async for record in read_all(settings, lane)
    }


def test_every_case_event_of_the_hour_is_decided_alike(recorded: Recorded) -> None:
    assert len(recorded.events) > 300
    assert len({event.case.id for event in recorded.events}) > 60
    for partition, given in recorded.inputs.items():
        told = [event for event in recorded.events if event.partition == partition]
        until = [each for each in given if each[0] <= told[-1].offset]  # what came later may not be decided yet
        made = [entry for entry in cases(partition, until, recorded.policy) if isinstance(entry, CaseEvent)]
        assert [event.id for event in made] == [event.id for event in told]
        for mine, theirs in zip(made, told, strict=True):  # the laboratory decides each input by itself
            assert mine == theirs.model_copy(update={"commit": mine.commit})


def test_every_alert_of_the_hour_is_told_alike(recorded: Recorded) -> None:
    again = Again(recorded)
    last = recorded.notes[-1].now  # what came after it was cut short
    told = [each for inputs in recorded.inputs.values() for _, each in inputs if isinstance(each, Alert)]
    theirs = {each.id: each for each in told if each.at <= last and each.resident not in again.unsure}
    mine = {each.id: each for each in again.told if each.resident not in again.unsure}
    assert len(theirs) > 120
    assert len({each.resident for each in theirs.values()}) > 60
    assert mine.keys() == theirs.keys()
    for name, alert in mine.items():
        assert alert == theirs[name]


class Again:
    """The hour screened by the laboratory, in the line's own order.

    `unsure`: of whom screening told something in the very moment in which his case was settled, or told it again since
    Kafka or Redis did not answer in time. Nobody, as a rule.
    """

    def __init__(self, recorded: Recorded) -> None:
        self._recorded, self._settled = recorded, dict[str, datetime]()
        self._screening = Screening(recorded.people, recorded.policy.risk, recorded.secret)
        self.unsure: set[str] = set()
        self.told = [alert for note in recorded.notes for alert in self._alerts(note)]

    def _alerts(self, note: Note) -> Iterator[Alert]:
        self.unsure |= note.broken
        for resident, since in note.settled.items():
            if self._settled.get(resident) != since:
                self._screening.settled(resident, since)
                self._settled[resident] = since
                self.unsure |= {resident} & note.told_of
        for resident, loss in note.lost.items():
            self._screening.lost(resident, loss)
        for resident, due in note.due.items():
            yield from self._screening.again(resident, note.now, moment(due))
        if note.lane:
            tp = TopicPartition(note.lane, note.partition)
            yield from self._screening.record(tp, note.offset, self._recorded.records[tp, note.offset], note.now)
