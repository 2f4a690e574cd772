"""What a scanner would try on the console: every page of every role is read, and every door is rattled."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from html import escape

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from limits import parse

from console.web.app import create_app
from console.web.auth import csrf
from console.web.kit import limits
from console.web.kit.door import EVERYBODY, table
from console.web.kit.headers import HEADERS
from console.web.kit.local import local_path
from console.web.kit.serve import serving
from console.web.kit.settings import ConsoleSettings
from domain.access.reveals import ROLES as REVEALERS
from schemas.people.staff import StaffRole
from tests.console.harness.case_forms import reveal
from tests.console.harness.crawl import PARAMETER, Read, addresses, html, walk
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import Visitor, person
from tests.console.harness.world import HOSTILE, World, form, made

FOREIGN = (
    *("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "/\t/elsewhere.example"),
    *("javascript:x", "elsewhere.example", "///elsewhere.example", "/%0d%0aset-cookie:x=\n"),
)
TELLING = re.compile(r"Traceback|File \"|site-packages|uvicorn|starlette|fastapi|pydantic|aiokafka|\.py\b", re.I)
KIND = re.compile(r"text/[a-z-]+; charset=utf-8|application/[a-z.+-]+|image/[a-z+]+")  # JSON is UTF-8 by RFC 8259
ESCAPED = escape(HOSTILE)[:8]  # as a page has it: the first sign, and the tag as text
NAME, PHONE = "隐名人", "+8619912345678"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(console: Stage) -> AsyncIterator[World]:
    yield await made(console)


class Log(logging.Handler):
    """All that the process logs meanwhile, as its log has it."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@asynccontextmanager
async def logged() -> AsyncIterator[Log]:
    root, log = logging.getLogger(), Log()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.INFO)
    try:
        yield log
    finally:
        root.removeHandler(log)
        root.setLevel(level)


@asynccontextmanager
async def another(console: Stage, **settings: object) -> AsyncIterator[tuple[str, FastAPI]]:
    """A second console on the same line, with other settings."""
    wanted = ConsoleSettings.model_validate({"port": 0} | settings)
    app = create_app(console.house.line, wanted)

    async def fails() -> None:
        raise RuntimeError(f"{NAME} {PHONE}")

    app.router.add_api_route("/fails", fails, methods=["GET"])
    async with serving(app, wanted) as address:
        yield address, app


def acts(world: World, role: StaffRole) -> Iterator[str]:
    """The addresses to which a role writes."""
    for method, path, name, roles in table(world.console.app):
        if method == "POST" and role in roles:
            known = {each: world.thing(name, each) for each in PARAMETER.findall(path)}
            named = {each: thing.mine(role) if thing else "x" for each, thing in known.items()}
            yield PARAMETER.sub(lambda found, named=named: named[found[1]], path)  # type: ignore[misc]  # a default binds it


# ------------------------------------------------------------ every page


@pytest.mark.parametrize("role", sorted(EVERYBODY))
async def test_every_page_has_the_headers_no_inline_code_and_nothing_that_somebody_wrote_as_code(
    role: StaffRole, console: Stage, world: World
) -> None:
    async with logged() as log, await world.enter(role) as client:
        if role in REVEALERS:
            await world.unmasked(client)
        pages = await walk(client, addresses(world, role))
    read = {address: Read(answer.text) for address, answer in pages.items() if html(answer)}
    wrong = [f"{address}: {each}" for address, answer in pages.items() for each in _headers(answer)]
    wrong += [f"{address}: status {each.status_code}" for address, each in pages.items() if each.status_code >= 500]
    wrong += [f"{address}: {each}" for address, page in read.items() for each in page.wrong]
    wrong += [f"{address}: evaluated" for address in read if _evaluated(pages[address].text)]
    wrong += _personal(world, "an address", [each for page in read.values() for each in page.addresses])
    wrong += _personal(world, "the log", log.lines)
    shown = sum(ESCAPED in pages[address].text for address in read)
    print(f"{role}: {len(pages)} pages read, {shown} of them tell of the hostile name")
    assert wrong == []
    assert shown


