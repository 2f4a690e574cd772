"""The access table: every route for every role, in its own area and with another prefecture's things."""

import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import product
from typing import NamedTuple
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from console.web.auth import csrf, webhook_forms
from console.web.auth.sessions import COOKIE
from console.web.kit.door import table
from schemas.administration.security_events import SecurityEvent, SecurityEventKind
from schemas.people.staff import Scope, StaffRole
from streams.messaging import topics
from streams.messaging.reader import read_all
from tests.channel_rig import until
from tests.console.harness.softphone import Softphone
from tests.console.harness.stage import Stage
from tests.console.harness.world import Thing, World, form, made, note, unlimited
from tests.documents.records import held

# Whoever is not signed in may open these, and no others.
PUBLIC = {
    *(
        "healthz",
        "readyz",
        "clock",
        "language",
        "guest",
        "sign-in",
        "sign-in-password",
        "sign-in-code",
        "sign-in-code-given",
        "sign-in-key",
        "sign-in-new-password",
    ),
    *("sign-in-new-password-given", "sign-in-set-up", "sign-in-set-up-given", "sign-in-oidc", "sign-in-oidc-back"),
    *("roster-feed", "tasks-worker", "tasks-manifest"),
}
# Of a role, and of the whole province only: somebody of a prefecture is refused, and somebody of the province is not.
WHOLE_PROVINCE = {
    *("policy-draft-publish", "policy-shadow", "policy-shadow-end", "policy-back", "official"),
    *("experiments", "experiment-stop"),
}
# These end the session and lead to the sign-in, or answer 401 to a wrong password or key: to whoever is let in.
LEADS_OUT = {"sign-out", "account-sign-out-everywhere", "account-password", "account-key-add"}
PROGRAMS = {"api-act"}  # take JSON, and their Idempotency-Key
# What a token opens, by its scope, and nothing else.
OF_PROGRAMS = {
    "api-description": set(Scope),
    "api-cases": {Scope.READ_CASES},
    "api-case": {Scope.READ_CASES},
    "api-stream": {Scope.FOLLOW_CASES},
    "api-act": {Scope.NOTE, Scope.ACT},
    "api-call-rings": {Scope.RING},
}
# A colleague's call, which one may have lost a moment ago; a campaign is of many areas.
OF_NO_AREA = {"call_id", "campaign"}
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
NOBODY, REFUSED = 401, 403
JSON = {"accept": "application/json"}
ALTERS = re.compile(rb'("[a-z_]+":\s*"?[0-9a-f.:TZ+-]{6,}"?)|([0-9a-f]{16,})|(data-now="\d+")')


class Route(NamedTuple):
    """A line of the table."""

    method: str
    path: str
    name: str
    roles: frozenset[StaffRole]

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)

    def address(self, named: dict[str, str]) -> str:
        return PARAMETER.sub(lambda found: named[found[1]], self.path)


class Asked(NamedTuple):
    """A request: its address, and what its form names besides the usual."""

    address: str
    fields: dict[str, str]


class Answer(NamedTuple):
    """What came back, without what differs from answer to answer."""

    status: int
    where: str
    body: bytes


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(console: Stage) -> AsyncIterator[World]:
    console.services.telephone = Softphone()
    yield await made(console)
    console.services.telephone = None


def routes(console: Stage) -> list[Route]:
    return [Route(*each) for each in table(console.app)]


async def asked(client: httpx.AsyncClient, route: Route, what: Asked, headers: dict[str, str] | None = None) -> Answer:
    """One real request; of a stream only its beginning."""
    sent: dict[str, object] = {"headers": headers}
    if route.name in PROGRAMS:
        sent = {"json": note(), "headers": {**(headers or {}), "Idempotency-Key": secrets.token_hex(10)}}
    elif route.method == "POST":
        sent["data"] = form(**what.fields)
    async with client.stream(route.method, what.address, **sent) as answer:  # type: ignore[arg-type]  # as httpx has them
        streams = "text/event-stream" in answer.headers.get("content-type", "")
        raw = b"" if streams else (await answer.aread()).replace(quote(what.address).encode(), b"")
        return Answer(answer.status_code, answer.headers.get("location", ""), ALTERS.sub(b"", raw))


