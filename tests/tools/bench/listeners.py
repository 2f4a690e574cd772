"""Screens that show the queue: each listens to its events, and notes when it was told of each change.

python -m tests.tools.bench.listeners < given.json

Given is an object: `address` of the console, `tokens` of the sessions (a screen each), and which changes come `last`,
as `case|by`. Says `ready` when all listen, and, when each screen was told of those, a list with an object a screen:
when it was told first of each change (seconds since 1970), by its name. A change that another of the same case overtook
is not told. aiohttp, since it reads HTTP in C: the machine is the console's too.
"""

import asyncio
import re
import sys
import time
from collections.abc import Sequence

import aiohttp
import orjson
from pydantic import BaseModel

from console.web.auth.sessions import COOKIE

BUFFER = 2**20  # bytes: an event is one line
BY = re.compile(r'data-by="([^"]*)"')

Seen = dict[str, float]
"""When a screen was told first of each change, by case and whose it is since."""


class Given(BaseModel):
    """What it is told to do."""

    address: str
    tokens: Sequence[str]
    last: Sequence[str]


async def main(given: Given) -> None:
    """Listen until all has come."""
    async with aiohttp.ClientSession(
        given.address,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=BUFFER,
    ) as session:
        listening = [asyncio.Event() for _ in given.tokens]
        screens = [
            asyncio.ensure_future(_screen(session, token, set(given.last), event))
            for token, event in zip(given.tokens, listening, strict=True)
        ]
        ready = asyncio.ensure_future(_all(listening))
        await asyncio.wait([ready, *screens], return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            print("ready", flush=True)
        seen = await asyncio.gather(*screens)
    print(orjson.dumps(seen).decode(), flush=True)


async def _all(events: Sequence[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


async def _screen(session: aiohttp.ClientSession, token: str, last: set[str], ready: asyncio.Event) -> Seen:
    """One screen. Raises RuntimeError when its stream is refused, ends too soon or tells it to load anew."""
    headers, seen = {"cookie": f"{COOKIE}={token}", "accept": "text/event-stream"}, Seen()
    async with session.get("/queue/rows", params={"count": 1}, headers=headers) as answer:
        mark = (await answer.json())["mark"]
    async with session.get("/queue/events", params={"from": mark}, headers=headers) as stream:
        async for line in stream.content:
            if not line.startswith(b"data: "):
                continue
            now, told = time.time(), orjson.loads(line[len(b"data: ") :])
            if "rows" not in told:
                break
            for row in told["rows"]:
                seen.setdefault(f"{row['id']}|{_by(row['html'])}", now)
            ready.set()
            if seen.keys() >= last:
                return seen
    raise RuntimeError(f"a stream ended ({stream.status}) before {len(last - seen.keys())} changes were told")


def _by(html: str | None) -> str:
    found = BY.search(html or "")
    return found[1] if found else ""


if __name__ == "__main__":
    asyncio.run(main(Given.model_validate_json(sys.stdin.read())))