def _evaluated(text: str) -> bool:
    """Whether a template has read what somebody wrote."""
    return text.count(ESCAPED) > text.count("7*7")


def _personal(world: World, where: str, texts: Sequence[str]) -> list[str]:
    return [f"in {where}: {text[:200]}" for text in texts if any(each in text for each in world.personal)]


def _headers(answer: httpx.Response) -> Iterator[str]:
    told = answer.headers
    policy = told.get("content-security-policy", "")
    if "default-src 'self'" not in policy or "unsafe" in policy:
        yield f"content security policy {policy!r}"
    yield from (f"no {name}" for name in HEADERS if name.lower() not in told)
    if "server" in told or "x-powered-by" in told:
        yield "tells what it runs on"
    if answer.content and not KIND.fullmatch(told.get("content-type", "")):
        yield f"content type {told.get('content-type')!r}"
    if "access-control-allow-origin" in told:
        yield "is open to other origins"
    if html(answer) and "no-store" not in told.get("cache-control", ""):
        yield "may be kept"
    if told.get("x-content-type-options") != "nosniff" or told.get("x-frame-options") != "DENY":
        yield "may be sniffed or framed"


async def test_over_https_the_browser_is_told_to_stay_there(console: Stage) -> None:
    async with httpx.AsyncClient(base_url=console.address, timeout=60) as client:
        secure = await client.get("/sign-in", headers={"x-forwarded-proto": "https"})
        plain = await client.get("/sign-in")
    assert secure.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "strict-transport-security" not in plain.headers


# ------------------------------------------------------------ requests of other pages


@pytest.mark.parametrize("role", sorted(EVERYBODY))
async def test_nothing_is_written_without_the_session_s_own_token(
    role: StaffRole, console: Stage, world: World
) -> None:
    wrong, tried = list[str](), 0
    async with await world.enter(role) as client, await world.enter(role) as another_session:
        cookie = {"cookie": client.headers["cookie"], "accept": "text/html"}
        cases: tuple[tuple[str, dict[str, str]], ...] = (
            ("no token", {}),
            ("a wrong token", {csrf.HEADER: "0" * 64}),
            ("another session's token", {csrf.HEADER: another_session.proof}),
            ("led here by another page", {csrf.HEADER: client.proof, "sec-fetch-site": "cross-site"}),
        )
        async with httpx.AsyncClient(base_url=console.address, timeout=60) as browser:
            for address in acts(world, role):
                for what, headers in cases:
                    answer = await browser.post(address, data=form(), headers=cookie | headers)
                    wrong += [f"{address}: {what}: {answer.status_code}"] if answer.status_code != 403 else []
                    tried += 1
    print(f"{role}: {tried} forged requests")
    assert wrong == []


async def test_no_address_leads_out_of_the_console(console: Stage, world: World) -> None:
    assert [local_path(foreign) for foreign in FOREIGN] == ["/"] * len(FOREIGN)
    assert local_path("/cases/r1-1?tab=2") == "/cases/r1-1?tab=2"
    case = world.cases[0]
    async with await world.enter(StaffRole.OPERATOR) as client:
        for foreign in FOREIGN:
            answer = await reveal(client, case, **form(back=foreign))
            assert answer.headers["location"] == f"/cases/{case.id}"
            for address in ("/language/ko", "/sign-in", "/", "/queue"):
                led = await client.get(address, params={"back": foreign, "next": foreign, "to": foreign})
                where = led.headers.get("location", "/")
                assert where.startswith("/"), where
                assert not where.startswith(("//", "/\\")), where


