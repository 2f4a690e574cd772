"""Cases of a place as the console knows them, and the queue of an operator, for the tests of its page."""

from playwright.async_api import Page, expect

from domain.ids import short_hash
from schemas.casework.acts import ClaimAct
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_app, transfer

TONES = "window.tones = 0; const begin = OscillatorNode.prototype.start;" + (
    "OscillatorNode.prototype.start = function (...at) { window.tones += 1; return begin.apply(this, at); };"
)
ROWS = 25  # more than a screen holds
SECONDS = 10.0


async def yellows(console: Stage, line: Line, division: str, number: int = 1, name: str = "某某") -> list[Case]:
    """Open cases of a place, once the console knows them."""
    residents = [await line.resident(division=division, name=name) for _ in range(number)]
    await line.signal(*(scam_app(line, resident) for resident in residents))
    return [await known(console, line, resident) for resident in residents]


async def red(console: Stage, line: Line, division: str, minutes: float = 0) -> Case:
    """A red case, so long after it was raised."""
    resident = await line.resident(division=division)
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    if minutes:
        await line.advance(minutes=minutes)
    return await known(console, line, resident)


async def known(console: Stage, line: Line, resident: Resident) -> Case:
    case = await line.case(resident)

    async def there() -> bool:
        row = console.services.hub.rows.get(case.id)
        return row is not None and row.case.version >= case.version

    await until(there, SECONDS)
    return case


async def claimed(console: Stage, case: Case, by: str) -> None:
    """Somebody takes the case, elsewhere."""
    await console.house.desk.report(
        OperatorReport(
            id=short_hash("test", case.id, by),
            at=console.house.clock.now(),
            resident=case.resident,
            case=case.id,
            by=by,
            seen=case.version,
            act=ClaimAct(do="claim"),
        )
    )


async def opened(people: People, area: str, query: str = "", **look: object) -> Page:
    """The queue of an operator, listening."""
    page = await people.page(StaffRole.OPERATOR, area, **look)  # type: ignore[arg-type]  # as People.page has them
    await page.add_init_script(TONES)
    await page.goto(f"/queue{query}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page
