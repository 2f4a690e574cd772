"""`python -m tests.tools.fuzz.routes --requests 100000 --slice 12000 --seed 1 --report routes.json`: requests at every
route, in slices of about 12,000, each to a new installation: to start one takes as much CPU as a thousand requests. The
report adds up the finished ones: interrupted, the same command goes on with the next seed until there are as many
requests as wanted. Slices of all sizes add up.

Schemathesis generates them for the OpenAPI documents of intake and of the console; the console's is completed with all
pages and forms, for things that exist and for anybody's. No answer may be a 500, or take over a second each time; and
once all that can be stored is stored, more reading takes no more memory.
"""

import argparse
import ast
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from enum import StrEnum
from functools import cache
from importlib import import_module
from inspect import getmodule
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

import schemas
from console.web.auth import csrf
from console.web.auth.sessions import COOKIE
from console.web.kit.described import description
from console.web.kit.door import ROLES
from schemas.people.staff import Scope, StaffRole
from tests.console.harness.softphone import Softphone
from tests.console.harness.stage import Stage, stage
from tests.console.harness.world import World, made, unlimited
from tests.end_to_end.harness.provinces import THERE
from tests.tools.fuzz import intake_plan, slices
from tests.tools.fuzz.sender import Plan
from tests.tools.fuzz.slices import Found, Slice

ROUNDS = [["GET"], ["POST", "PUT", "DELETE", "PATCH"], ["GET"]]  # the last shows what the second has left
TEMPLATES = Path(__file__).resolve().parents[3] / "console" / "web" / "templates"
OUT = {
    "sign-out",
    "account-sign-out-everywhere",
}  # each request ends the session: signing in would be all that is asked
PAGE = 4096
MOST_GROWTH = 0.1
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_WORD = {"$ref": "#/components/schemas/Word"}
_DATES = ["2026-03-01", "2026-02-30", "2026-03-01T01:00"]
_ODD = ["", "0", "-1", "1", "0.01", "¥1,000.50", "999999999999999999", "on", *_DATES]


async def fuzzed(folder: Path, each: int, seed: int) -> list[Found]:
    """Start an installation, and send its intake and its console `each` requests for each operation and round."""
    # As many requests as there are here no person sends.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANZU_PROVINCES", f"{THERE}=http://127.0.0.1:1")  # it hands cases over, and gets none
        patch.setenv("QUANZU_RATE", "1000000/second")
        async with stage(folder, public_page=True) as console, unlimited():
            console.services.telephone = Softphone()
            world = await made(console)

            async def enter(role: str) -> dict[str, str]:
                if role == StaffRole.SERVICE:
                    return {"authorization": f"Bearer {await world.token(*Scope)}"}
                if role not in world.people:
                    return {}
                token, proof = await world.session(StaffRole(role))
                return {"cookie": f"{COOKIE}={token}", csrf.HEADER: proof, "accept": "text/html"}

            roles = {route.name: _roles(route) for route in _routes(console)}
            own = {
                route.name: {role: _own(world, route, role) for role in roles[route.name]} for route in _routes(console)
            }
            pages = Plan(document(console), console.address, each, seed, ROUNDS, own, roles, os.getpid())
            there = await intake_plan.plan(world, each * 10, seed, ROUNDS)
            keys = intake_plan.headers(console.house)

            async def feed(role: str) -> dict[str, str]:
                return keys[role]

            return [await _sent("console", pages, enter), await _sent("intake", there, feed)]


async def _sent(server: str, plan: Plan, enter: Callable[[str], Awaitable[dict[str, str]]]) -> Found:
    command = [sys.executable, "-m", "tests.tools.fuzz.sender"]
    pipe = asyncio.subprocess.PIPE
    sender = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=2**24)
    assert sender.stdin is not None
    assert sender.stdout is not None
    sender.stdin.write(json.dumps(asdict(plan)).encode() + b"\n")
    memory: list[int] = []
    try:
        async for line in sender.stdout:
            told = json.loads(line)
            if "enter" in told:
                sender.stdin.write(json.dumps(await enter(told["enter"])).encode() + b"\n")
            elif "round" in told:
                memory.append(_megabytes())
                print(f"{server}: {told}, {memory[-1]} MB", flush=True)
            else:
                return Found(server, told["tally"], memory)
    finally:
        if sender.returncode is None:
            sender.kill()
        await sender.wait()
    raise RuntimeError(f"the sender ended with {sender.returncode}")


