"""What can go wrong at the simulated Asterisk."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Faults:
    """`before`: statuses with which the next requests of a command are answered, and nothing is done; `after`: the same
    after the command was carried out, 0: the connection is cut instead of an answer; `slow`: seconds before each
    answer; `twice`: each event is sent two times; `lost`: types of events that are not sent;
    `unreachable`: seconds until a download of a sound fails, 0: it does not fail. A command is named by its
    method and the last constant part of its path, such as "POST channels".
    """

    before: dict[str, list[int]] = field(default_factory=dict)
    after: dict[str, list[int]] = field(default_factory=dict)
    slow: float = 0.0
    twice: bool = False
    lost: set[str] = field(default_factory=set)
    unreachable: float = 0.0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        command = command_of(request)
        if request.path.endswith("/events"):
            return await handler(request)
        await asyncio.sleep(self.slow)
        if statuses := self.before.get(command):
            return web.json_response({"message": "a fault"}, status=statuses.pop(0))
        answer = await handler(request)
        if not (statuses := self.after.get(command)):
            return answer
        if status := statuses.pop(0):
            return web.json_response({"message": "a fault"}, status=status)
        if request.transport is not None:
            request.transport.abort()
        return answer


def command_of(request: web.Request) -> str:
    """Return the method and the last part of the path's pattern that is no placeholder: "POST play"."""
    resource = request.match_info.route.resource
    parts = resource.canonical.split("/") if resource else []
    names = [part for part in parts if part and not part.startswith("{")]
    return f"{request.method} {names[-1]}" if names else request.method
