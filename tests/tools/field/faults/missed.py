"""What `quanzu doctor --now` says of faults that are really caused in a demo, and how soon. Prints the pages.

python -m tests.tools.field.faults.missed --speed 30 --residents 100
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from schemas.administration.audit import AuditEntry
from schemas.risk.signals import Signal
from simulators.demo.run import Demo, Plan, Running, in_background
from streams.messaging.reader import read_all
from streams.messaging.topics import AUDIT
from streams.monitoring.status.checks import status_page
from streams.monitoring.status.page import Page
from streams.runtime.settings import Settings
from streams.state.keys import FEEDS_SILENT, key
from tests.tools.servers.process import hanging

FEED = "bank-a"
LONGEST_SECONDS = 240.0


class Stoppable:
    """A province of which one feed can be stopped."""

    def __init__(self, province: Any) -> None:  # noqa: ANN401 - whatever feeds
        self._province = province
        self.stopped = False

    def signals_until(self, now: datetime) -> list[Signal]:
        return [each for each in self._province.signals_until(now) if not (self.stopped and each.source == FEED)]


async def run(speed: float, residents: int) -> None:
    """One fault after the other."""
    with tempfile.TemporaryDirectory(prefix="quanzu-missed-") as folder:
        settings = Settings(data=Path(folder), http_port=0, metrics_port=0)
        plan = Plan(timedelta(hours=1), speed, 7, residents, 1)
        async with Demo(settings, plan, Console(stderr=True), lambda *_: "").running() as running:
            source = Stoppable(running.province)
            running.feeders._source = source
            async with in_background(running.feeders.run(running.line.clock.now() + timedelta(days=9))):
                await asyncio.sleep(60)
                await show(running, "all is well")
                await deadline_removed(running)
                await feed_stopped(running, source)
                await redis_paused(running)
                await workers_stopped(running)
                await findings(running)


async def show(running: Running, title: str) -> Page:
    """Print the page."""
    page = await status_page(running.line.settings)
    print(f"\n=== {title}\n{page.answer}")
    for trouble in page.troubles:
        print(f"{trouble.weight.name} {trouble.what}\n       {trouble.do}")
    return page


async def deadline_removed(running: Running) -> None:
    """A deadline that is an hour away is taken out of the store by hand."""
    line, found = running.line, None
    while found is None:
        for partition in range(line.settings.partitions):
            soon = (line.clock.now() + timedelta(hours=1)).timestamp() * 1000
            members = await line.redis.zrange(key("deadlines", partition), soon, "+inf", byscore=True, offset=0, num=1)
            found = (partition, members[0]) if members else found
        await asyncio.sleep(0.2)
    partition, member = found
    await line.redis.zrem(key("deadlines", partition), member)
    seconds = await until(lambda: line.redis.zscore(key("deadlines", partition), member))
    print(f"\na deadline removed by hand was back after {seconds:.1f} s")


async def feed_stopped(running: Running, source: Stoppable) -> None:
    """A feed sends nothing more, then again."""
    source.stopped = True
    seconds = await until(lambda: running.line.redis.hget(FEEDS_SILENT, FEED))
    print(
        f"\n{FEED} stopped: an alarm after {seconds:.1f} s, {seconds * running.line.clock.speed / 60:.1f} simulated min"
    )
    await show(running, f"{FEED} sends nothing")
    source.stopped = False
    seconds = await until(lambda: _cleared(running))
    print(f"\n{FEED} sends again: cleared after {seconds:.1f} s")


async def _cleared(running: Running) -> bool | None:
    return None if await running.line.redis.hexists(FEEDS_SILENT, FEED) else True


async def redis_paused(running: Running) -> None:
    """Redis hangs."""
    pid = int((await running.line.redis.info("server"))["process_id"])
    with hanging(pid):
        began = time.monotonic()
        await show(running, "Redis is stopped (SIGSTOP)")
        print(f"(the page took {time.monotonic() - began:.1f} s)")


async def workers_stopped(running: Running) -> None:
    """No worker runs, for a while."""
    await running.workers.stop()
    await asyncio.sleep(40)
    await show(running, "no worker runs, for 40 s")


async def findings(running: Running) -> None:
    """All that was reported on the audit topic."""
    told = [
        AuditEntry.model_validate_json(each.value or b"") async for each in read_all(running.line.settings, AUDIT.name)
    ]
    print("\n=== the audit topic")
    for entry in told:
        on = entry.on if entry.by == "feeds" else "a case"
        print(f"{entry.at:%H:%M:%S} {entry.by}: {entry.act} {on}: {entry.reason}")


async def until(true: Callable[[], Awaitable[object]]) -> float:
    """Wait until it is there; how long it took (wall seconds). Raises TimeoutError."""
    began = time.monotonic()
    while await true() is None:
        if time.monotonic() - began > LONGEST_SECONDS:
            raise TimeoutError(f"not within {LONGEST_SECONDS:g} s")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, default=30)
    parser.add_argument("--residents", type=int, default=100)
    given = parser.parse_args()
    asyncio.run(run(given.speed, given.residents))


if __name__ == "__main__":
    main()
