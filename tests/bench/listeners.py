"""Screens that show the queue: each listens to its events, and notes when it was told of each change.

python -m tests.bench.listeners < given.json

Given is an object: `address` of the console, `tokens` of the sessions (a screen each), how many `updates` will come.
Says `ready` when all listen, and, when each has had all updates, when that was (seconds since 1970): an object by
`case|by`, of lists with a time for each screen. aiohttp, since it reads HTTP in C: the machine is the console's too.
"""

import asyncio
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

import aiohttp
import orjson
from pydantic import BaseModel

from console.web.auth.sessions import COOKIE

BUFFER = 2**20  # bytes: an event is one line
BY = re.compile(r'data-by="([^"]*)"')

Seen = dict[str, list[float]]
"""When each change was told, by case and whose it is since."""


class Given(BaseModel):
    """What it is told to do."""

    address: str
    tokens: Sequence[str]
    updates: int


async def main(given: Given) -> None:
    """Listen until all has come."""
    seen: defaultdict[str, list[float]] = defaultdict(list)
    async with aiohttp.ClientSession(
        given.address,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=BUFFER,
    ) as session:
        listening = [asyncio.Event() for _ in given.tokens]
        screens = [
            asyncio.ensure_future(_screen(session, token, given.updates, seen, event))
            for token, event in zip(given.tokens, listening, strict=True)
        ]
        ready = asyncio.ensure_future(_all(listening))
        await asyncio.wait([ready, *screens], return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            print("ready", flush=True)
        await asyncio.gather(*screens)
    print(orjson.dumps(seen).decode(), flush=True)


async def _all(events: Sequence[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


async def _screen(session: aiohttp.ClientSession, token: str, updates: int, seen: Seen, ready: asyncio.Event) -> None:
    """One screen. Raises RuntimeError when its stream is refused or ends before all has come."""
    cookie = {"cookie": f"{COOKIE}={token}", "accept": "text/event-stream"}
    async with session.get("/queue/rows", params={"count": 1}, headers=cookie) as answer:
        mark = (await answer.json())["mark"]
    left = updates
    async with session.get("/queue/events", params={"from": mark}, headers=cookie) as stream:
        async for line in stream.content:
            if line.startswith(b"data: "):
                now, told = time.time(), orjson.loads(line[len(b"data: ") :])
                for row in told["rows"]:
                    seen[f"{row['id']}|{_by(row['html'])}"].append(now)
                left -= len(told["rows"])
                ready.set()
            if left <= 0:
                return
        raise RuntimeError(f"the stream ended ({stream.status}) with {left} updates to come")


def _by(html: str | None) -> str:
    found = BY.search(html or "")
    return found[1] if found else ""


if __name__ == "__main__":
    asyncio.run(main(Given.model_validate_json(sys.stdin.read())))
