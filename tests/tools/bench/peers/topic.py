"""The topic that all peers read: a province's ordinary life with somebody in danger in each record, in one partition.

One partition, so that no peer has to bring what is about one resident together from several.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import cycle
from pathlib import Path

from domain.identity.identifiers import account_token
from schemas.people.residents import Resident
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.signals import BATCH_LIMIT, Signal, batch_adapter
from simulators.population.people import people
from streams.runtime.settings import Settings
from tests.tools.field.load.load import batches
from tests.tools.field.stories import MULE, SIGNALS, Kind, cast

SEED = 7
CROWD = 20_000  # residents in whose ordinary life nothing happens
KINDS = (Kind.CALL_AND_PAYEE, Kind.SUSPECT_PAYEE, Kind.SHORT_CALL)


@dataclass(frozen=True, slots=True)
class Topic:
    """Records, each of BATCH_LIMIT signals, and of each who is in danger in it; the register and the watchlist."""

    records: Sequence[bytes]
    endangered: Sequence[Resident]
    people: Sequence[Resident]
    watch: Sequence[WatchEntry]

    def write(self, folder: Path) -> None:
        """The reference data, as files that programs read as they start."""
        folder.mkdir(parents=True, exist_ok=True)
        _lines(folder / "residents.jsonl", self.people)
        _lines(folder / "watch.jsonl", self.watch)


def made(count: int, settings: Settings) -> Topic:
    """So many records. Each program gets the same: what is in them depends on the seed and the moment only."""
    now = datetime.now(UTC).replace(microsecond=0)
    crowd = people(SEED, CROWD + 2 * count, date(2026, 1, 1), settings.key())
    chosen = cast(crowd[CROWD:])[:count]
    stories = [SIGNALS[kind](who, now) for who, kind in zip(chosen, cycle(KINDS), strict=False)]
    size = BATCH_LIMIT - max(map(len, stories))
    ordinary = batches(crowd[:CROWD], 1, size, SEED, count)
    records = [
        _joined(batch.stamped(number, now).value or b"", story)
        for number, (batch, story) in enumerate(zip(ordinary, stories, strict=True))
    ]
    return Topic(records, chosen, crowd, [_confirmed(settings, now)])


def _joined(value: bytes, story: Sequence[Signal]) -> bytes:
    return value[:-1] + b"," + batch_adapter.dump_json(list(story))[1:]


def _confirmed(settings: Settings, now: datetime) -> WatchEntry:
    subject = f"account:{account_token(settings.key(), MULE)}"
    return WatchEntry(subject=subject, standing=WatchStatus.CONFIRMED, at=now, uid="police:w1")


def _lines(file: Path, entries: Iterator[Resident] | Sequence[Resident] | Sequence[WatchEntry]) -> None:
    file.write_text("".join(each.model_dump_json() + "\n" for each in entries), encoding="utf-8")
