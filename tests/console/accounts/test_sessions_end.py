"""A session ends when its person does nothing, whatever the open page does by itself; and at its latest time anyway."""

import asyncio
import time

import httpx
import orjson

from console.web.auth.sessions import hashed
from schemas.people.staff import StaffRole
from streams.state.keys import SESSION
from tests.console.harness.case_forms import red
from tests.console.harness.stage import Client, Stage

SOON = 100  # seconds until the session ends without an act
SCRIPT = {"sec-fetch-mode": "cors"}
PERSON = {"sec-fetch-mode": "navigate"}


async def left(console: Stage, client: Client, answer: httpx.Response | None = None) -> int:
    """The seconds until the client's session ends; after an answer it ends soon again."""
    assert answer is None or answer.status_code < 400, answer.text
    name = SESSION + hashed(client.token)
    found = await console.house.line.redis.ttl(name)
    await console.house.line.redis.expire(name, SOON)
    return int(found)


async def test_what_an_open_page_does_by_itself_does_not_keep_the_session(console: Stage) -> None:
    _, case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert await left(console, client) > SOON
        for path in (f"/cases/{case.id}/parts", f"/cases/{case.id}/story", "/queue"):
            assert await left(console, client, await client.get(path, headers=SCRIPT)) <= SOON
        renewed = await client.post(f"/cases/{case.id}/renew", headers={"accept": "application/json"})
        assert await left(console, client, renewed) <= SOON


async def test_a_stream_does_not_keep_the_session_and_ends_with_it(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        await left(console, client)
        stream_of_wall = client.stream("GET", "/wall/stream", headers={"accept": "text/event-stream"})
        async with asyncio.timeout(20), stream_of_wall as stream:
            lines = stream.aiter_lines()
            await anext(lines)
            assert await left(console, client) <= SOON
            await console.house.line.redis.delete(SESSION + hashed(client.token))
            async for _ in lines:  # it ends
                continue


async def test_the_news_end_when_the_account_s_area_changes_or_it_is_disabled(console: Stage) -> None:
    for changed in ({"area": "2224"}, {"disabled": True}):
        async with (
            asyncio.timeout(20),
            await console.signed_in(StaffRole.SUPERVISOR, "2202") as client,
            client.stream("GET", "/news", headers={"accept": "text/event-stream"}) as stream,
        ):
            lines = stream.aiter_lines()
            await anext(lines)
            await console.services.staff.put(client.account.model_copy(update=changed))
            async for _ in lines:  # it ends
                continue


async def test_a_page_that_is_opened_a_form_and_a_key_that_is_pressed_do(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await left(console, client)
        for headers in (PERSON, {}):  # a browser over plain HTTP does not say how the request came about
            assert await left(console, client, await client.get("/queue", headers=headers)) > SOON
        assert await left(console, client, await client.post("/account/present")) > SOON


async def test_at_its_latest_time_a_session_ends_whatever_is_done(console: Stage) -> None:
    redis, whole = console.house.line.redis, console.services.settings.session_hours * 3600
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        name = SESSION + hashed(client.token)
        kept = orjson.loads(await redis.get(name))
        await redis.set(name, orjson.dumps(kept | {"began": time.time() - whole + 2}), ex=1000)
        assert (await client.get("/queue", headers=PERSON)).status_code == 200
        await asyncio.sleep(2)
        assert (await client.get("/queue", headers=PERSON)).headers["location"] == "/sign-in"
        await redis.set(name, orjson.dumps(kept | {"began": time.time() - whole}), ex=1000)
        assert (await client.get("/queue")).headers["location"] == "/sign-in"


async def test_the_last_act_is_shown_also_of_a_session_that_waits_longer_than_it_lasts(console: Stage) -> None:
    redis, settings = console.house.line.redis, console.services.settings
    for role, hours in (
        (StaffRole.OFFICER, settings.waiting_hours),
        (StaffRole.OPERATOR, settings.session_minutes / 60),
    ):
        async with await console.signed_in(role) as client:
            name = SESSION + hashed(client.token)
            kept = orjson.loads(await redis.get(name))
            await redis.set(name, orjson.dumps(kept | {"began": time.time() - 3600}), ex=int(hours * 3600) - 600)
            [shown] = await console.services.sessions.of_login(client.account)
            assert abs(time.time() - 600 - shown.used.timestamp()) < 60


async def test_a_telephone_and_a_wall_wait_for_events_longer(console: Stage) -> None:
    minutes = console.services.settings.session_minutes
    for role, waits in ((StaffRole.OFFICER, True), (StaffRole.DISPLAY, True), (StaffRole.OPERATOR, False)):
        async with await console.signed_in(role) as client:
            assert (await left(console, client) > minutes * 60) == waits
