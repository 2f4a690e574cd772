"""Webhooks: a program that is told over real HTTP, that fails, and whose secret is replaced."""

import asyncio
import hashlib
import hmac
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.administration.requests import AdminAct
from schemas.channels.webhooks import Health
from schemas.people.staff import StaffRole
from streams.channels.webhooks import UNTRUSTED, distrusted
from streams.runtime.embedded import free_port
from tests.console.harness.stage import Client, Stage
from tests.console.harness.two_persons import agreed
from tests.console.harness.visitors import secret_on
from tests.console.programs.test_api import note, red
from tests.end_to_end.harness.house import until

PAGE = "/integrations/webhooks"


@dataclass
class Program:
    """Another program: it refuses each event with 500 so often, and then gives its answer."""

    answer: int = 200
    refuses: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # by event
    heard: "asyncio.Queue[tuple[dict[str, str], bytes]]" = field(default_factory=asyncio.Queue)
    url: str = ""
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def hear(self, request: Request) -> Response:
        event = request.headers["quanzu-event"]
        self.heard.put_nowait((dict(request.headers), await request.body()))
        await self.may_answer.wait()
        if self.refused[event] < self.refuses:
            self.refused[event] += 1
            return Response(status_code=500)
        return Response(status_code=self.answer)

    async def next(self) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(30):
            return await self.heard.get()

    async def about(self, case: str) -> tuple[dict[str, str], bytes]:
        """The next call that is about a case."""
        while orjson.loads((found := await self.next())[1])["case"]["id"] != case:
            pass
        return found


