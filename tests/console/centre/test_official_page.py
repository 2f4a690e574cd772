"""The official form on the console: the province's sums, for those who are responsible for all of it."""

import re
from collections import Counter
from datetime import timedelta

import httpx

from domain.statistics.official import COUNTS, Row
from schemas.casework.cases import StopState
from schemas.casework.inputs import BankState
from schemas.people.staff import StaffRole
from simulators.providers.bank import BankSays
from tests.console.harness.stage import Stage
from tests.console.harness.stops import known, later, stopped

AMOUNT = 100_000
WATCHED = {"stopped", "frozen", "returned", "avoided", "avoided_a", "orders", "carried_out", "stopped_ever"}


def cells(page: str, row: str) -> list[str]:
    """The figures of a row, without their intervals."""
    found = re.search(rf'<tr data-row="{row}">(.*?)</tr>', page, re.DOTALL)
    assert found is not None, row
    return [
        re.sub(r"<span.*?</span>", "", each, flags=re.DOTALL).strip()
        for each in re.findall(r"<td>(.*?)</td>", found[1], re.DOTALL)
    ]


async def standing(client: httpx.AsyncClient) -> Counter[str]:
    """The last column: money in fen, and numbers. Without losses, which other tests' clocks may bring."""
    page = (await client.get("/official")).text
    found: Counter[str] = Counter()
    for row in Row:
        text = cells(page, row)[-1].replace(",", "")
        found[row.value] = int(text) if row in COUNTS else round(float(text) * 1_000_000)
    return found


def moved(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if name in WATCHED and after[name] != before[name]}


async def test_money_is_stopped_then_returned_and_never_in_both_rows(console: Stage) -> None:
    says = [
        BankSays(timedelta(seconds=30), BankState.IN_FORCE, AMOUNT),
        BankSays(timedelta(hours=1), BankState.RETURNED, AMOUNT),
    ]
    async with await console.signed_in(StaffRole.SUPERVISOR, "") as client:
        before = await standing(client)
        stop = await stopped(console, says)
        held = await standing(client)
        await later(console, stop, hours=2)
        await known(console, stop, StopState.RETURNED)
        back = await standing(client)
    assert moved(before, held) == {"stopped": AMOUNT, "carried_out": 1, "orders": 1, "stopped_ever": AMOUNT}
    assert moved(held, back) == {"stopped": -AMOUNT, "returned": AMOUNT, "avoided_a": AMOUNT, "avoided": AMOUNT}


async def test_the_legend_says_that_each_yuan_is_in_one_place_in_three_languages(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        for language, words in (("zh", "只计入一处"), ("en", "in one place at any moment"), ("ko", "한 곳에만")):
            page = (await client.get("/official", headers={"accept-language": language})).text
            assert words in page
            assert len(re.findall('class="between"', page)) == 4, "D alone has intervals, wherever it is shown"


async def test_a_day_that_is_none_or_is_to_come_counts_as_today(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        today = re.findall(r'name="day" value="(\S+?)"', (await client.get("/official")).text)
        for day in ("2099-01-01", "0001-01-01", "2026-02-30", "'--", "2000-06-01"):
            answer = await client.get("/official", params={"day": day})
            assert answer.status_code == 200, day
            assert re.findall(r'name="day" value="(\S+?)"', answer.text) == today, day
        earlier = await client.get("/official", params={"day": "2024-02-29"})
    assert "2023-02-28" not in earlier.text, "last year's days are compared, and this year's are named"
    assert 'value="2024-02-29"' in earlier.text


async def test_a_prefectures_supervisor_and_an_operator_may_not_look(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR, "2201") as client:
        assert (await client.get("/official")).status_code == 403
        assert '"/official"' not in (await client.get("/situation")).text, "nor are they led there"
    async with await console.signed_in(StaffRole.OPERATOR, "") as client:
        assert (await client.get("/official")).status_code == 403
