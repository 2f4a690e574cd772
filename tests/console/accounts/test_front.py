"""The front of the console: who is not signed in sees nothing, and every route has a door."""

import asyncio

import httpx
import pytest

from console.web.auth.guests import guests
from schemas.people.staff import StaffRole
from tests.console.accounts.test_security import another
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import Visitor


async def test_who_is_not_signed_in_is_led_to_the_sign_in(console: Stage) -> None:
    async with httpx.AsyncClient(base_url=console.address) as client:
        answer = await client.get("/", headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert (await client.get("/", headers={"accept": "application/json"})).status_code == 401


async def test_a_request_with_two_lengths_is_answered_once_and_ends_the_connection(console: Stage) -> None:
    address = httpx.URL(console.address)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    both = "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    writer.write(f"POST /sign-in HTTP/1.1\r\nHost: x\r\n{both}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_signing_in_leads_to_the_page_of_the_role(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OFFICER) as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/tasks")


async def test_a_language_leads_back_to_pages_of_ours_only(console: Stage) -> None:
    async with httpx.AsyncClient(base_url=console.address) as client:
        for foreign in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"):
            answer = await client.get("/language/ko", params={"back": foreign})
            assert answer.headers["location"] == "/"


async def test_who_loads_the_answer_to_a_form_again_is_led_to_the_page_above(console: Stage) -> None:
    forms = {
        "/staff/somebody/one-time": "/staff/somebody",
        "/integrations/webhooks/w1/rotate": "/integrations/webhooks",
        "/release/requests/q1/approve": "/release/requests/q1",
        "/complaints/k1/assign": "/complaints/k1",
        "/holds/look": "/holds",
    }
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR) as client:
        for form, above in forms.items():
            answer = await client.get(form)
            assert (answer.status_code, answer.headers["location"]) == (303, above)
        asked_by_a_program = await client.get("/holds/look", headers={"accept": "application/json"})
        assert asked_by_a_program.status_code == 405


async def test_an_unknown_address_says_so_and_leaves_who_is_signed_in_the_way_to_his_pages(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        answer = await client.get("/nowhere")
        assert answer.status_code == 404
        assert "<title>没有这个页面，请检查网址。" in answer.text
        assert 'href="/queue"' in answer.text
    async with httpx.AsyncClient(base_url=console.address, headers={"accept": "text/html"}) as nobody:
        assert 'href="/queue"' not in (await nobody.get("/nowhere")).text


async def test_a_demos_address_of_an_earlier_run_says_where_the_new_ones_are(console: Stage) -> None:
    async with httpx.AsyncClient(base_url=console.address, headers={"accept": "text/html"}) as client:
        assert "演示" not in (await client.get("/guest/of-an-earlier-run")).text
        console.services.guests = guests(console.house.clock.now(), "220104-officer-1")
        assert all(len(guest.token) >= 128 / 6 for guest in console.services.guests), "128 bits, 6 a letter"
        try:
            answer = await client.get("/guest/of-an-earlier-run")
            assert (answer.status_code, "列出的新入口" in answer.text) == (404, True)
            assert "不需要账号" in (await client.get("/sign-in")).text
        finally:
            console.services.guests = ()
        assert "不需要账号" not in (await client.get("/sign-in")).text


async def test_no_answer_is_kept_by_a_browser_or_a_proxy(console: Stage) -> None:
    program = {"accept": "application/json"}
    async with await console.signed_in(StaffRole.AUDITOR) as client, Visitor(console) as visitor:
        answers = {
            "a redirect": await client.get("/"),
            "a program that is not signed in": await visitor.get("/audit", headers=program),
            "a browser that is not signed in": await visitor.get("/audit", headers={"accept": "text/html"}),
            "no page": await client.get("/nowhere", headers=program),
            "a page": await client.get("/audit"),
            "the API": await client.get("/api/v1/cases", headers=program),
        }
    kept = {what: answer.headers.get("cache-control") for what, answer in answers.items()}
    assert set(kept.values()) == {"no-store"}, kept


async def test_who_is_no_proxy_of_ours_chooses_neither_its_address_nor_its_scheme(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.1")  # the proxy is elsewhere
    async with (
        another(console, rate_sign_in="3/minute") as (address, _),
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        pretended = [
            {"x-forwarded-for": f"198.51.100.{number}", "x-forwarded-proto": "https"} for number in range(60, 65)
        ]
        answers = [await client.post("/sign-in", data={"login": "x"}, headers=each) for each in pretended]
    assert answers[-1].status_code == 429
    assert not any("strict-transport-security" in answer.headers for answer in answers)
