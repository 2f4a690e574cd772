"""10,000 open cases: how soon the queue is painted, how late an update is on other screens, what an hour leaves behind.

Prints the figures: pytest tests/browser/test_ten_thousand.py -s
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from console.web.app import create_app
from console.web.kit.serve import serving
from console.web.kit.settings import ConsoleSettings
from schemas.casework.cases import Case
from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.console.harness.open_cases import fill, taken
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.house import house, until

pytestmark = pytest.mark.long

CASES = 10_000
LOADS = 7
UPDATES = 150
APART_SECONDS = 0.05  # between two updates that are timed
HOUR = 3600  # updates: one a second
BATCH = 60  # of those of an hour at once
# What the console promises holds on a machine that does nothing else (QUANZU_QUIET=1). On two cores at a load of 14 the
# first paint took 436 ms and an update 3.9 s, mostly waiting for a core: so wider bounds there. The first paint has
# 600 ms times what the machine takes for other work in the same run. The bounds find what is slow by its kind (all rows
# rendered, all sorted for each who looks), and nothing finer.
QUIET = bool(os.environ.get("QUANZU_QUIET"))
SLACK = 1 if QUIET else 5
FIRST_PAINT_MS, BUSY_PAINT_MS = 300, 600
WITHIN_MS = 1000 * SLACK
GROWN = 1.25  # of the heap by an hour's updates, at most, and some for what is made once
ONCE = 2 * 1024 * 1024
WATCH = """() => {
  window.seen = [];
  new MutationObserver((changes) => {
    const told = changes.map(({ target }) => [target.dataset.id, target.dataset.by]);
    requestAnimationFrame(() => { for (const one of told) window.seen.push([...one, Date.now()]); });
  }).observe(document.getElementById("rows"), { subtree: true, attributeFilter: ["data-by"] });
}"""


# What the queue's route costs is CPU time of this process, which serves it, by that of a yardstick in the same run: so
# the bar holds on a slow or busy machine too. On two cores of 2026 a yardstick is 2.9 ms, and the bar 116 ms.
YARDSTICK_SECONDS = 0.0029
ROUTE_YARDSTICKS = 40.0  # at most, of nineteen of twenty requests
REQUESTS = 60
SPAN = timedelta(seconds=31)  # after it the queue is put in order anew
ROUTES = ("/queue", "/queue?state=all", "/queue?area=220102&level=red", "/queue/rows?offset=5000&count=200")


@dataclass
class Sent:
    """An update, and when it was sent (epoch ms)."""

    case: str
    by: str
    at: float


@pytest.mark.timeout(900)
async def test_ten_thousand_open_cases(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    async with crowded(tmp_path_factory.mktemp("crowded")) as stage:
        people = People(stage, browser, tmp_path_factory.mktemp("no-pictures"))
        try:
            before = strain()
            figures = await measured(stage, people)
            slack = max(before, strain())
        finally:
            await people.close()
    paint = FIRST_PAINT_MS if QUIET else min(SLACK * FIRST_PAINT_MS, slack * BUSY_PAINT_MS)
    figures["bars"] = {"strain": round(slack, 2), "first_paint_ms": round(paint), "update_ms": WITHIN_MS}
    with capsys.disabled():
        print(json.dumps(figures, indent=2))
    assert people.errors == []
    assert figures["first_paint_ms"]["median"] < paint
    assert figures["update_ms"]["p99"] < WITHIN_MS
    assert figures["heap_bytes"]["after"] < GROWN * figures["heap_bytes"]["before"] + ONCE
    assert figures["nodes"]["after"] < GROWN * figures["nodes"]["before"]


async def measured(stage: Stage, people: People) -> dict[str, Any]:
    """All that is asked for, as one report."""
    page = await people.page(StaffRole.OPERATOR)
    painted = [await first_paint(page) for _ in range(LOADS)]
    screens = [page, *[await watching(people) for _ in range(2)]]
    late = await delays(stage, screens[1:])
    before = await memory(page)
    began = time.monotonic()
    await an_hour(stage, page)
    seconds = time.monotonic() - began
    after = await memory(page)
    return {
        "open_cases": len(stage.services.hub.rows),
        "first_paint_ms": {"median": statistics.median(painted), "each": painted},
        "update_ms": {"p50": rank(late, 50), "p99": rank(late, 99), "most": max(late), "updates": len(late)},
        "hour": {"updates": HOUR, "seconds": round(seconds, 1)},
        "heap_bytes": {"before": before["JSHeapUsedSize"], "after": after["JSHeapUsedSize"]},
        "nodes": {"before": before["Nodes"], "after": after["Nodes"]},
    }


async def test_the_route_of_ten_thousand_cases_costs_few_yardsticks_of_cpu_time(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with crowded(tmp_path_factory.mktemp("route")) as stage, await stage.signed_in(StaffRole.OPERATOR) as client:
        transport = httpx.ASGITransport(app=stage.app)
        async with httpx.AsyncClient(transport=transport, base_url=stage.address, headers=client.headers) as direct:
            yardstick = statistics.median(yardsticks())
            found = {route: await costs(stage, direct, route) for route in ROUTES}
    with capsys.disabled():
        print(f"a yardstick: {yardstick * 1000:.1f} ms of CPU time")
        for route, (cpu, waited) in found.items():
            told = f"CPU p50 {rank(cpu, 50) * 1000:.1f} ms, p95 {rank(cpu, 95) * 1000:.1f} ms"
            print(f"{route}: {told}; with waiting p95 {rank(waited, 95) * 1000:.0f} ms")
    assert {route: rank(cpu, 95) / yardstick <= ROUTE_YARDSTICKS for route, (cpu, _) in found.items()} == dict.fromkeys(
        ROUTES, True
    )


async def costs(stage: Stage, client: httpx.AsyncClient, route: str) -> tuple[list[float], list[float]]:
    """Seconds of CPU time, and in all, of each of REQUESTS requests. Before every third the order is due."""
    cpu, waited = [], []
    for number in range(REQUESTS):
        if number % 3 == 0:
            stage.house.clock.move_to(stage.house.clock.now() + SPAN)
        worked, began = time.process_time(), time.perf_counter()
        answer = await client.get(route)
        cpu.append(time.process_time() - worked)
        waited.append(time.perf_counter() - began)
        assert answer.status_code == 200
    return cpu, waited


def strain() -> float:
    """How many times as long as two idle cores of 2026 this machine takes now for some work, waiting for a core
    included; at least 1.
    """
    began = time.perf_counter()
    many = len(yardsticks(150))
    return max(1.0, (time.perf_counter() - began) / many / YARDSTICK_SECONDS)


def yardsticks(times: int = 15) -> list[float]:
    """Seconds of CPU time of some fixed work, several times."""
    found = []
    for _ in range(times):
        began = time.process_time()
        sum(number * number for number in range(100_000))
        found.append(time.process_time() - began)
    return found


async def first_paint(page: Page) -> float:
    """Milliseconds from the navigation to the first contentful paint."""
    await page.goto("/queue")
    await expect(page.locator("#rows tr.case").first).to_be_visible()
    painted = "performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime)"
    await page.wait_for_function(f"() => {painted}.length > 0")
    return round(float((await page.evaluate(painted))[0]), 1)


async def watching(people: People) -> Page:
    """Another screen, which notes when each change of who has a case was painted."""
    page = await people.page(StaffRole.OPERATOR)
    await page.goto("/queue")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await page.evaluate(WATCH)
    return page


async def delays(stage: Stage, screens: Sequence[Page]) -> list[float]:
    """Milliseconds from an update's being sent to its being painted, of each update and screen."""
    cases, *_ = [await on_screen(stage, screen, UPDATES // 2) for screen in screens]
    planned = [(case, f"op-{number}", take) for take in (True, False) for number, case in enumerate(cases)]
    sent = []
    for case, by, take in planned:
        sent.append(Sent(case.id, by if take else "", time.time() * 1000))
        await send(stage, [(case, by, take)])
        await asyncio.sleep(APART_SECONDS)  # the pace at which they are sent, not a wait for something
    found = []
    for screen in screens:
        await screen.wait_for_function(f"() => seen.filter(([, by]) => by === '').length >= {len(cases)}")
        seen = {(case, by): at for case, by, at in reversed(await screen.evaluate("seen"))}
        found += [seen[each.case, each.by] - each.at for each in sent]
    return found


async def an_hour(stage: Stage, page: Page) -> None:
    """As many updates as an hour has at one a second, one batch after the other, until the page shows the last."""
    cases = await on_screen(stage, page, BATCH)
    for number in range(HOUR // BATCH):
        by, take = f"hour-{number // 2}", number % 2 == 0
        await send(stage, [(case, by, take) for case in cases])
        await until(partial(_all_held, stage, cases, by if take else None), 60)
    last = cases[-1]
    await send(stage, [(last, "the-last", True)])
    await expect(page.locator(f"tr[data-id='{last.id}']")).to_have_attribute("data-by", "the-last", timeout=60_000)


async def on_screen(stage: Stage, page: Page, number: int) -> list[Case]:
    """Cases among those that the page shows."""
    rows = page.locator("#rows tr.case")
    if await rows.count() < number:
        await page.locator("#more").click()
        await expect(rows.nth(number - 1)).to_be_attached()
    ids = await rows.evaluate_all("rows => rows.map((row) => row.dataset.id)")
    assert len(ids) >= number
    return [stage.services.hub.rows[each].case for each in ids[:number]]


async def send(stage: Stage, updates: Sequence[tuple[Case, str, bool]]) -> None:
    """Somebody takes a case, or gives it back: inputs of the line, as the desk writes them."""
    now, partitions = stage.house.clock.now(), stage.house.settings.partitions
    await stage.house.line.producer.send_all([taken(*update, now, partitions) for update in updates])


async def memory(page: Page) -> dict[str, float]:
    """The page's metrics after its rubbish was collected."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    for _ in range(3):
        await session.send("HeapProfiler.collectGarbage")
    told = await session.send("Performance.getMetrics")
    await session.detach()
    return {metric["name"]: metric["value"] for metric in told["metrics"]}


def rank(values: Sequence[float], percent: int) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]


# ---------------------------------------------------------------- the province


@asynccontextmanager
async def crowded(data: Path) -> AsyncIterator[Stage]:
    """A console on a line whose store has 10,000 open cases in one prefecture."""
    async with house(data) as started:
        await fill(started.line, started.clock.now(), CASES)
        wanted = ConsoleSettings.model_validate({"port": 0})
        app = create_app(started.line, wanted)
        async with serving(app, wanted) as address:
            stage = Stage(started, app, address)
            await stage.services.hub.ready.wait()
            yield stage


async def _all_held(stage: Stage, cases: Sequence[Case], by: str | None) -> bool:
    """Whether the hub knows that these cases are this person's, or nobody's."""
    return all(stage.services.hub.rows[case.id].case.claimed_by == by for case in cases)