def document(console: Stage) -> dict[str, Any]:
    """Return the OpenAPI document of all the console's routes: the API's own, and each page and form."""
    found = description(console.app, "")
    found["components"].setdefault("schemas", {})["Word"] = {
        "anyOf": [{"enum": [*_ODD, *_members()]}, {"type": "string", "maxLength": 200}]
    }
    for route in _routes(console):
        for method in (route.methods or set()) - {"HEAD"}:
            path = found["paths"].setdefault(_PARAMETER.sub(r"{\1}", route.path), {})
            path.setdefault(method.lower(), _page(route, method))["operationId"] = route.name
    return found


def _page(route: APIRoute, method: str) -> dict[str, Any]:
    fields = dict.fromkeys(sorted(_fields(route)), _WORD)
    path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 80}}
        for name in _PARAMETER.findall(route.path)
    ]
    query = [{"name": name, "in": "query", "schema": _WORD} for name in fields or {"q": _WORD}]
    made: dict[str, Any] = {
        "operationId": route.name,
        "parameters": path + (query if method == "GET" else []),
        "responses": {"200": {"description": "a page"}},
    }
    if method != "GET":
        form = {"form": {"type": "string", "pattern": "^[0-9a-f]{8,64}$"}} | fields
        shape = {"type": "object", "properties": form, "required": ["form"], "additionalProperties": False}
        made["requestBody"] = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": shape}}}
    return made


def _fields(route: APIRoute) -> set[str]:
    """Return the names of the fields that a route may read: those in its module's texts that a template names."""
    module = getmodule(route.endpoint)
    assert module is not None
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return (texts & _named_in_templates()) - {"form"}


@cache
def _named_in_templates() -> set[str]:
    named = re.compile(r'\bname="([a-z_]+)"')
    return {name for file in TEMPLATES.rglob("*.html") for name in named.findall(file.read_text("utf-8"))}


@cache
def _members() -> list[str]:
    """Return the values of all enums of the schemas: what a form's choices send."""
    for each in walk_packages(schemas.__path__, "schemas."):
        import_module(each.name)
    return sorted({str(member) for kind in StrEnum.__subclasses__() for member in kind})


def _routes(console: Stage) -> Iterator[APIRoute]:
    for each in iter_route_contexts(console.app.routes):
        route = each.original_route
        if isinstance(route, APIRoute) and route.name not in OUT:
            yield route


def _roles(route: APIRoute) -> list[str]:
    """Return the roles as which a route is asked: of its roles the one that may do most and the one that may do least,
    and one of the others; nothing if it needs no sign-in.
    """
    known = (route.openapi_extra or {})[ROLES]
    order = [StaffRole.SUPERVISOR, StaffRole.OPERATOR, *StaffRole]
    allowed = [role.value for role in order if role.value in known]
    others = [role.value for role in order if role.value not in known]
    return [allowed[0], allowed[-1], *(others or [intake_plan.NOBODY])[:1]] if allowed else []


def _own(world: World, route: APIRoute, role: str) -> dict[str, str]:
    things = {name: world.thing(route.name, name) for name in _PARAMETER.findall(route.path)}
    staff = StaffRole(role) if role in world.people else StaffRole.SUPERVISOR
    return {name: each.mine(staff) for name, each in things.items() if each is not None}


def _megabytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE // 2**20


def main() -> None:
    """Run the slices that the report lacks, and exit with 1 if a request failed or memory grew in any of them. An
    operation that needs much CPU is listed, and is no failure.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="about so many in all, over all routes")
    parser.add_argument("--slice", type=int, default=12_000, help="about so many to one installation")
    parser.add_argument("--seed", type=int, default=1, help="of the first slice")
    parser.add_argument("--report", type=Path, default=Path("routes.json"))
    given = parser.parse_args()
    done = slices.slices_of(given.report)
    while sum(each.requests for each in done) < given.requests:
        seed = slices.next_seed(done, given.seed)
        with tempfile.TemporaryDirectory(prefix="routes-") as folder:
            found = asyncio.run(fuzzed(Path(folder), max(1, given.slice // 450), seed))
        done.append(Slice(seed, _commit(), given.slice, found))
        slices.keep(given.report, done)
        print(f"seed {seed}: {done[-1].requests} requests; faults: {[each.tally['faults'] for each in found]}")
    total = slices.summed(done)
    print(json.dumps(total, ensure_ascii=False, indent=1))
    sys.exit(bool(total["failed"]) or total["growth"] > MOST_GROWTH)


def _commit() -> str:
    """Return the short name of the commit that is checked out; with a + if files differ from it."""
    git = ["git", "-C", str(TEMPLATES), "describe", "--always", "--exclude=*", "--dirty=+"]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
