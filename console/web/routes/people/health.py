"""Health checks for the operator of the installation, and the time, without signing in."""

import asyncio
from typing import Any

from fastapi import Request
from redis.exceptions import RedisError
from starlette.responses import JSONResponse, Response

from console.web.kit.door import Door
from console.web.kit.services import services
from streams.state.keys import milliseconds

door = Door()
ASK_SECONDS = 2.0
AGAIN = {"Retry-After": "5"}


@door.public("GET", "/healthz", name="healthz")
async def healthz(request: Request) -> Response:
    """Answer 200: the process runs."""
    return JSONResponse({"status": "ok"})


@door.public("GET", "/clock", name="clock")
async def clock(request: Request) -> Response:
    """Return JSON: `now`, the installation's time in ms since 1970. The pages of a demo need it, because a demo's time
    runs faster.
    """
    now = milliseconds(services(request).line.clock.now())
    return JSONResponse({"now": now}, headers={"Cache-Control": "no-store"})


@door.public("GET", "/readyz", name="readyz")
async def readyz(request: Request) -> Response:
    """Answer 200 if the open cases are loaded, the background tasks run and Redis answers; else 503 with the reason."""
    made = services(request)
    if request.app.state.failure.done():
        return JSONResponse({"status": "what follows the cases has ended"}, 503, AGAIN)
    if not made.hub.ready.is_set():
        return JSONResponse({"status": "the cases are not read yet"}, 503, AGAIN)
    redis: Any = made.line.redis
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await redis.ping()
    except (RedisError, OSError, TimeoutError):
        return JSONResponse({"status": "Redis is away"}, 503, AGAIN)
    return JSONResponse({"status": "ready"})
