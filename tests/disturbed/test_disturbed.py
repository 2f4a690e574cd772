"""A demo whose workers are killed, whose Redis is wiped, whose store raises: nothing is lost, nobody warned twice.

One short round of each, ten with `make disturbed ROUNDS=10`. From round to round providers promise something else.
"""

import signal
from pathlib import Path
from random import Random

import pytest

from simulators.demo import Running
from streams.channels.provider import Kind
from streams.embedded import Embedded
from tests.disturbed.rounds import FIRST, SECOND, Disturb, Round, Row, end, in_the_midst, run

KINDS = (Kind.NEITHER, Kind.ASKABLE, Kind.IDEMPOTENT)
RAISING = (str(Path(__file__).with_name("raising_worker.py")),)


async def killed(running: Running, embedded: Embedded, chance: Random) -> None:
    """One worker by kill -9, another by SIGTERM, each in the midst of a batch. Both are started again."""
    first = await in_the_midst(running, chance, FIRST)
    end(running, first, signal.SIGKILL)
    second = await in_the_midst(running, chance, SECOND)
    end(running, second, signal.SIGTERM)


async def wiped(running: Running, embedded: Embedded, chance: Random) -> None:
    """Redis is flushed, and later comes back from a restart with nothing."""
    await in_the_midst(running, chance, FIRST)
    await running.line.redis.flushall()
    await in_the_midst(running, chance, SECOND)
    embedded.restart_redis(kill=True, wipe=True)


async def left_alone(running: Running, embedded: Embedded, chance: Random) -> None:
    """The worker has its fault in itself."""


async def held(this: Round, disturb: Disturb, rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    row, violations = await run(this, disturb, monkeypatch)
    rows.append(row)
    assert not violations, "\n".join(violations)
    assert row.contacts > 0


async def test_a_worker_killed_and_another_stopped_in_mid_batch_lose_nothing_and_repeat_nothing(
    number: int, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await held(Round("killed", number, KINDS[number % 3], tmp_path), killed, rows, monkeypatch)


async def test_a_redis_flushed_and_wiped_in_mid_demo_loses_nothing_and_repeats_nothing(
    number: int, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await held(Round("wiped", number, KINDS[(number + 1) % 3], tmp_path), wiped, rows, monkeypatch)


async def test_a_store_that_raises_on_every_hundredth_call_loses_nothing_and_repeats_nothing(
    number: int, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await held(Round("raising", number, KINDS[(number + 2) % 3], tmp_path, RAISING), left_alone, rows, monkeypatch)
