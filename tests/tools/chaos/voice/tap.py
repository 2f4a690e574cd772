"""A tap on an HTTP connection: passes requests on, and tells of each with its answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.providers import serving
from simulators.providers.base import CutAnswer

ANSWER_SECONDS = 30.0  # longer than any client here waits
OWN = ("host", "content-length")  # headers that each connection has of its own


@dataclass(frozen=True, slots=True)
class Tapped:
    """A request that comes by: its method, headers (in lower case) and body."""

    method: str
    headers: dict[str, str]
    body: bytes


@asynccontextmanager
async def http_tap(target: str, seen: Callable[[Tapped], None]) -> AsyncIterator[str]:
    """Run a tap in front of `target`, a base URL, and yield the tap's. `seen`: is told of each request before it is
    passed on. A target that does not answer is a connection that ends within the answer.
    """

    async def passed(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            return CutAnswer()
        headers = {name: value for name, value in request.headers.items() if name not in OWN}
        seen(Tapped(request.method, headers, body))
        try:
            url = target + request.url.path
            answer = await client.request(request.method, url, content=body, headers=headers, timeout=ANSWER_SECONDS)
        except httpx.HTTPError:
            return CutAnswer()
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    async with httpx.AsyncClient() as client:
        routes = [Route("/{path:path}", passed, methods=["GET", "POST"])]
        async with serving(Starlette(routes=routes)) as address:
            yield address
