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
from dataclasses import asdict, replace
from enum import StrEnum
from functools import cache
from importlib import import_module
from inspect import getmodule
from pathlib import Path
from pkgutil import walk_packages
from random import Random
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
from tests.console.harness.stage import CHANGCHUN, Stage, stage
from tests.console.harness.world import World, made, unlimited
from tests.end_to_end.harness.provinces import THERE
from tests.end_to_end.harness.rig import HERE, STATION
from tests.tools.fuzz.routes import intake_plan, slices
from tests.tools.fuzz.routes.sender import Plan
from tests.tools.fuzz.routes.slices import Found, Slice

ROUNDS = [["GET"], ["POST", "PUT", "DELETE", "PATCH"], ["GET"]]  # the last shows what the second has left
TEMPLATES = Path(__file__).resolve().parents[4] / "console" / "web" / "templates"
OUT = {
    "sign-out",
    "account-sign-out-everywhere",
}  # each request ends the session: signing in would be all that is asked
PAGE = 4096
MOST_GROWTH = 0.1
RATE = "1000000/second"  # all requests come from one address and one feed
PROVINCE = "province"  # as whom a route is asked: a supervisor of the whole province
VARIANTS, SHARE = 12, 0.8  # of the forms, and of the fields of each that are plausible
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_WORD = {"$ref": "#/components/schemas/Word"}
_DATES = ["2026-03-01", "2026-02-30", "2026-03-01T01:00"]
_ODD = ["", "0", "-1", "1", "0.01", "¥1,000.50", "999999999999999999", "on", *_DATES]


async def fuzzed(folder: Path, each: int, seed: int) -> list[Found]:
    """Start an installation, and send its intake and its console `each` requests for each operation and round."""
    # As many requests as there are here no person sends.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANZU_PROVINCES", f"{THERE}=http://127.0.0.1:1")  # it hands cases over, and gets none
        for rate in ("QUANZU_RATE", "QUANZU_PAYEE_CHECK_RATE"):
            patch.setenv(rate, RATE)
        reports = ("rate_report", "rate_report_phone", "rate_report_county", "rate_reports")
        rates = dict.fromkeys(["rate_address", *reports], RATE)
        async with stage(folder, public_page=True, **rates) as console, unlimited():
            console.services.telephone = Softphone()
            world = await made(console)
            chief = replace(world, people={StaffRole.SUPERVISOR: await console.account(StaffRole.SUPERVISOR, "")})

            async def enter(role: str) -> dict[str, str]:
                if role == StaffRole.SERVICE:
                    return {"authorization": f"Bearer {await world.token(*Scope)}"}
                if role == intake_plan.NOBODY:
                    return {}
                session = chief.session(StaffRole.SUPERVISOR) if role == PROVINCE else world.session(StaffRole(role))
                token, proof = await session
                return {"cookie": f"{COOKIE}={token}", csrf.HEADER: proof, "accept": "text/html"}

            routes = list(_routes(console))
            roles = {route.name: _roles(route) for route in routes}
            own = {route.name: {role: _own(world, route, role) for role in roles[route.name]} for route in routes}
            named = {route.name: _named(world, route) for route in routes if "POST" in (route.methods or ())}
            found = document(console)
            pages = Plan(found, console.address, each, seed, ROUNDS, own, roles, os.getpid(), named=named)
            there = await intake_plan.plan(world, each * 10, seed, ROUNDS)
            keys = intake_plan.headers(console.house)

            async def feed(role: str) -> dict[str, str]:
                return keys[role]

            return [await _sent("console", pages, enter), await _sent("intake", there, feed)]


async def _sent(server: str, plan: Plan, enter: Callable[[str], Awaitable[dict[str, str]]]) -> Found:
    command = [sys.executable, "-m", "tests.tools.fuzz.routes.sender"]
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
    """Return the roles that requests to a route are sent as: the two permitted roles with the most rights, the
    permitted role with the fewest, and a role that is not permitted; empty if the route needs no sign-in. A supervisor
    of the whole province has the most rights.
    """
    known = (route.openapi_extra or {})[ROLES]
    order = [StaffRole.SUPERVISOR, StaffRole.OPERATOR, *StaffRole]
    allowed = [role.value for role in order if role in known]
    others = [role.value for role in order if role not in known] or [intake_plan.NOBODY]
    most = PROVINCE if StaffRole.SUPERVISOR in known else ""
    return [most or allowed[0], allowed[0], allowed[-1], others[0]] if allowed else []


def _own(world: World, route: APIRoute, role: str) -> dict[str, str]:
    things = {name: world.thing(route.name, name) for name in _PARAMETER.findall(route.path)}
    staff = StaffRole(role) if role in world.people else StaffRole.SUPERVISOR
    return {name: each.mine(staff) for name, each in things.items() if each is not None}


def _named(world: World, route: APIRoute) -> list[dict[str, str]]:
    """Return what a form's fields may be so that it gets past their checks: a part of them in each of several."""
    case, resident = world.cases[0], world.residents[0]
    usual = {
        **{"seen": str(case.version), "case_seen": str(case.version), "case": case.id, "resident": resident.id},
        **{"phone": resident.phones[0].value, "suspect_phone": "+8619900009998", "transfer": case.payments[0].transfer},
        **{"account": world.mules[0], "suspect_account": world.mules[1], "amount": "1000", "days": "30"},
        **{
            "reason": "因测试需要核对",
            "note": "因测试需要核对",
            "text": "因测试需要核对",
            "name": "某某",
            "number": "0",
        },
        **{"station": STATION, "officer": "world-1", "division": HERE, "area": CHANGCHUN, "province": THERE},
        **{"url": "https://receiver.example/hook", "login": world.people[StaffRole.OPERATOR].login},
        **{name: thing.mine(StaffRole.SUPERVISOR) for name, thing in world.fields.get(route.name, {}).items()},
    }
    chance, fields = Random(route.name), sorted(_fields(route) & usual.keys())
    return [{name: usual[name] for name in fields if chance.random() < SHARE} for _ in range(VARIANTS)]


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
