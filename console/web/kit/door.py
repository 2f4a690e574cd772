"""Doors: routers whose every route says which roles it is for. The access table is read off them, so it has no hole.

A request that writes from a browser carries its session's CSRF token: the form field `csrf`, or X-CSRF-Token.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, Match

from console.web.auth import csrf
from console.web.auth.who import ForbiddenError, NotSignedInError
from console.web.kit.described import FAULTS, Answers
from console.web.kit.services import services
from schemas.people.staff import StaffRole

ROLES = "x-roles"
PUBLIC = frozenset[StaffRole]()
EVERYBODY = frozenset(StaffRole)
DESK = frozenset({StaffRole.OPERATOR, StaffRole.SUPERVISOR})
RELEASES = frozenset({StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR})  # who decides on stops

Endpoint = Callable[..., Any]


class Door:
    """Routes of one part of the console. `prefix` begins with a slash, or is empty."""

    def __init__(self, prefix: str = "") -> None:
        self.router = APIRouter(prefix=prefix)

    def page(self, path: str, roles: Collection[StaffRole], name: str) -> Callable[[Endpoint], Endpoint]:
        """GET, for people: HTML, or what a page needs."""
        return self._route(path, roles, name, ["GET"])

    def act(self, path: str, roles: Collection[StaffRole], name: str) -> Callable[[Endpoint], Endpoint]:
        """POST by a form, or by a page's script."""
        return self._route(path, roles, name, ["POST"])

    def api(
        self, method: str, path: str, roles: Collection[StaffRole], name: str, answers: Answers
    ) -> Callable[[Endpoint], Endpoint]:
        """For other programs as for people; in the OpenAPI description, with what it answers."""
        return self._route(path, roles, name, [method], answers)

    def public(self, method: str, path: str, name: str) -> Callable[[Endpoint], Endpoint]:
        """For whoever is not signed in yet."""
        return self._route(path, PUBLIC, name, [method])

    def _route(
        self, path: str, roles: Collection[StaffRole], name: str, methods: list[str], answers: Answers | None = None
    ) -> Callable[[Endpoint], Endpoint]:
        known = frozenset(roles)

        def add(endpoint: Endpoint) -> Endpoint:
            self.router.add_api_route(
                path,
                endpoint,
                methods=methods,
                name=name,
                include_in_schema=answers is not None,
                status_code=min((each for each in answers or () if isinstance(each, int)), default=None),
                responses=None if answers is None else {**FAULTS, **answers},
                openapi_extra={ROLES: sorted(known)},
                dependencies=[Depends(guard(known))] if known else [],
                response_model=None,
            )
            return endpoint

        return add


def guard(roles: frozenset[StaffRole]) -> Callable[[Request], Awaitable[None]]:
    """Lets those in who are signed in with one of the roles, and whose browser was not led here by another page."""

    async def check(request: Request) -> None:
        who = await services(request).sessions.of(request)
        if who is None:
            raise NotSignedInError
        request.state.who = who
        await request.app.state.limits.person(request, who)
        if who.role not in roles:
            raise ForbiddenError
        if request.method not in ("GET", "HEAD"):
            await csrf.check(request, who)

    return check


def table(app: FastAPI) -> list[tuple[str, str, str, frozenset[StaffRole]]]:
    """Every route: method, path, name, and who may open it; nobody named: everybody, signed in or not.

    Raises ValueError when a route was added past the doors.
    """
    routes = [route.original_route for route in iter_route_contexts(app.routes)]
    return [
        (method, route.path, route.name, _roles(route))
        for route in routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def _roles(route: BaseRoute) -> frozenset[StaffRole]:
    extra = getattr(route, "openapi_extra", None) or {}
    if ROLES not in extra:
        raise ValueError(f"{route} was added past the doors (console/web/kit/door.py): nobody says who may open it")
    return frozenset(StaffRole(name) for name in extra[ROLES])


def opens(app: FastAPI, path: str) -> bool:
    """Whether there is a page at an address."""
    asked = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    return any(route.original_route.matches(asked)[0] is Match.FULL for route in iter_route_contexts(app.routes))