async def test_cookies_are_secure_kept_from_scripts_and_from_other_sites(console: Stage) -> None:
    someone = await person(console)
    async with Visitor(console) as visitor:
        asked = await visitor.get("/sign-in")
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', asked.text)
        fields = {"login": someone.login, "password": "wrong", "csrf": found[1] if found else ""}
        answers = [asked, await visitor.post("/sign-in", data=fields), await visitor.get("/language/en")]
    told = [line for answer in answers for line in answer.headers.get_list("set-cookie")]
    assert told
    for line in told:
        assert "Secure" in line, line
        assert "HttpOnly" in line, line
        assert re.search(r"SameSite=(strict|lax)", line, re.I), line
        assert line.startswith("__Host-"), "so that no other host sets or reads it"
        assert "Path=/" in line, line
        assert "Domain" not in line, line


async def test_a_session_that_was_made_up_is_none(console: Stage) -> None:
    for token in ("", "x", "0" * 43, "../session", "%00"):
        headers = {"cookie": f"__Host-quanzu={token}", "accept": "application/json"}
        async with httpx.AsyncClient(base_url=console.address, headers=headers, timeout=60) as client:
            assert (await client.get("/")).status_code == 401


# ------------------------------------------------------------ what is wrong is told in words


async def test_what_is_wrong_is_told_in_words_in_the_person_s_language_or_as_json(console: Stage) -> None:
    words = {"zh": "没有这个页面", "en": "Page not found", "ko": "해당 페이지가 없"}
    async with httpx.AsyncClient(base_url=console.address, timeout=60) as client:
        for language, part in words.items():
            page = await client.get("/nowhere", headers={"accept": "text/html", "accept-language": language})
            assert (page.status_code, part in page.text) == (404, True), page.text
        program = await client.get("/nowhere", headers={"accept": "application/json", "accept-language": "en"})
        assert program.json() == {"error": "not found", "do": "Page not found. Check the address."}


async def test_no_answer_tells_of_the_program_or_of_where_it_failed(console: Stage, world: World) -> None:
    async with another(console) as (address, _), await world.enter(StaffRole.AUDITOR) as client:
        client.base_url = httpx.URL(address)
        tried = [
            await client.get("/nowhere"),
            await client.request("DELETE", "/audit"),
            await client.post("/audit", data={"before": "x"}),
            await client.post("/audit", data={"since": "yesterday"}),
            await client.get("/api/v1/cases", params={"most": "x"}),
            await client.get("/fails"),
            await client.post("/audit", content=b"--x", headers={"content-type": "multipart/form-data; boundary=y"}),
            await client.get("/static/none.css"),
        ]
        as_json = [await client.get(path, headers={"accept": "application/json"}) for path in ("/fails", "/nowhere")]
    for answer in (*tried, *as_json):
        assert answer.status_code >= 400, answer.url
        assert not TELLING.search(answer.text), answer.text
        assert not list(_headers(answer)), answer.url
    assert [answer.status_code for answer in tried] == [404, 405, 422, 422, 422, 500, 400, 404]


