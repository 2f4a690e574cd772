"""Health checks for the operator of the installation, without signing in."""

import asyncio
from typing import Any

from fastapi import Request
from redis.exceptions import RedisError
from starlette.responses import JSONResponse, Response

from console.web.kit.door import Door
from console.web.kit.services import services

door = Door()
ASK_SECONDS = 2.0
AGAIN = {"Retry-After": "5"}


@door.public("GET", "/healthz", name="healthz")
async def healthz(request: Request) -> Response:
    """200: the process runs."""
    return JSONResponse({"status": "ok"})


@door.public("GET", "/readyz", name="readyz")
async def readyz(request: Request) -> Response:
    """200 if the open cases are loaded, the background tasks run and Redis answers; else 503 with the reason."""
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
