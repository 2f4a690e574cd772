"""A console that begins before the workers have built what Redis lost shows every case once it is there."""

import asyncio

from console.web.live.hub import Hub
from tests.console.harness.stage import Stage
from tests.console.queue.test_queue import known, red, yellow
from tests.end_to_end.harness.house import until


async def test_cases_are_shown_though_the_console_began_before_the_store_was_built_anew(console: Stage) -> None:
    line, house, services = console.line(), console.house, console.services
    cases = await known(console, line, await red(line, "220102001"), await yellow(line, "220102001"))
    house.worker.freeze()
    hub = Hub(services.line)
    following: asyncio.Task[None] | None = None
    try:
        await house.line.redis.flushall()
        following = asyncio.create_task(hub.run())
        await asyncio.sleep(1)
        assert not hub.ready.is_set()
    finally:
        house.worker.thaw()
    await asyncio.wait_for(hub.ready.wait(), 60)

    async def shown() -> bool:
        stored = [await services.desk.load(case.id) for case in cases]
        return {case.id: case.version for case in stored if case} == {
            case.id: hub.rows[case.id].case.version for case in cases if case.id in hub.rows
        }

    await until(shown, 30)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert hub.rows[cases[0].id].offered
