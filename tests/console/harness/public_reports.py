"""Reports from the public page, as a visitor sends them and an operator checks them."""

import re
import secrets
import time

import httpx

from console.web.case.public_form import proof_of
from domain.access.key_rings import KeyPurpose
from domain.ids import short_hash
from schemas.people.public_reports import PublicReport
from tests.console.cases.test_call_in import form
from tests.console.harness.stage import Client, Stage
from tests.console.harness.visitors import Visitor

COUNTY = "220102"


SETTINGS = {
    "public_page": True,
    "rate_report": "5/hour",
    "rate_report_phone": "500/hour",
    "rate_report_county": "500/hour",
    "rate_reports": "500/hour",
}


def told(console: Stage, age: float = 20, /, **fields: str) -> dict[str, str]:
    """A form as the page would have issued it `age` seconds ago."""
    name, issued = secrets.token_hex(10), round((time.time() - age) * 1000)
    proof = proof_of(console.services.keys(KeyPurpose.SESSION), name, issued)
    own = {"form": name, "issued": str(issued), "proof": proof}
    return {**own, "name": "某新", "phone": "19800099031", "place": COUNTY, **fields}


async def send(console: Stage, given: dict[str, str], **headers: str) -> httpx.Response:
    """Send a form from an address of its own."""
    async with Visitor(console) as visitor:
        return await visitor.post("/report", data=given, headers=headers)


async def stored(console: Stage, given: dict[str, str]) -> PublicReport | None:
    name = f"w{short_hash('public-report', given['form'])}"
    return await console.services.line.public_reports.get(name)


async def reported(console: Stage, **fields: str) -> PublicReport:
    given = told(console, **fields)
    answer = await send(console, given)
    assert answer.status_code == 200, answer.text
    found = await stored(console, given)
    assert found is not None
    return found


async def checking(client: Client, report: PublicReport) -> str:
    """The page of the call by which somebody checks a report."""
    answer = await client.post(f"/public-reports/{report.id}/check", data=form())
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def filled_in(page: str) -> dict[str, str]:
    """What the form for a caller in danger has in its fields."""
    part = page[page.index("/danger") :]
    part = part[: part.index("</form>")]
    fields = dict(re.findall(r'<input[^>]* name="([a-z_]+)"[^>]* value="([^"]*)"', part))
    chosen = re.findall(r'<select[^>]* name="([a-z_]+)".*?<option value="([^"]*)" selected', part)
    text = re.findall(r'<textarea[^>]* name="text"[^>]*>([^<]*)<', part)
    return {**fields, **dict(chosen), "text": text[0]}
