"""An officer's telephone is subscribed to push messages, listed on the account, and ended."""

import asyncio

import pytest

from schemas.people.escalations import PushSubscription
from schemas.people.staff import StaffRole
from streams.repositories.escalations import opaque_id
from tests.console.harness.stage import Client, Stage
from tests.tools.push_service import Browser

ENDPOINT = "https://push.example/send/abc"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"


def given(endpoint: str = ENDPOINT, **fields: str) -> dict[str, str]:
    return {"endpoint": endpoint, "language": "ko-KR"} | Browser().keys | fields


async def officer(console: Stage, name: str = "push-9") -> Client:
    return await console.signed_in(StaffRole.OFFICER, officer=name)


async def subscribed(client: Client, endpoint: str = ENDPOINT) -> None:
    answer = await client.post("/tasks/push", json=given(endpoint), headers={"user-agent": IPHONE})
    assert answer.status_code == 204, answer.text


async def devices(console: Stage, client: Client) -> list[PushSubscription]:
    return await console.house.line.outgoing.rosters.push.of_login(client.account.login)


async def test_a_device_is_stored_encrypted_and_shown_on_the_account(console: Stage) -> None:
    client = await officer(console)
    assert len((await client.get("/tasks/push")).json()["key"]) == 87
    await subscribed(client)
    [device] = await devices(console, client)
    assert (device.officer, device.language, device.device) == ("push-9", "ko", "iPhone")
    assert ENDPOINT not in device.model_dump_json()
    assert console.house.line.outgoing.rosters.push.opened(device)[0] == ENDPOINT
    page = (await client.get("/account")).text
    assert device.id in page
    assert "iPhone" in page
    assert (await client.post(f"/account/devices/{device.id}/end")).status_code == 303
    assert await devices(console, client) == []
    assert (await client.post(f"/account/devices/{device.id}/end")).status_code == 404


async def test_a_device_is_stored_under_the_lock_of_its_record(console: Stage) -> None:
    client = await officer(console)
    async with console.house.line.outgoing.rosters.push.locked(opaque_id(ENDPOINT)):
        subscribing = asyncio.create_task(subscribed(client))
        await asyncio.sleep(0.5)
        assert await devices(console, client) == []
    await subscribing
    assert len(await devices(console, client)) == 1
    await client.post("/sign-out")


async def test_a_device_subscribed_again_is_one_and_belongs_to_the_newer_session(console: Stage) -> None:
    first = await officer(console)
    await subscribed(first)
    second = await console.client(first.account)
    await subscribed(second)
    [device] = await devices(console, first)
    await first.post("/sign-out")
    assert await devices(console, first) == [device]
    await second.post("/sign-out")
    assert await devices(console, first) == []


async def test_signing_out_and_the_page_end_a_device(console: Stage) -> None:
    client = await officer(console)
    await subscribed(client)
    assert (await client.post("/tasks/push/end", json={"endpoint": ENDPOINT})).status_code == 204
    assert await devices(console, client) == []
    await subscribed(client)
    assert (await client.post("/sign-out")).status_code == 303
    assert await devices(console, client) == []


async def test_nobody_ends_anothers_device(console: Stage) -> None:
    mine, other = await officer(console), await officer(console, "push-8")
    await subscribed(mine)
    assert (await other.post("/tasks/push/end", json={"endpoint": ENDPOINT})).status_code == 204
    assert (await other.post(f"/account/devices/{opaque_id(ENDPOINT)}/end")).status_code == 404
    assert len(await devices(console, mine)) == 1
    await mine.post("/sign-out")


async def test_the_oldest_of_many_devices_ends(console: Stage) -> None:
    client = await officer(console)
    for number in range(6):
        await subscribed(client, f"https://push.example/send/{number}")
    assert len(await devices(console, client)) == 5
    await client.post("/sign-out")


@pytest.mark.parametrize(
    "wrong",
    [
        given("http://push.example/a"),
        given("https://169.254.169.254/latest/meta-data"),
        given("https://10.0.0.1/a"),
        given("javascript:alert(1)"),
        given(p256dh="AAAA"),
        given(auth="AAAA"),
        given(p256dh="!"),
        {"endpoint": 7},
        {},
    ],
)
async def test_what_is_no_subscription_is_refused(console: Stage, wrong: dict[str, object]) -> None:
    client = await officer(console)
    assert (await client.post("/tasks/push", json=wrong)).status_code == 422
    assert await devices(console, client) == []


async def test_an_account_without_an_officer_has_no_key(console: Stage) -> None:
    client = await console.signed_in(StaffRole.OFFICER)
    assert (await client.get("/tasks/push")).json() == {"key": ""}
    assert (await client.post("/tasks/push", json=given())).status_code == 409