async def test_a_failure_leaves_where_it_was_in_the_log_and_nothing_of_what_it_was_about(console: Stage) -> None:
    async with (
        another(console) as (address, _),
        logged() as log,
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        page = await client.get("/fails", headers={"accept": "text/html"})
        program = await client.get("/fails", headers={"accept": "application/json"})
    assert (page.status_code, program.status_code) == (500, 500)
    assert "请稍后再试" in page.text
    assert program.json()["error"] == "failed"
    told = "\n".join(log.lines)
    assert "RuntimeError" in told
    assert "in fails" in told
    assert NAME not in told
    assert PHONE not in told


async def test_methods_that_a_page_does_not_know_are_refused(console: Stage, world: World) -> None:
    known: dict[str, set[str]] = {}
    for method, path, _, _ in table(console.app):
        known.setdefault(path, set()).add(method)
    elsewhere = {"origin": "https://elsewhere.example", "accept": "application/json"}
    async with await world.enter(StaffRole.SUPERVISOR) as client:
        for path, methods in known.items():
            address = PARAMETER.sub("x", path)
            for method in {"GET", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "HEAD"} - methods:
                answer = await client.request(method, address, headers=elsewhere)
                assert answer.status_code in (404, 405), (method, path, answer.status_code)
                assert "access-control-allow-origin" not in answer.headers
                assert method != "HEAD" or not answer.content


async def test_no_file_but_the_static_ones_is_served(console: Stage) -> None:
    for path in (
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
        "/static/..%2fsettings.py",
        "/static/..%5csettings.py",
        "/static/....//settings.py",
        "/static//etc/passwd",
        "/static/%00",
        "/static/",
    ):
        status, body = await _raw(console.address, path)
        assert status in (400, 404, 405), (path, status)
        assert b"ConsoleSettings" not in body
        assert b"root:" not in body
    status, body = await _raw(console.address, "/static/quanzu.css")
    assert status == 200


async def _raw(address: str, path: str) -> tuple[int, bytes]:
    """A request as it is written here: a client would tidy the path up."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    raw = await reader.read()
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


# ------------------------------------------------------------ too much, too often


async def test_a_body_that_is_too_long_is_refused_by_its_header_and_by_what_comes(
    console: Stage, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_BYTES", 2000)
    async with another(console) as (address, _), await world.enter(StaffRole.AUDITOR) as client:
        client.base_url = httpx.URL(address)
        told = await client.post("/audit", data={"on": "x" * 3000})
        assert (told.status_code, "内容过大" in told.text) == (413, True)

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(30):
                yield b"on=" + b"x" * 100 + b"&"

        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert (await client.post("/audit", content=pieces(), headers=kind)).status_code == 413
        assert (await client.post("/sign-in", content=b"x" * 20_000, headers=kind)).status_code == 413
        assert (await client.post("/audit", data={"on": "case-1"})).status_code == 200


async def test_an_address_that_guesses_is_told_to_wait_and_others_are_not(console: Stage) -> None:
    async with (
        another(console, rate_sign_in="5/minute") as (address, _),
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        guesser, other = {"x-forwarded-for": "198.51.100.9"}, {"x-forwarded-for": "198.51.100.10"}
        answers = [await client.post("/sign-in", data={"login": "x"}, headers=guesser) for _ in range(7)]
        refused = answers[-1]
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["error"] == "too many requests"
        assert (await client.post("/sign-in", data={"login": "x"}, headers=other)).status_code != 429
        assert (await client.get("/static/quanzu.css", headers=guesser)).status_code == 200


async def test_a_person_who_asks_too_often_is_told_to_wait_whatever_the_address(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PERSON", parse("10/minute"))
    async with another(console) as (address, _):
        async with await console.signed_in(StaffRole.AUDITOR) as client:
            client.base_url = httpx.URL(address)
            headers = [{"x-forwarded-for": f"198.51.100.{number}"} for number in range(20, 32)]
            answers = [(await client.get("/unmask", headers=each)).status_code for each in headers]
        assert answers == [200] * 10 + [429] * 2
        async with await console.signed_in(StaffRole.AUDITOR) as client:
            client.base_url = httpx.URL(address)
            assert (await client.get("/unmask")).status_code == 200


async def test_an_address_that_asks_for_everything_is_told_to_wait(console: Stage) -> None:
    async with (
        another(console, rate_address="20/minute") as (address, _),
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        headers = {"x-forwarded-for": "198.51.100.40", "accept": "text/html"}
        answers = [await client.get("/nowhere", headers=headers) for _ in range(22)]
    assert [answer.status_code for answer in answers] == [404] * 20 + [429] * 2
    assert "操作过于频繁" in answers[-1].text
    assert not list(_headers(answers[-1]))


async def test_hostile_words_come_back_as_words(console: Stage, world: World) -> None:
    async with await world.enter(StaffRole.AUDITOR) as client:
        page = await client.post("/audit", data={"by": HOSTILE[:60], "on": HOSTILE, "since": ""})
        assert page.status_code == 200
        assert Read(page.text).wrong == []
        told = await client.get("/nowhere", params={"x": HOSTILE})
        assert Read(told.text).wrong == []
        program = await client.get("/api/v1/cases", params={"level": HOSTILE}, headers={"accept": "application/json"})
        assert program.headers["content-type"].startswith("application/json")
        assert json.loads(program.text)["fields"]
