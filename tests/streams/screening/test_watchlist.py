"""What signals put on the watchlist is found by a process that may read nothing else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.risk.evidence import WatchStatus
from schemas.risk.payee_checks import PayeeKind
from schemas.risk.signals import Report, WatchState
from streams.screening.payers import Payers, spread, token_of
from streams.screening.subjects import Subjects
from streams.screening.watchlist import NotWholeError, Watchlist
from streams.state.keys import WHOLE, key
from streams.state.shared_state import Shared
from tests.streams.screening.screening_line import ANNA, MULE, PHONES, Line, minutes_ago, running, watch

DOMAIN, LINK = "loan.example", "https://shop.example/pay?id=7"


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        yield line


def subject(line: Line, kind: PayeeKind, value: str) -> str:
    return Subjects(line.settings.key()).listed(kind, value)[0]


async def test_accounts_and_links_of_signals_are_found_with_their_standing(line: Line) -> None:
    told = Report(source="96110", id="r7", at=minutes_ago(2), phone=PHONES[ANNA], suspect_link=LINK)
    await line.screen([watch(), watch("w2", value=DOMAIN, subject="link"), told])
    asked = {
        subject(line, PayeeKind.ACCOUNT, MULE): WatchStatus.CONFIRMED,
        subject(line, PayeeKind.LINK, DOMAIN): WatchStatus.CONFIRMED,
        subject(line, PayeeKind.LINK, LINK): WatchStatus.REPORTED,
    }
    watchlist = Watchlist(line.redis, line.settings, seconds=5)
    found = await watchlist.entries([*asked, subject(line, PayeeKind.LINK, "other.example")])
    assert {name: entry.standing for name, entry in found.items()} == asked
    await line.screen([watch("w3", ago=0, value=f"http://www.{DOMAIN}/", subject="link", state=WatchState.LIFTED)])
    (lifted,) = (await watchlist.entries([subject(line, PayeeKind.LINK, DOMAIN)])).values()
    assert lifted.standing is WatchStatus.LIFTED
    assert await line.dead_letters() == []


async def test_questions_at_the_same_time_each_get_their_own_answer(line: Line) -> None:
    await line.screen([watch(), watch("w2", value=DOMAIN, subject="link")])
    mule, domain = subject(line, PayeeKind.ACCOUNT, MULE), subject(line, PayeeKind.LINK, DOMAIN)
    watchlist = Watchlist(line.redis, line.settings, seconds=5)
    asked = [[mule], [domain], ["account:none"], [], [mule, domain, "phone:none"]] * 50
    found = await asyncio.gather(*(watchlist.entries(each) for each in asked))
    assert [set(each) for each in found] == [{mule}, {domain}, set(), set(), {mule, domain}] * 50


async def test_a_question_that_was_given_up_holds_up_no_other(line: Line) -> None:
    await line.screen([watch()])
    mule = subject(line, PayeeKind.ACCOUNT, MULE)
    watchlist = Watchlist(line.redis, line.settings, seconds=5)
    given_up, another = (asyncio.create_task(watchlist.entries([mule])) for _ in range(2))
    await asyncio.sleep(0)
    given_up.cancel()
    assert set(await another) == {mule}
    assert set(await watchlist.entries([mule])) == {mule}


async def test_nothing_is_answered_from_a_store_that_is_not_whole(line: Line) -> None:
    watchlist = Watchlist(line.redis, line.settings, seconds=5)
    assert await watchlist.entries(["account:none"]) == {}
    await line.redis.delete(WHOLE)
    with pytest.raises(NotWholeError):
        await watchlist.entries(["account:none"])


async def test_an_outdated_lift_that_is_read_again_takes_no_suspect_off_the_list(line: Line) -> None:
    await line.screen([watch(ago=1)])
    payers = Payers(line.redis, line.settings.partitions)
    (confirmed,) = await payers.confirmed(10)
    since = confirmed.at - timedelta(days=1)
    await payers.put_back([confirmed.model_copy(update={"standing": WatchStatus.LIFTED, "at": since, "uid": "old:w1"})])
    assert await payers.confirmed(10) == [confirmed]


async def test_an_entry_that_is_read_again_is_listed_though_the_list_had_lost_it(line: Line) -> None:
    await line.screen([watch(ago=1)])
    payers = Payers(line.redis, line.settings.partitions)
    (confirmed,) = await payers.confirmed(10)
    await line.redis.delete(key("suspects", spread(token_of(confirmed.subject), line.settings.partitions)))
    await payers.put_back([confirmed])
    assert await payers.confirmed(10) == [confirmed]