def things(world: World, route: Route) -> dict[str, Thing]:
    """What the route's parameters may be. Fails for one that nobody has told of."""
    found = {name: world.thing(route.name, name) for name in route.parameters}
    unknown = [name for name, thing in found.items() if thing is None]
    assert not unknown, (
        f"{route.method} {route.path} ({route.name}): tell tests/console/harness/world.py what {unknown} may be"
    )
    return {name: thing for name, thing in found.items() if thing is not None}


def filled(world: World, route: Route, role: StaffRole) -> Iterator[tuple[str, Asked]]:
    """The route's requests: with things of one's own area, of another's, of nobody."""
    known, named = things(world, route), world.fields.get(route.name, {})

    def own(of: dict[str, Thing]) -> dict[str, str]:
        return {name: thing.mine(role) for name, thing in of.items()}

    def foreign(of: dict[str, Thing]) -> dict[str, str]:
        return {name: thing.foreign or thing.mine(role) for name, thing in of.items()}

    def missing(of: dict[str, Thing]) -> dict[str, str]:
        return {name: thing.missing if thing.foreign else thing.mine(role) for name, thing in of.items()}

    yield "own", Asked(route.address(own(known)), own(named))
    if any(thing.foreign for thing in known.values()):
        yield "foreign", Asked(route.address(foreign(known)), foreign(named))
        yield "missing", Asked(route.address(missing(known)), missing(named))


async def test_whoever_is_not_signed_in_may_open_what_is_public_and_nothing_else(console: Stage, world: World) -> None:
    open_ones = {route.name for route in routes(console) if not route.roles}
    assert open_ones <= PUBLIC
    async with httpx.AsyncClient(base_url=console.address, headers=JSON, timeout=60) as client:
        for route in routes(console):
            _, what = next(filled(world, route, StaffRole.OPERATOR))
            answer = await asked(client, route, what)
            assert answer.status == NOBODY if route.roles else answer.status < 500, (route, answer.status)


@pytest.mark.timeout(900)
async def test_every_route_is_open_to_its_roles_in_their_area_and_to_nobody_else(console: Stage, world: World) -> None:
    guarded = [route for route in routes(console) if route.roles]
    # What writes comes last: it may end what is looked at before.
    guarded.sort(key=lambda route: route.method != "GET")
    holes, done = list[str](), Counter[str]()
    async with httpx.AsyncClient(base_url=console.address, timeout=60) as client:
        for route, role in product(guarded, StaffRole):
            answers = {}
            for which, what in filled(world, route, role) if role in route.roles else [("any", _any(world, route))]:
                answers[which] = await asked(client, route, what, await _headers(world, role))
                done[which] += 1
            holes += [f"{role}: {route.method} {route.path}: {hole}" for hole in _holes(route, answers)]
    print(f"{len(guarded)} routes × {len(StaffRole)} roles: {done.total()} requests {dict(done)}, {len(holes)} holes")
    assert holes == [], "\n".join(holes)


@pytest.mark.timeout(600)
async def test_each_attempt_on_what_is_another_area_s_is_told(console: Stage, world: World) -> None:
    wanted = set[tuple[str, str]]()
    async with httpx.AsyncClient(base_url=console.address, timeout=60) as client:
        for route in routes(console):
            if not {name for name, thing in things(world, route).items() if thing.foreign} - OF_NO_AREA:
                continue
            for role in route.roles:
                requests = dict(filled(world, route, role))
                if (await asked(client, route, requests["foreign"], await _headers(world, role))).status == 404:
                    wanted.add((world.people[role].login, route.name))
    assert len({name for _, name in wanted}) > 60
    untold = wanted

    async def all_told() -> bool:
        records = read_all(console.house.settings, topics.SECURITY_EVENTS.name)
        found = [SecurityEvent.model_validate_json(record.value or b"") async for record in records]
        told = {(each.who, each.on or "") for each in found if each.kind is SecurityEventKind.FORBIDDEN}
        untold.difference_update(told)
        return not untold

    with suppress(TimeoutError):
        await until(all_told)
    assert sorted(untold) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scope", Scope)
