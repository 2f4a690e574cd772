"""An officer without network: what he does is kept and sent once, in its order, whatever became of the server.

A worker that the browser starts for a sync may reach the server before it is told that there is no network: where that
matters, the server is away, or the browser is one without Background Sync.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from console.web.app import create_app
from console.web.kit.serve import serving
from console.web.kit.settings import ConsoleSettings
from schemas.codes.visits import OfficerArrived, OfficerOnTheWay, VisitAccepted, VisitAssigned
from schemas.people.staff import StaffRole
from streams.runtime.embedded import free_port
from tests.browser.field.test_officer import on, opened, press
from tests.browser.field.test_officer_alarms import hold
from tests.browser.people import People
from tests.console.harness.stage import Stage
from tests.console.harness.visiting import NAME, visiting
from tests.end_to_end.harness.signals import call, transfer

KEPT = "caches.match('/tasks').then(Boolean)"


@asynccontextmanager
async def serve(console: Stage, settings: ConsoleSettings) -> AsyncIterator[Stage]:
    """A console of its own on the same line: it can be stopped, and started again at the same address."""
    app = create_app(console.house.line, settings)
    async with serving(app, settings) as address:
        made = Stage(console.house, app, address, console.numbers)
        await made.services.hub.ready.wait()
        yield made


async def kept(page: Page) -> None:
    """Wait until the page works without network."""
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    await page.wait_for_function(KEPT)


async def forgotten(page: Page) -> None:
    """Nothing of it is on the telephone any more."""
    await page.wait_for_function("indexedDB.databases().then((all) => all.length === 0)")
    assert await page.evaluate("caches.keys()") == []
    assert await page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


async def test_what_was_done_offline_is_sent_once_and_in_order_after_the_server_was_restarted(
    console: Stage, browser: Browser, tmp_path: Path
) -> None:
    settings = ConsoleSettings(port=free_port())
    async with AsyncExitStack() as stack:
        visit = await stack.enter_async_context(visiting(console, "afield-1"))
        running = AsyncExitStack()
        mine = await running.enter_async_context(serve(console, settings))
        afield = People(mine, browser, tmp_path)
        stack.push_async_callback(afield.close)
        page = await opened(afield, "afield-1")
        await kept(page)
        await on(page)
        await press(page, "接受", "已接受")
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await page.context.set_offline(True)
        await running.aclose()
        await expect(page.locator("#net")).to_contain_text("离线")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        await page.reload()
        await expect(page.locator("#waiting li")).to_have_count(2)
        await expect(page.get_by_role("heading", name=NAME)).to_be_visible()
        assert len(await visit.told()) == 2  # assigned, accepted
        running = AsyncExitStack()
        stack.push_async_callback(running.aclose)
        await running.enter_async_context(serve(console, settings))
        await page.context.set_offline(False)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await expect(page.locator("#net")).to_have_text("在线")
        await visit.line.settle()
        stages = [type(what) for what in await visit.told()]
        assert stages == [VisitAssigned, VisitAccepted, OfficerOnTheWay, OfficerArrived]
        assert await page.locator("#conflicts li").count() == 0


@asynccontextmanager
async def failing(port: int) -> AsyncIterator[None]:
    """A proxy at this port whose console is down."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.readline() not in (b"\r\n", b""):
                pass
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield


async def test_while_the_console_is_down_behind_its_proxy_the_kept_page_opens(
    console: Stage, browser: Browser, tmp_path: Path
) -> None:
    settings = ConsoleSettings(port=free_port())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(visiting(console, "afield-11"))
        running = AsyncExitStack()
        mine = await running.enter_async_context(serve(console, settings))
        afield = People(mine, browser, tmp_path)
        stack.push_async_callback(afield.close)
        page = await opened(afield, "afield-11")
        await kept(page)
        await running.aclose()
        async with failing(settings.port):
            await page.reload()
            await expect(page.get_by_role("link", name=NAME)).to_be_visible()
            await expect(page.locator("#duress")).to_be_visible()


async def test_who_sets_out_offline_for_a_case_that_was_settled_is_shown_so(console: Stage, afield: People) -> None:
    async with visiting(console, "afield-2") as visit:
        page = await opened(afield, "afield-2", sync=False)
        await kept(page)
        await on(page)
        await press(page, "接受", "已接受")
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await page.context.set_offline(True)
        await press(page, "出发", "在路上")
        await visit.line.dissuade(visit.resident, recall=True)
        await page.context.set_offline(False)
        conflict = page.locator("#conflicts li")
        await expect(conflict).to_contain_text("预警已了结，不必再去", timeout=20_000)
        await expect(page.locator("#gone")).to_be_hidden()  # it is said once
        await afield.shot(page, "conflict")
        await conflict.get_by_role("button", name="知道了").click()
        await expect(page.locator("#conflicts")).to_be_hidden()
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await page.reload()
        await expect(page.locator("#none")).to_be_visible()
        await expect(page.locator("#gone")).to_be_hidden()
        assert not [what for what in await visit.told() if isinstance(what, OfficerOnTheWay)]


