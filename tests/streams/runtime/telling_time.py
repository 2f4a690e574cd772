"""Says again and again what this machine's clock shows, and what the workers' time is."""

import asyncio
import json
import sys
import time

from redis.asyncio import Redis

from streams.runtime.clock import Clock
from streams.runtime.clock_sync import Timekeeper


async def tell(url: str) -> None:
    redis, clock = Redis.from_url(url), Clock()
    await Timekeeper(redis, clock).start()
    while True:
        shown = {"machine": time.time(), "workers": clock.now().timestamp(), "counter": time.monotonic()}
        print(json.dumps(shown), flush=True)
        await asyncio.sleep(0.1)


asyncio.run(tell(sys.argv[1]))