async def test_a_token_opens_what_its_scope_names_and_no_page(scope: Scope, console: Stage, world: World) -> None:
    headers, holes = {"authorization": f"Bearer {await world.token(scope)}"} | JSON, []
    guarded = [route for route in routes(console) if route.roles]
    # All scopes on all routes: over 1,200 requests.
    async with httpx.AsyncClient(base_url=console.address, timeout=60) as client, unlimited():
        for route in guarded:
            answer = await asked(client, route, _any(world, route), headers)
            opens = answer.status not in (NOBODY, REFUSED)
            if opens != (scope in OF_PROGRAMS.get(route.name, ())):
                holes.append(f"{scope}: {route.method} {route.path}: {answer.status}")
    print(f"{len(guarded)} routes as a token with {scope.value}: {len(holes)} holes")
    assert holes == []


async def test_what_is_the_whole_province_s_is_open_to_who_is_responsible_for_all_of_it(
    console: Stage, world: World
) -> None:
    for route in routes(console):
        if route.name not in WHOLE_PROVINCE:
            continue
        for role in route.roles:
            async with await console.signed_in(role, "") as client:
                answer = await asked(client, route, _any(world, route))
                assert answer.status not in (NOBODY, REFUSED), (route, role)


async def test_every_route_stands_in_the_table_with_its_roles(console: Stage) -> None:
    found = routes(console)
    assert len({(route.method, route.path) for route in found}) == len(found)


async def test_every_record_that_all_of_that_left_on_the_topics_fits_its_schema(console: Stage, world: World) -> None:
    book, url = console.services.line.webhooks, "http://127.0.0.1:9/nobody"  # the table's webhooks are nobody's
    given = {"url": url, "area": "", "levels": "", "language": "zh"}
    await book.put(webhook_forms.webhook_of_form(console.services, "admin", given, [book.sealed("a secret")]))
    found = await held(console.house.settings)
    assert found.faults == []
    assert found.topics >= {
        topic.name for topic in (*topics.CONSOLES, topics.CALLS, topics.AUDIT, topics.SECURITY_EVENTS)
    }


async def _headers(world: World, role: StaffRole) -> dict[str, str]:
    """Those of a new session or token: what was asked before may have ended the last one."""
    if role is StaffRole.SERVICE:
        return {"authorization": f"Bearer {await world.token(*Scope)}"} | JSON
    token, proof = await world.session(role)
    return {"cookie": f"{COOKIE}={token}", csrf.HEADER: proof, "accept": "text/html"}


def _any(world: World, route: Route) -> Asked:
    return next(filled(world, route, next(iter(sorted(route.roles)))))[1]


def _holes(route: Route, answers: dict[str, Answer]) -> Iterator[str]:
    yield from (f"{which}: {answer.status}" for which, answer in answers.items() if answer.status >= 500)
    if "any" in answers and answers["any"].status != REFUSED:
        yield f"another role: {answers['any'].status}"
    if "own" in answers:
        yield from _kept_out(route, answers["own"])
    if "foreign" in answers:
        yield from _shown(answers["foreign"], answers["missing"])
        if answers["own"].status == answers["foreign"].status:
            yield f"its own thing is refused as another's is: {answers['own'].status} proves nothing"


def _kept_out(route: Route, own: Answer) -> Iterator[str]:
    """Its own role in its own area must be let in."""
    refused = own.status in (NOBODY, REFUSED) or own.where.startswith("/sign-in")
    if refused and route.name not in (*WHOLE_PROVINCE, *LEADS_OUT):
        yield f"its own role: {own.status} {own.where}"


def _shown(foreign: Answer, missing: Answer) -> Iterator[str]:
    """Another prefecture's thing is not there."""
    if foreign.status < 400:
        yield f"another's thing is shown: {foreign.status}"
    if foreign != missing:
        yield f"another's thing is told apart: {foreign.status}, and {missing.status}"