async def test_all_that_was_called_off_is_read_at_one_tap_without_network_too(console: Stage, afield: People) -> None:
    async with visiting(console, "afield-7") as visit:
        second = await visit.line.resident(name="李华")
        await visit.line.signal(call(visit.line, second), transfer(visit.line, second, visit.line.account()))
        await visit.line.advance(minutes=3)
        page = await opened(afield, "afield-7", sync=False)
        await kept(page)
        await expect(page.locator("#list a.task")).to_have_count(2)
        for resident in (visit.resident, second):
            await visit.line.dissuade(resident, recall=True)
        await expect(page.locator("#gone li")).to_have_count(2, timeout=20_000)
        line = page.locator("#gone-title")
        await expect(line).to_have_text("2 项任务不必再去")
        await expect(page.locator("#gone li").first).to_be_hidden()
        await afield.shot(page, "called-off")
        await line.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#gone li").first).to_contain_text("预警已了结，不必再去")
        await page.context.set_offline(True)
        await page.get_by_role("button", name="全部知道了").click()
        await expect(page.locator("#gone")).to_be_hidden()
        await expect(page.locator("#waiting li")).to_have_count(2)
        await page.reload()
        await expect(page.locator("#waiting li")).to_have_count(2)
        await expect(page.locator("#gone")).to_be_hidden()
        await page.context.set_offline(False)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await page.reload()
        await expect(page.locator("#none")).to_be_visible()
        await expect(page.locator("#gone")).to_be_hidden()


async def test_the_visit_begun_without_network_stands_on_top_at_once(console: Stage, afield: People) -> None:
    async with visiting(console, "afield-8") as visit:
        second = await visit.line.resident(name="李华")
        await visit.line.signal(call(visit.line, second), transfer(visit.line, second, visit.line.account()))
        await visit.line.advance(minutes=3)
        page = await opened(afield, "afield-8", sync=False)
        await kept(page)
        names = page.locator("#list a.task [data-slot=name]")
        await expect(names).to_have_text([NAME, "李华"])  # both red: the first must be accepted first
        await page.context.set_offline(True)
        accepted = ("接受", "已接受")  # what waits to be accepted stands before all else
        for name, steps in ((NAME, [accepted]), ("李华", [accepted, ("出发", "在路上"), ("到达", "已到达")])):
            await page.get_by_role("link", name=name).click()
            for button, then in steps:
                await press(page, button, then)
            await page.get_by_role("link", name="返回列表").click()
        await expect(names).to_have_text(["李华", NAME])
        await page.context.set_offline(False)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await expect(names).to_have_text(["李华", NAME])


async def test_an_alarm_pressed_offline_goes_out_before_all_else(console: Stage, afield: People) -> None:
    async with visiting(console, "afield-3"):
        page = await opened(afield, "afield-3", sync=False)
        supervisor = await afield.page(StaffRole.SUPERVISOR)
        await supervisor.goto("/alarms")
        await kept(page)
        await on(page)
        await page.context.set_offline(True)
        await press(page, "接受", "已接受")
        await hold(page)
        await expect(page.locator("#said")).to_contain_text("警报待发")
        await page.mouse.up()
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or "") if "acts" in request.url else None)
        await page.context.set_offline(False)
        alarm = supervisor.locator("[data-alarm]", has_text="afield-3")
        await expect(alarm).to_contain_text("求助警报", timeout=20_000)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        assert sent[0].index("duress") < sent[0].index("accepted")
        await alarm.get_by_role("button", name="我来处理").click()
        await expect(alarm).to_have_count(0)


async def test_signing_out_forgets_everything_and_asks_first_while_something_was_not_sent(
    console: Stage, afield: People
) -> None:
    async with visiting(console, "afield-4"):
        page = await opened(afield, "afield-4", sync=False)
        await kept(page)
        await on(page)
        await page.context.set_offline(True)
        await press(page, "接受", "已接受")
        await page.get_by_role("button", name="退出").click()
        await page.get_by_role("dialog").get_by_role("button", name="取消").click()
        await expect(page.locator("#waiting li")).to_have_count(1)
        await page.context.set_offline(False)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await page.get_by_role("button", name="退出").click()
        await page.wait_for_url("**/sign-in")
        await forgotten(page)


async def test_the_tasks_are_forgotten_when_the_server_was_not_reached_for_too_long(
    console: Stage, afield: People
) -> None:
    async with visiting(console, "afield-5"):
        page = await opened(afield, "afield-5", sync=False)
        await kept(page)
        await on(page)
        await page.context.set_offline(True)
        await press(page, "接受", "已接受")
        script = """async (hours) => {
            const store = await import("/static/tasks/store.js");
            await store.forgetWhenOld(Date.now() + hours * 3600000);
            return [(await store.tasks()).length, (await store.acts()).length];
        }"""
        hours = console.services.settings.session_hours
        assert await page.evaluate(script, hours - 1) == [1, 1]
        assert await page.evaluate(script, hours + 1) == [0, 1]  # what he has done names nobody, and is still sent
        await page.reload()
        await expect(page.get_by_text(NAME)).to_have_count(0)
        await page.context.set_offline(False)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)


async def test_who_is_no_longer_signed_in_sees_no_task(console: Stage, afield: People) -> None:
    async with visiting(console, "afield-6"):
        page = await opened(afield, "afield-6")
        await kept(page)
        await expect(page.get_by_role("link", name=NAME)).to_be_visible()
        await page.context.clear_cookies()
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator("#ended")).to_be_visible()
        await expect(page.get_by_text(NAME)).to_have_count(0)
        await page.context.set_offline(True)
        await page.reload()
        await expect(page.get_by_text(NAME)).to_have_count(0)
