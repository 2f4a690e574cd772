"""What Prometheus reads of a case, and that nothing of a person is in it."""

import re

import httpx

from schemas.levels import Action, Result
from tests.line.house import until
from tests.line.rig import Line
from tests.line.signals import call, transfer

SECONDS = 10
RESIDENT_ID = re.compile(r"r[a-z2-7]{16}")


async def test_a_red_case_is_seen_in_the_metrics_and_nothing_of_the_resident_is(line: Line) -> None:
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    mule = line.account()
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, mule))
    await line.advance(seconds=10)
    line.expect(Action.FLASH_SMS, resident, seconds=0)
    line.expect_nothing_else()
    wanted = [
        r'quanzu_signals_screened_total\{outcome="raised",source="[a-z-]+"\} [1-9]',
        r'quanzu_cases_opened_total\{level="[a-z]+"\} [1-9]',
        r'quanzu_cases_open\{level="red",state="contacting"\} [1-9]',
        r'quanzu_contacts_total\{channel="sms",result="sent"\} [1-9]',
        r'quanzu_dispatch_to_receipt_seconds_count\{channel="sms"\} [1-9]',
        r"quanzu_signal_to_alert_seconds_count [1-9]",
        r"quanzu_alert_to_dispatch_seconds_count [1-9]",
        r'quanzu_loss_avoided_fen\{evidence="A"\} ',
        r'quanzu_defrauded_after_warning\{days="30"\} ',
        r'quanzu_deadlines_overdue\{partition="\d"\} ',
        r'quanzu_lag_records\{topic="signals-urgent"\} \d',
        r'quanzu_feed_age_seconds\{source="[a-z-]+"\} ',
    ]
    missing: list[str] = wanted

    async def seen() -> bool:
        nonlocal missing
        told = await _metrics(line)
        missing = [name for name in wanted if not re.search(name, told)]
        return not missing

    await until(seen, SECONDS, lambda: "\n".join(missing))
    told = await _metrics(line)
    for personal in (resident.name, resident.phones[0].value, resident.accounts[0].value, mule):
        assert personal not in told
    assert not RESIDENT_ID.search(told)


async def _metrics(line: Line) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://127.0.0.1:{line.house.worker.metrics_port}/metrics")).text
