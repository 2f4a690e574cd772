"""Reports of the public page are found by county, state and number, and go in time, however many there are."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Connection, Redis

from domain.desk import public_reports as rules
from schemas.people.public_reports import PublicReport, PublicReportState, RejectedAs
from streams.messaging import topics
from streams.repositories.public_reports import PublicReports
from streams.runtime.settings import Settings
from streams.state.keys import PUBLIC_REPORTS_AT, PUBLIC_REPORTS_NUMBERS, PUBLIC_REPORTS_OF
from streams.state.shared_state import EmptiedError, Shared
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW

HERE, THERE = "220102", "222401"
MINUTE, DAYS = timedelta(minutes=1), timedelta(days=120)


class Watching(Connection):
    """Notes what is asked of Redis."""

    asked: bytes = b""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: ANN401 - redis-py's
        Watching.asked += command if isinstance(command, bytes) else b"".join(command)
        await super().send_packed_command(command, check_health)


@pytest.fixture
async def rig(settings: Settings) -> AsyncIterator[Rig]:
    async with rigged(settings) as made:
        topics.create(made.settings, [topics.PUBLIC_REPORTS])
        yield made


@pytest.fixture
async def reports(rig: Rig) -> PublicReports:
    return PublicReports(rig.settings, rig.redis, rig.producer)


def report(number: int, place: str = HERE, **fields: object) -> PublicReport:
    told = {"id": f"w{number:020x}", "at": NOW + number * MINUTE, "name": "某新", "phone": "+8619800099061"}
    return PublicReport.model_validate({**told, "place": place, **fields})


def sees_here(county: str) -> bool:
    return county == HERE


def everywhere(_: str) -> bool:
    return True


async def test_a_report_that_is_sent_again_while_redis_is_empty_replaces_no_decision(
    rig: Rig, reports: PublicReports
) -> None:
    whole = Shared(rig.settings, rig.redis, [reports.restore], lease_seconds=1)
    await whole.ensure()
    sent = report(77)
    await reports.take(sent)
    await reports.put(sent.model_copy(update={"state": PublicReportState.REJECTED, "decided_at": NOW}))
    await rig.redis.flushdb()
    with pytest.raises(EmptiedError):
        await reports.take(sent)
    await whole.ensure()
    assert (await reports.take(sent)).state is PublicReportState.REJECTED


async def test_what_waits_is_read_by_pages_of_ones_own_area_the_oldest_first(reports: PublicReports) -> None:
    for number in (3, 1, 2):
        await reports.put(report(number))
    await reports.put(report(4, THERE))
    assert await reports.waiting(sees_here, 2) == [report(1), report(2)]
    assert await reports.waiting(sees_here, 2, 2) == [report(3)]
    assert await reports.waiting(everywhere, 9, 2) == [report(3), report(4, THERE)]
    assert await reports.count(sees_here) == {
        PublicReportState.WAITING: 3,
        PublicReportState.CHECKED: 0,
        PublicReportState.REJECTED: 0,
    }


async def test_a_decided_report_waits_no_more_and_the_latest_decision_comes_first(reports: PublicReports) -> None:
    for number in (1, 2, 3):
        await reports.put(report(number))
    second = rules.checked(report(2), "li", NOW + 9 * MINUTE, None)
    first = rules.rejected(report(1), "li", NOW + 10 * MINUTE, RejectedAs.DENIED)
    for each in (second, first):
        await reports.put(each)
    assert await reports.waiting(everywhere, 9) == [report(3)]
    assert await reports.decided(everywhere, 9) == [first, second]
    assert await reports.decided(everywhere, 1) == [first]
    assert set((await reports.count()).values()) == {1}


async def test_a_report_is_in_one_county_only(reports: PublicReports) -> None:
    await reports.put(report(1))
    await reports.put(report(1, THERE))
    assert await reports.waiting(sees_here, 9) == []
    assert await reports.waiting(everywhere, 9) == [report(1, THERE)]


async def test_a_report_is_found_by_its_number_until_it_is_gone(reports: PublicReports) -> None:
    await reports.put(report(1))
    number = rules.reference_number(report(1).id)
    assert await reports.by_number(number) == report(1)
    assert await reports.by_number("0000-0000-0000") is None
    await reports.drop(report(1).id)
    assert await reports.by_number(number) is None
    assert await reports.waiting(everywhere, 9) == []


async def test_old_reports_go_from_redis_with_all_that_finds_them(reports: PublicReports, rig: Rig) -> None:
    for number in (1, 2, 3):
        await reports.put(report(number))
    await reports.put(rules.checked(report(1), "li", NOW + 60 * MINUTE, None))
    await reports.expire(DAYS, report(2).at + DAYS)
    assert [each.id for each in await reports.all()] == [report(3).id]
    assert await reports.waiting(everywhere, 9) == [report(3)]
    assert await reports.decided(everywhere, 9) == []
    assert [await rig.redis.zcard(PUBLIC_REPORTS_AT), await rig.redis.hlen(PUBLIC_REPORTS_NUMBERS)] == [1, 1]


async def test_what_a_lost_redis_knew_is_listed_again(reports: PublicReports, rig: Rig) -> None:
    waits, place = report(51, "220381"), "220381".__eq__  # the topic has other tests' reports, of other counties
    done = rules.checked(report(52, "220381"), "li", NOW + 90 * MINUTE, None)
    for each in (waits, done):
        await reports.put(each)
    await rig.redis.flushdb()
    await reports.restore()
    assert (await reports.waiting(place, 9), await reports.decided(place, 9)) == ([waits], [done])
    assert await reports.by_number(rules.reference_number(done.id)) == done


async def test_reports_that_are_stored_and_not_listed_are_listed_by_the_next_look(
    reports: PublicReports, rig: Rig
) -> None:
    for number in (1, 2):
        await reports.put(report(number))
    lists = [each async for each in rig.redis.scan_iter(f"{PUBLIC_REPORTS_OF}*")]
    await rig.redis.delete(PUBLIC_REPORTS_AT, "public-reports-counties", *lists)
    assert await reports.waiting(everywhere, 9) == []
    await reports.expire(DAYS, NOW)
    assert await reports.waiting(everywhere, 9) == [report(1), report(2)]


async def test_no_page_and_no_metric_reads_all_reports(reports: PublicReports, rig: Rig) -> None:
    for number in range(1, 6):
        await reports.put(report(number))
    redis = Redis.from_url(str(rig.settings.redis), protocol=3, connection_class=Watching)
    watched = PublicReports(rig.settings, redis, rig.producer)
    Watching.asked = b""
    await watched.waiting(everywhere, 2)
    await watched.decided(everywhere, 2)
    await watched.count()
    await watched.expire(DAYS, NOW)
    await redis.aclose()
    assert b"HVALS" not in Watching.asked
    assert b"HGETALL" not in Watching.asked
    assert Watching.asked.count(report(1).id.encode()) == 1
    assert report(3).id.encode() not in Watching.asked