@asynccontextmanager
async def program(answer: int = 200, refuses: int = 0) -> AsyncIterator[Program]:
    made = Program(answer, refuses)
    port = free_port()
    app = Starlette(routes=[Route("/hook", made.hear, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    serving = asyncio.create_task(server._serve())
    made.url = f"http://127.0.0.1:{port}/hook"
    try:
        yield made
    finally:
        server.should_exit = True
        await serving


async def added(console: Stage, client: Client, url: str) -> tuple[str, str]:
    """A new webhook's id and secret: another administrator has confirmed it."""
    answer = await client.post(PAGE, data={"url": url})
    assert answer.headers.get("location") == "/approvals", answer.text
    async with await console.signed_in(StaffRole.SECURITY_ADMINISTRATOR) as second:
        page = await agreed(console, client, second, AdminAct.WEBHOOK_NEW, urlsplit(url).netloc)
    name = re.search(r'<code class="of">(w[a-z2-7]+)</code>', page.text)
    assert name
    return name[1], secret_on(page)


def _shown(text: str) -> tuple[str, str]:
    found = re.search(r'role="status">.*?<code>(w[a-z2-7]+)</code> <code>([^<]+)</code>', text, re.DOTALL)
    assert found
    return found[1], found[2]


def form_on(page: httpx.Response, name: str, act: str) -> dict[str, str]:
    """The hidden fields of a webhook's button."""
    form = page.text.partition(f'action="{PAGE}/{name}/{act}"')[2].partition("</form>")[0]
    return dict(re.findall(r'name="(\w+)" value="(.*?)"', form))


async def _paused(console: Stage, name: str) -> bool:
    return (await console.services.line.webhooks.by_id())[name].paused


def fits(secret: str, headers: dict[str, str], body: bytes) -> bool:
    signed = headers["quanzu-timestamp"].encode() + b"." + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"v1={digest}" in headers["quanzu-signature"].split(",")


async def told_of_something_new(console: Stage, operator: Client, hearing: Program) -> tuple[dict[str, str], bytes]:
    """Make cases until the program hears of one: a webhook begins a moment after it was added."""
    case = await red(console.line())
    for number in range(20):
        assert (await note(operator, case, f"told-{number}-{case.id}")).status_code == 200
        try:
            async with asyncio.timeout(2):
                return await hearing.about(case.id)
        except TimeoutError:
            continue
    raise AssertionError("the program was told nothing")


async def test_a_program_is_told_with_a_signature_and_again_until_it_takes_it(console: Stage) -> None:
    async with (
        program(refuses=2) as hearing,
        await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin,
        await console.signed_in(StaffRole.OPERATOR) as operator,
    ):
        name, secret = await added(console, admin, hearing.url)
        first, body = await told_of_something_new(console, operator, hearing)
        assert fits(secret, first, body)
        assert {*map(frozenset, orjson.loads(body)["facts"])} == {frozenset({"kind", "what"})}
        assert b"a note" not in body
        again, second = await hearing.next()
        while again["quanzu-event"] != first["quanzu-event"]:  # other partitions are told of meanwhile
            again, second = await hearing.next()
        assert second == body
        await admin.post(f"{PAGE}/{name}/drop")


async def test_while_a_secret_is_replaced_the_old_one_still_fits(console: Stage) -> None:
    async with (
        program() as hearing,
        await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin,
        await console.signed_in(StaffRole.OPERATOR) as operator,
    ):
        name, old = await added(console, admin, hearing.url)
        _, new = _shown((await admin.post(f"{PAGE}/{name}/rotate")).text)
        headers, body = await told_of_something_new(console, operator, hearing)
        assert fits(old, headers, body)
        assert fits(new, headers, body)
        await admin.post(f"{PAGE}/{name}/drop")


async def test_a_program_that_is_gone_is_told_no_more(console: Stage) -> None:
    async with (
        program(410) as hearing,
        await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin,
        await console.signed_in(StaffRole.OPERATOR) as operator,
    ):
        name, _ = await added(console, admin, hearing.url)
        await told_of_something_new(console, operator, hearing)
        async with asyncio.timeout(10):
            while "对方不再接收" not in (await admin.get(PAGE)).text and "已暂停" not in (await admin.get(PAGE)).text:
                continue
        assert (await console.services.line.webhooks.by_id())[name].paused
        await admin.post(f"{PAGE}/{name}/drop")


@pytest.mark.parametrize(("act", "secrets"), [("rotate", 2), ("drop", 0)])
async def test_a_program_that_is_gone_brings_back_nothing_that_was_changed_meanwhile(
    console: Stage, act: str, secrets: int
) -> None:
    book = console.services.line.webhooks
    async with (
        program(410) as hearing,
        await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin,
        await console.signed_in(StaffRole.OPERATOR) as operator,
    ):
        hearing.may_answer.clear()
        name, _ = await added(console, admin, hearing.url)
        await told_of_something_new(console, operator, hearing)
        await admin.post(f"{PAGE}/{name}/{act}")
        hearing.may_answer.set()
        if act == "rotate":
            await until(lambda: _paused(console, name), 10)  # by the 410 alone
        else:
            await asyncio.sleep(1)  # nothing shows that the 410 was heard: a deleted webhook stays deleted
        kept = (await book.by_id()).get(name)
        assert (len(kept.secrets) if kept else 0) == secrets
        await admin.post(f"{PAGE}/{name}/drop")


async def test_what_was_shown_as_running_is_not_resumed_by_pausing_it(console: Stage) -> None:
    book = console.services.line.webhooks
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin:
        name, _ = await added(console, admin, "http://127.0.0.1:9/hook")
        running = form_on(await admin.get(PAGE), name, "pause")
        await admin.post(f"{PAGE}/{name}/pause", data=running)
        assert (await book.by_id())[name].paused
        await admin.post(f"{PAGE}/{name}/pause", data=running)
        assert (await book.by_id())[name].paused
        await admin.post(f"{PAGE}/{name}/pause", data=form_on(await admin.get(PAGE), name, "pause"))
        assert not (await book.by_id())[name].paused
        await admin.post(f"{PAGE}/{name}/drop")


async def test_each_administrator_may_delete_a_webhook_and_finds_the_button(console: Stage) -> None:
    async with (
        await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin,
        await console.signed_in(StaffRole.SECURITY_ADMINISTRATOR) as second,
    ):
        name, _ = await added(console, admin, "http://127.0.0.1:9/hook")
        page = (await second.get(PAGE)).text
        assert f'action="{PAGE}/{name}/rotate"' not in page
        assert f'action="{PAGE}/{name}/drop"' in page
        await second.post(f"{PAGE}/{name}/drop")
        assert name not in (await second.get(PAGE)).text


async def test_an_address_in_the_clear_is_refused_in_words(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin:
        answer = await admin.post(PAGE, data={"url": "http://bank.example/hook"})
    assert answer.status_code == 422
    assert "https:// 开头" in answer.text
    assert "http://bank.example/hook" in answer.text


async def test_another_port_of_a_public_host_is_refused_in_words(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin:
        answer = await admin.post(PAGE, data={"url": "https://bank.example:25/hook"})
    assert answer.status_code == 422
    assert "QUANZU_CONSOLE_WEBHOOK_PORTS" in answer.text


async def test_a_certificate_that_nobody_vouches_for_is_told_with_what_to_do(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin:
        name, _ = await added(console, admin, "http://127.0.0.1:9/hook")
        await console.services.line.webhooks.store_health(name, Health.FAILING, UNTRUSTED)
        assert "SSL_CERT_FILE" in (await admin.get(PAGE)).text
        await admin.post(f"{PAGE}/{name}/drop")


def test_what_the_handshake_said_is_found_under_what_httpx_makes_of_it() -> None:
    with pytest.raises(httpx.ConnectError) as caught:
        raise httpx.ConnectError("all attempts failed") from ssl.SSLCertVerificationError("self-signed")
    assert distrusted(caught.value)
    assert not distrusted(httpx.ConnectError("refused"))


async def test_an_area_that_is_no_place_is_refused_in_words(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin:
        answer = await admin.post(PAGE, data={"url": "https://bank.example/hook", "area": "9999"})
    assert answer.status_code == 422
    assert "没有这个行政区划代码" in answer.text


async def test_the_secret_that_the_receiver_knows_stays_however_often_a_new_one_is_made(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin:
        name, old = await added(console, admin, "http://127.0.0.1:9/hook")
        await admin.post(f"{PAGE}/{name}/rotate")
        _, new = _shown((await admin.post(f"{PAGE}/{name}/rotate")).text)
        book = console.services.line.webhooks
        assert book.opened((await book.by_id())[name]) == [new, old]
        await admin.post(f"{PAGE}/{name}/settle")
        assert book.opened((await book.by_id())[name]) == [new]
        await admin.post(f"{PAGE}/{name}/drop")


async def test_a_destination_needs_a_second_person_and_stands_in_the_audit(console: Stage) -> None:
    book = console.services.line.webhooks
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as admin:
        await admin.post(PAGE, data={"url": "https://map.example/hook?key=k"})
        assert "https://map.example/hook?key=k" not in {each.url for each in (await book.by_id()).values()}
        name, _ = await added(console, admin, "https://bank.example/hook?key=k")
    assert (await book.by_id())[name].url == "https://bank.example/hook?key=k"
    async with await console.signed_in(StaffRole.AUDITOR, "") as auditor:
        lines = (await auditor.post("/audit", data={"on": name})).text
    assert "to bank.example; request a" in lines
    assert "key=k" not in lines
    await book.drop(name)
