"""What a person has revealed is masked again on every page that shows it, when its time is over."""

import secrets

from playwright.async_api import expect

from schemas.people.staff import StaffRole
from streams.state.keys import UNMASKED
from tests.browser.people import People
from tests.console.cases.test_call_in import called, form
from tests.console.centre.test_complaints_page import taken
from tests.console.harness.case_forms import send
from tests.console.harness.stage import Stage
from tests.console.harness.stops import stopped

SECRET, MASKED = "13900000001", "*******0001"
ENDS = 10_000  # ms


async def test_what_was_revealed_is_masked_again_on_an_open_page(console: Stage, people: People) -> None:
    stop = await stopped(console)
    case, redis = stop.case, console.house.line.redis
    (order,) = case.orders
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        frozen = form(decision=f"冻字 {SECRET}", authority="长春市公安局")
        at = f"/release/orders/{case.id}/{order.step}"
        assert (await client.post(f"{at}/hand-over", data=frozen)).status_code == 303
        await send(client, await stop.now(), "note", what="note", note=f"女儿 {SECRET}")
        complaint = f"/complaints/{await taken(client, text=f'女儿 {SECRET} 已投诉', case=case.id)}"
        call = await called(client, stop.resident.phones[0].value)
        question = form(what="question", text=f"女儿 {SECRET}")
        assert (await client.post(f"{call}/told", data=question)).status_code == 303
        page = await people.page_of(client.token)
        for path in (at, f"{at}/print", f"/cases/{case.id}/story", complaint, call):
            why = {"case": case.id, "why": "calling", "reason": "回电核实身份", "form": secrets.token_hex(10)}
            assert (await client.post("/unmask", data=why)).status_code == 303
            async for name in redis.scan_iter(f"{UNMASKED}*"):
                await redis.expire(name, 3)
            await page.goto(path)
            await expect(page.locator("main")).to_contain_text(SECRET)
            await expect(page.locator("main")).not_to_contain_text(SECRET, timeout=ENDS)
            await expect(page.locator("main")).to_contain_text(MASKED)
            await expect(page.locator(".watermark")).to_have_count(0)
    assert people.errors == []
