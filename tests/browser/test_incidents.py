"""A major incident on a real browser: declared, its board live on another screen, an act on all its cases."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from schemas.casework.events import FactKind
from schemas.codes.people import Noted
from schemas.people.staff import StaffRole
from tests.browser.people import PHONE, People
from tests.browser.test_every_page import RULES
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.signals import confirmed, transfer

SEEN_SECONDS = 10.0


async def test_a_major_incident_is_declared_and_its_board_lives_and_its_cases_are_acted_on_together(
    console: Stage, people: People
) -> None:
    line = console.line()
    mule, residents = line.account(), [await line.resident() for _ in range(3)]
    await line.signal(confirmed(line, mule), *(transfer(line, each, mule) for each in residents))
    cases = [await line.case(each) for each in residents]

    async def there() -> bool:
        return all(case.id in console.services.hub.rows for case in cases)

    await until(there, SEEN_SECONDS)
    chief, operator = await people.page(StaffRole.SUPERVISOR), await people.page(StaffRole.OPERATOR)
    await chief.goto("/incidents")
    await people.shot(chief, "incidents")
    named = chief.locator(f'main a[href="/incidents/{cases[0].danger.campaign}"]')
    await expect(named).to_contain_text(" · ")  # what and where; the id is a detail beside
    await named.click()
    await operator.goto(f"/incidents/{cases[0].danger.campaign}")
    await chief.get_by_text("宣布为重大警情").click()
    await chief.get_by_label("理由", exact=True).fill("三人被同一账户骗")
    await chief.get_by_label("统一话术").fill("先问是否已转账")
    await chief.get_by_role("button", name="宣布", exact=True).click()
    await expect(chief.get_by_role("region", name="重大警情").get_by_text("先问是否已转账").first).to_be_visible()
    await expect(operator.locator("#news").get_by_text("先问是否已转账")).to_be_visible()

    await operator.locator("#board").get_by_role("checkbox").first.check()
    await line.dissuade(residents[0])
    await expect(operator.locator("#board").get_by_role("cell", name="已劝阻")).to_be_visible()
    await expect(operator.locator("#board input:checked")).to_have_count(1)
    assert await wrong(people, operator, "incident") == []

    await operator.get_by_role("button", name="全选").click()
    await operator.get_by_label("内容或理由").fill("同一团伙，账户已上报")
    await operator.get_by_role("button", name="查看影响").click()
    await operator.get_by_role("button", name="执行").click()
    await expect(operator.locator("#counted")).to_have_text("完成 3，被拒 0，未成 0，共 3")
    assert await wrong(people, operator, "incident-progress") == []
    await line.settle()
    for each in residents:
        assert Noted("同一团伙，账户已上报") in [fact.what for fact in await line.facts(each, FactKind.NOTE)]

    await chief.reload()
    await chief.get_by_text("结束重大警情").click()
    await chief.get_by_label("理由", exact=True).last.fill("均已联系")
    await chief.get_by_role("button", name="结束", exact=True).click()
    await expect(operator.locator("#news").get_by_text("先问是否已转账")).to_have_count(0)
    await line.end()


async def test_holds_incidents_and_complaints_fit_a_telephone_in_every_language(console: Stage, people: People) -> None:
    found = []
    for language in ("zh-CN", "en-US", "ko-KR"):
        page = await people.page(StaffRole.SUPERVISOR, language=language, size=PHONE, dark=language == "en-US")
        await page.goto("/incidents")
        found += await wrong(people, page, f"incidents-{language}")
        await page.goto("/holds")
        found += await wrong(people, page, f"holds-{language}")
        await page.locator("#channel").select_option("sms")
        await page.locator("#mute-reason").fill("网关故障")
        await page.locator("form:has(#channel) button").click()
        await expect(page.locator('form[action="/holds"]')).to_be_visible()
        found += await wrong(people, page, f"holds-look-{language}")
        await page.goto("/complaints/new")
        found += await wrong(people, page, f"complaint-new-{language}")
        await page.locator("#kind").select_option("too_often")
        await page.locator("#text").fill("一天打了五次")
        await page.locator('form[action="/complaints"] button').click()
        await expect(page.locator(".told")).to_be_visible()
        found += await wrong(people, page, f"complaint-taken-{language}")
        await page.goto("/complaints")
        found += await wrong(people, page, f"complaints-{language}")
        await page.locator("tbody a").first.click()
        await expect(page.locator("#way")).to_be_visible()
        found += await wrong(people, page, f"complaint-{language}")
    assert found == []


async def wrong(people: People, page: Page, name: str) -> list[str]:
    """What sticks out of a page, and what axe finds; a picture is kept."""
    await people.shot(page, name)
    out = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    results = await Axe().run(page, options=RULES)
    found = [f"{name}: {each['id']}: {each['nodes'][0]['target']}" for each in results.response["violations"]]
    return [f"{name}: {out} px stick out", *found] if out > 0 else found
