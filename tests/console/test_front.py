"""The front of the console: who is not signed in sees nothing, and every route has a door."""

import httpx

from schemas.staff import StaffRole
from tests.console.stage import Stage


async def test_who_is_not_signed_in_is_led_to_the_sign_in(console: Stage) -> None:
    async with httpx.AsyncClient(base_url=console.address) as client:
        answer = await client.get("/", headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert (await client.get("/", headers={"accept": "application/json"})).status_code == 401


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
    async with await console.signed_in(StaffRole.ADMINISTRATOR) as client:
        for form, above in forms.items():
            answer = await client.get(form)
            assert (answer.status_code, answer.headers["location"]) == (303, above)
        asked_by_a_program = await client.get("/holds/look", headers={"accept": "application/json"})
        assert asked_by_a_program.status_code == 405
