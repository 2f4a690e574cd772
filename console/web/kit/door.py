"""Doors: routers whose routes all name the roles that may use them. The access table is made from them and is complete.

A writing request of a browser must carry its session's CSRF token, in the form field `csrf` or the header X-CSRF-Token.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, Match

from console.web.auth import csrf
from console.web.auth.tokens import id_of, is_program
from console.web.auth.who import ForbiddenError, NotSignedInError
from console.web.kit.described import FAULTS, Answers
from console.web.kit.services import services
from console.web.step_up.guard import check_proof
from schemas.administration.security_events import SecurityEventKind
from schemas.people.staff import Scope, StaffRole

ROLES, SCOPES, STEPS_UP = "x-roles", "x-scopes", "x-steps-up"
PUBLIC = frozenset[StaffRole]()
EVERYBODY = frozenset(StaffRole) - {StaffRole.SERVICE}
"""All people: a program has no pages."""

ASKING = frozenset({StaffRole.SYSTEM_ADMINISTRATOR})  # ask for accounts, tokens and webhooks
CONFIRMING = frozenset({StaffRole.SECURITY_ADMINISTRATOR})  # decide on what was asked for
DESK = frozenset({StaffRole.OPERATOR, StaffRole.SUPERVISOR})
SUPERVISORS = frozenset({StaffRole.SUPERVISOR})
RELEASES = frozenset({StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR})  # roles that decide on stop-payments
READ_ORDERS = RELEASES | {StaffRole.AUDITOR}

Endpoint = Callable[..., Any]


class Door:
    """Registers the HTTP routes of one part of the console, each with the roles that may use it. `prefix`: the
    beginning of the routes' paths, with its slash, or "". The routes are in `router`.
    """

    def __init__(self, prefix: str = "") -> None:
        self.router = APIRouter(prefix=prefix)

    def page(self, path: str, roles: Collection[StaffRole], name: str) -> Callable[[Endpoint], Endpoint]:
        """Return a decorator for a GET route for people, which answers with HTML or with data for a page's script.
        `roles`: those that may open it; `name`: the route's name, which is shown in the access table.
        """
        return self._route(path, roles, name, ["GET"])

    def act(
        self, path: str, roles: Collection[StaffRole], name: str, *, by_itself: bool = False, steps_up: str = ""
    ) -> Callable[[Endpoint], Endpoint]:
        """Return a decorator for a POST route for forms and page scripts. `roles`: those that may use it; `name`: the
        route's name, which is shown in the access table.

        `by_itself`: True if an open page sends the request by a timer, so that it does not restart the session's idle
        time. `steps_up`: the Chinese name of a grave act, whose form needs a proof of the person's identity
        (console/web/step_up); "" for other acts.
        """
        return self._route(path, roles, name, ["POST"], by_itself=by_itself, steps_up=steps_up)

    def api(
        self,
        method: str,
        path: str,
        roles: Collection[StaffRole],
        name: str,
        answers: Answers,
        scopes: Collection[Scope],
    ) -> Callable[[Endpoint], Endpoint]:
        """Return a decorator for a route for programs and people, which the OpenAPI description lists. `method`: such
        as "GET"; `roles`: those of people who may use it; `name`: the route's name, which is shown in the access table;
        `answers`: its answers by status; `scopes`: a program's token needs one of them.
        """
        return self._route(path, {*roles, StaffRole.SERVICE}, name, [method], answers, frozenset(scopes))

    def public(self, method: str, path: str, name: str) -> Callable[[Endpoint], Endpoint]:
        """Return a decorator for a route that needs no sign-in. `method`: such as "GET"; `name`: the route's name,
        which is shown in the access table.
        """
        return self._route(path, PUBLIC, name, [method])

    def _route(
        self,
        path: str,
        roles: Collection[StaffRole],
        name: str,
        methods: list[str],
        answers: Answers | None = None,
        scopes: frozenset[Scope] = frozenset(),
        by_itself: bool = False,
        steps_up: str = "",
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
                openapi_extra={
                    ROLES: sorted(known),
                    **({SCOPES: sorted(scopes)} if scopes else {}),
                    **({STEPS_UP: steps_up} if steps_up else {}),
                },
                dependencies=[Depends(guard(known, scopes, by_itself, steps_up))] if known else [],
                response_model=None,
            )
            return endpoint

        return add


def guard(
    roles: frozenset[StaffRole], scopes: frozenset[Scope] = frozenset(), by_itself: bool = False, steps_up: str = ""
) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that admits accounts with one of the roles and, for programs, tokens with one of the scopes,
    and sets `request.state.who`.

    `by_itself`: True if a page sends the request by a timer; `steps_up`: the name of a grave act, "" for another act.
    The dependency raises NotSignedInError, ForbiddenError (wrong role or scope or, for a writing request, no CSRF
    token), TooManyError, or, for a grave act, the errors of `check_proof`, such as StepUpError without a proof. Errors
    of Kafka and Redis pass through it.
    """

    async def check(request: Request) -> None:
        who = await services(request).sessions.of(request, acts=not by_itself and is_act(request))
        if who is None:
            await _note_refused_token(request)
            raise NotSignedInError
        request.state.who = who
        await services(request).staff.names()  # pages show people's names
        await request.app.state.limits.person(request, who)
        if who.role not in roles or (is_program(who) and not who.scopes & scopes):
            raise ForbiddenError
        if request.method not in ("GET", "HEAD"):
            await csrf.check(request, who)
        if steps_up:
            await check_proof(request, who, steps_up)

    return check


def is_act(request: Request) -> bool:
    """Return True if a person sent the request: every writing request, and a GET of a page that the person opened. A
    script's GET is not an act.

    With TLS, browsers state in the header Sec-Fetch-Mode how a GET came about; without it, each GET that accepts HTML
    counts as a person's.
    """
    if request.method not in ("GET", "HEAD"):
        return True
    mode = request.headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else "text/html" in request.headers.get("accept", "")


async def _note_refused_token(request: Request) -> None:
    """Record a security event for a token that is unknown, expired or revoked. `on`: the token's id, if it is known."""
    made = services(request)
    if token := made.sessions.bearer(request):
        number = id_of(token) or ""
        known = await made.staff.token(number)
        login = known.login if known else ""
        await made.security.note(request, SecurityEventKind.TOKEN_REFUSED, login, number if known else "")


def table(app: FastAPI) -> list[tuple[str, str, str, frozenset[StaffRole]]]:
    """Return every route as (method, path, name, roles), in the order in which the routes were added. Empty roles: open
    without sign-in.

    Raises ValueError if a route was added without a Door.
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
    """Return True if a page (a GET route) exists at the path, whoever may open it."""
    asked = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    return any(route.original_route.matches(asked)[0] is Match.FULL for route in iter_route_contexts(app.routes))
