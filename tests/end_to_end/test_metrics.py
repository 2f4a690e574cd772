"""What Prometheus reads of a case, and that nothing of a person is in it."""

import re
from collections import Counter

import httpx

from domain.statistics import counts
from domain.statistics.report import money
from schemas.levels import Action, Level, Result
from streams.monitoring.exporter.exporter import METRIC_GROUPS, Exporter
from streams.monitoring.report import journal_events
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

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
        r'quanzu_dispatch_to_receipt_seconds_count\{channel="sms"\} [1-9]',
        r'quanzu_decision_to_telephone_seconds_count\{channel="sms",level="red"\} [1-9]',
        r"quanzu_signal_to_alert_seconds_count [1-9]",
        r"quanzu_alert_to_dispatch_seconds_count [1-9]",
        r'quanzu_dispatches_total\{channel="sms",result="sent"\} [1-9]',
        r'quanzu_lag_records\{topic="signals-urgent"\} \d',
        r'quanzu_build_info\{.*version="\d',
    ]
    missing: list[str] = wanted

    async def seen() -> bool:
        nonlocal missing
        told = await _metrics(line)
        missing = [name for name in wanted if not re.search(name, told)]
        return not missing

    async def fed() -> bool:
        return any(name == "quanzu_feed_age_seconds" for name, _ in await _province(line))

    await until(seen, SECONDS, lambda: "\n".join(missing))
    await until(fed, SECONDS)  # noted by a timer
    samples = await _province(line)
    told = await _metrics(line) + "".join(f"{name} {labels}\n" for name, labels in samples)
    for personal in (resident.name, resident.phones[0].value, resident.accounts[0].value, mule):
        assert personal not in told
    assert not RESIDENT_ID.search(told)
    assert samples["quanzu_cases_open", (("level", "red"), ("state", "contacting"))] >= 1
    assert samples["quanzu_deadlines_overdue", (("partition", "0"),)] == 0
    assert any(name == "quanzu_feed_age_seconds" for name, _ in samples)
    assert samples["quanzu_kafka_up", ()] == samples["quanzu_redis_up", ()] == 1
    assert samples["quanzu_audit_chain_faults", ()] == 0


async def test_the_tallies_equal_the_journal(line: Line) -> None:
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    await line.advance(minutes=1)
    await line.dissuade(resident)
    samples = await _province(line)
    entries = await journal_events(line.house.settings)
    books, total = money(entries), Counter[str]()
    for entry in entries:
        total.update(counts.of_event(entry.event))
    total.update(counts.clocks_of(entry.event for entry in entries))
    assert samples["quanzu_dissuaded", (("basis", "evidenced"),)] == books.dissuaded_evidenced >= 1
    assert samples["quanzu_dissuaded", (("basis", "stated"),)] == books.dissuaded_stated
    assert samples["quanzu_cases_known", ()] == books.cases
    for level in Level:
        opened = total[f"opened|{level}"] + total[f"reopened|{level}"]
        assert samples["quanzu_cases_opened_total", (("level", level),)] == opened
        for end in ("kept", "missed"):
            labels = (("whose", "carrier"), ("level", level), ("end", end))
            assert samples["quanzu_clocks_total", labels] == total[f"clock|carrier|{level}|{end}"]
    for name, number in total.items():
        kind, _, rest = name.partition("|")
        if kind == "action":
            action, _, result = rest.partition("|")
            which = (("channel", Action(action).channel.value), ("action", action), ("result", result))
            assert samples["quanzu_contacts_total", which] == number
    line.carrier.crossed_out.update(range(len(line.carrier.kept)))
    line.bank.crossed_out.update(range(len(line.bank.kept)))


async def _province(line: Line) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What the exporter tells of the house's line."""
    exporter = Exporter(line.house.line.exporter)
    for look in METRIC_GROUPS:
        await exporter.read_group(look)
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for metric in exporter.collect()
        for sample in metric.samples
    }


async def _metrics(line: Line) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://127.0.0.1:{line.house.worker.metrics_port}/metrics")).text
