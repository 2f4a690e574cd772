"""The situation page: the area's figures, and nobody found out by a small number."""

from schemas.casework.cases import Case
from schemas.people.staff import StaffRole
from tests.console.harness.stage import Stage
from tests.console.harness.stops import red_in
from tests.end_to_end.harness.house import until


async def folded(console: Stage, *cases: Case) -> None:
    """Return when the figures have these cases."""
    days = console.services.figures.situation._days

    async def seen() -> bool:
        known = {name for day in days.values() for name in day}
        return all(case.id in known for case in cases)

    await until(seen, 10)


def table(page: str, dimension: str) -> str:
    return page.partition(f'aria-labelledby="t-{dimension}"')[2].partition("</section>")[0]


async def test_few_cases_of_a_place_or_group_are_not_told(console: Stage) -> None:
    cases = [await red_in(console.line(), "210102") for _ in range(2)]
    await folded(console, *cases)
    async with await console.signed_in(StaffRole.SUPERVISOR, "2101") as client:
        page = (await client.get("/situation")).text
    for dimension in ("area", "occupation", "age", "sex"):
        assert "&lt;5" in table(page, dimension), dimension
        assert '<td class="number">2</td>' not in table(page, dimension), dimension
    assert '<td class="number">2</td>' in table(page, "level"), "what names no group is told"


async def test_another_area_is_not_in_the_figures(console: Stage) -> None:
    case = await red_in(console.line(), "220802")
    await folded(console, case)
    async with await console.signed_in(StaffRole.SUPERVISOR, "220821") as client:
        page = (await client.get("/situation?days=28&by=week")).text
    assert "这段时间没有预警" in table(page, "area")


async def test_figures_stand_beside_the_period_before_where_that_is_remembered(console: Stage) -> None:
    case = await red_in(console.line(), "220621")
    await folded(console, case)
    async with await console.signed_in(StaffRole.SUPERVISOR, "220621") as client:
        week = (await client.get("/situation?days=7")).text
        month = (await client.get("/situation?days=28")).text
    four = week.partition('<dl class="four">')[2].partition("</dl>")[0]
    assert "<dt>预警数</dt>" in four.replace("\n", "")
    assert "上期 0" in four
    assert "上期已超出保存期限" in month
    assert "避免损失累计（A+B+C）" in week
    assert 'class="line before"' in week
    assert 'class="line before"' not in month


async def test_tables_are_there_on_demand(console: Stage) -> None:
    case = await red_in(console.line(), "220681")
    await folded(console, case)
    async with await console.signed_in(StaffRole.SUPERVISOR, "220681") as client:
        page = (await client.get("/situation")).text
    closed = page.count("<details><summary>数字</summary>")
    tables = page.count('<table class="figures">')
    assert closed == tables > 5


async def test_auditors_may_look_and_operators_not(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR, "") as auditor:
        assert (await auditor.get("/situation", params={"days": "14"})).status_code == 200
        assert (await auditor.get("/situation", params={"days": "5", "by": "year"})).status_code == 200
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        assert (await operator.get("/situation")).status_code == 403
