"""The timers of a worker's upkeep: none of them holds up another."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from agents.failover import Failover, attach
from streams.messaging import topics
from streams.messaging.app import App

OTHERS = ("due_work", "screening", "dispatching", "outside_inputs", "waiting_red", "escalations", "searches")


class _Worker:
    """A worker that has partition 0 of case-inputs, as far as its timers ask it. `work`: the timers."""

    def __init__(self) -> None:
        self.started, self.rebalancing, self.should_stop = True, False, False
        self.early: list[Any] = []
        self.work: list[Any] = []
        mine = [SimpleNamespace(topic=topics.CASE_INPUTS.name, partition=0)]
        self.consumer = SimpleNamespace(assignment=lambda: mine)

    def task(self, timer: Any) -> None:  # noqa: ANN401 - as Faust's
        self.work.append(timer)


async def _nothing(*_: object) -> None:
    return None


async def test_a_store_that_is_restored_for_long_delays_no_alarm_of_an_officer_at_the_door() -> None:
    restoring, looked = asyncio.Event(), asyncio.Event()

    async def restore(_: object) -> None:
        restoring.set()
        await asyncio.Event().wait()

    async def look() -> None:
        looked.set()

    parts: dict[str, Any] = {
        "owners": SimpleNamespace(heartbeat=_nothing, silent=_nothing),
        "shared": SimpleNamespace(ensure=_nothing, remember=_nothing),
        "casework": SimpleNamespace(upkeep=SimpleNamespace(watch=restore)),
        "check_ins": SimpleNamespace(look=look),
    }
    others: dict[str, Any] = dict.fromkeys(OTHERS)
    flow, worker = Failover(**parts, **others), _Worker()
    attach(cast("App", worker), flow)
    running = [asyncio.create_task(timer()) for timer in worker.work]
    try:
        await asyncio.wait_for(restoring.wait(), 10)
        await asyncio.wait_for(looked.wait(), 10)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
