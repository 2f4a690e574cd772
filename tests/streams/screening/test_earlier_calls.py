"""A telephone number that is confirmed reaches the people whom it called before."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.casework import decide
from domain.risk.upstream import ContactReach, ContactSource
from schemas.levels import Level
from schemas.risk.evidence import Callee, EvidenceKind
from schemas.risk.signals import NumberClass, Watch, WatchState
from streams.messaging.topics import home
from streams.screening.payers import Payers, packed, unpacked
from streams.screening.upstream import UpstreamLists
from streams.state.keys import key
from tests.domain import builders
from tests.streams.screening.screening_line import (
    ANNA,
    BERT,
    MULE,
    NOW,
    Line,
    call,
    minutes_ago,
    running,
    transfer,
    watch,
)

CALLER = "+8619900000099"
ORDINARY: dict[str, Any] = {"number_class": NumberClass.ORDINARY, "caller": CALLER}


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


def confirmed(uid: str = "w1", state: WatchState = WatchState.CONFIRMED, ago: float = 1) -> Watch:
    return watch(uid, ago, state=state, value=CALLER, subject="phone")


@pytest.mark.parametrize("ongoing", [True, False])
def test_a_call_reads_back_as_it_was_written(ongoing: bool) -> None:
    told = Callee(ANNA, "carrier:a|b", NOW, "signals-urgent", 3, 9, 615, ongoing)
    assert unpacked(packed(told)) == told


async def test_who_was_called_before_the_confirmation_is_alerted_and_a_short_call_is_not(line: Line) -> None:
    await line.screen([call(ANNA, "c1", seconds=2_400, ago=90, **ORDINARY), call(BERT, "c2", seconds=20, **ORDINARY)])
    assert await line.alerts() == []
    await line.screen([confirmed()])
    (alert,) = await line.alerts()
    assert alert.resident == ANNA
    assert set(await line.evidence()) == {"carrier:c1~suspect_caller"}
    assert await line.evidence(BERT) == {}


async def test_the_same_confirmation_twice_alerts_once(line: Line) -> None:
    await line.screen([call(ANNA, seconds=2_400, ago=90, **ORDINARY)])
    await line.screen([confirmed()], [confirmed()])
    await line.screen([confirmed("w2", ago=0.5)])
    assert len(await line.alerts()) == 1


async def test_a_lifted_number_takes_back_the_evidence(line: Line) -> None:
    await line.screen([call(ANNA, seconds=2_400, ago=90, **ORDINARY)])
    await line.screen([confirmed(ago=2)])
    await line.screen([confirmed("w2", WatchState.LIFTED)])
    (member,) = (await line.evidence()).values()
    assert (member.kind, member.withdrawn) == (EvidenceKind.SUSPECT_CALLER, True)


async def test_a_repeated_confirmation_changes_nothing_about_who_was_found_and_reached(line: Line) -> None:
    lists = UpstreamLists(line.redis, line.settings.partitions)
    await line.screen([call(ANNA, seconds=2_400, ago=90, **ORDINARY)])
    await line.screen([confirmed(ago=10)])
    case = decide(None, builders.alert(Level.RED), builders.rules(), builders.NOON).case
    assert case is not None
    warned = case.model_copy(update={"id": f"{ANNA}-1", "resident": ANNA, "warned_at": minutes_ago(5)})
    await line.redis.hset(key("cases", home(ANNA, 4)), ANNA, warned.model_dump_json())
    await line.screen([confirmed("w2", ago=1)])
    (entry,) = await lists.suspects(10)
    assert (entry.at, entry.begun_at) == (minutes_ago(1), minutes_ago(10))
    assert await lists.reached([entry], line.policy.risk) == {(ContactSource.CALL, ContactReach.REACHED): 1}


async def test_a_number_that_was_never_confirmed_leaves_no_trace_when_it_is_lifted(line: Line) -> None:
    await line.screen([call(ANNA, seconds=2_400, ago=90, **ORDINARY)])
    await line.screen([confirmed("w1", WatchState.LIFTED)])
    assert await line.evidence() == {}


async def test_the_latest_confirmed_suspects_are_listed_until_they_are_lifted(line: Line) -> None:
    payers = Payers(line.redis, line.settings.partitions)
    await line.screen([confirmed(ago=5), watch("w2", 3, value=MULE), watch("w3", 2, WatchState.RATED)])
    listed = await payers.confirmed(10)
    assert [(each.subject.partition(":")[0], each.at) for each in listed] == [
        ("account", minutes_ago(3)),
        ("phone", minutes_ago(5)),
    ]
    assert await payers.confirmed(1) == listed[:1]
    await line.screen([watch("w4", 1, WatchState.LIFTED, MULE)])
    assert await payers.confirmed(10) == listed[1:]


async def test_who_had_contact_is_counted_by_source_and_by_whether_they_were_reached(line: Line) -> None:
    lists = UpstreamLists(line.redis, line.settings.partitions)
    await line.screen([call(ANNA, seconds=2_400, ago=90, **ORDINARY), transfer(BERT), transfer(ANNA, "t2")])
    await line.screen([confirmed(), watch("w2", 1)])
    at = NOW - timedelta(minutes=1)
    case = decide(None, builders.alert(Level.RED), builders.rules(), builders.NOON).case
    assert case is not None
    cases = (
        case.model_copy(update={"id": f"{ANNA}-1", "resident": ANNA, "warned_at": at}),
        case.model_copy(update={"id": f"{BERT}-1", "resident": BERT, "warned_at": at - timedelta(seconds=1)}),
    )
    for each in cases:
        await line.redis.hset(key("cases", home(each.resident, 4)), each.resident, each.model_dump_json())
    found = await lists.reached(await lists.suspects(10), line.policy.risk)
    assert found == {
        (ContactSource.CALL, ContactReach.REACHED): 1,
        (ContactSource.INFLOW, ContactReach.REACHED): 1,
        (ContactSource.INFLOW, ContactReach.WAITING): 1,
    }


async def test_people_elsewhere_take_nobodys_place_on_the_list_and_a_cut_is_told(line: Line) -> None:
    lists, one = UpstreamLists(line.redis, line.settings.partitions), line.policy.risk.upstream
    rules = line.policy.risk.model_copy(update={"upstream": one.model_copy(update={"people": 1})})
    await line.screen([transfer(BERT), transfer(ANNA, "t2")])
    await line.screen([watch("w1", 1)])
    (entry,) = await lists.suspects(10)
    whole = await lists.of(entry, line.residents, rules, NOW)
    assert (len(whole.listed), whole.found, whole.elsewhere, whole.cut) == (1, 2, 0, True)
    nobody = await lists.of(entry, line.residents, rules, NOW, lambda division: False)
    assert (nobody.listed, nobody.found, nobody.elsewhere, nobody.cut) == ([], 2, 2, False)


async def test_only_the_cases_of_those_who_are_listed_are_read(line: Line) -> None:
    lists, one = UpstreamLists(line.redis, line.settings.partitions), line.policy.risk.upstream
    rules = line.policy.risk.model_copy(update={"upstream": one.model_copy(update={"people": 1})})
    await line.screen([transfer(BERT), transfer(ANNA, "t2")])
    await line.screen([watch("w1", 1)])
    (entry,) = await lists.suspects(10)
    (listed,) = (await lists.of(entry, line.residents, rules, NOW)).listed
    other = BERT if listed.resident.id == ANNA else ANNA
    await line.redis.hset(key("cases", home(other, 4)), other, "no case: reading it would fail")
    assert [each.resident.id for each in (await lists.of(entry, line.residents, rules, NOW)).listed] == [
        listed.resident.id
    ]


async def test_of_too_many_contacts_the_oldest_are_left_out(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.screening.upstream.MOST_WITHOUT_ASKING", 1)
    lists = UpstreamLists(line.redis, line.settings.partitions)
    await line.screen([transfer(BERT, ago=50), transfer(ANNA, "t2", ago=10)])
    await line.screen([watch("w1", 1)])
    (entry,) = await lists.suspects(10)
    found = await lists.of(entry, line.residents, line.policy.risk, NOW)
    assert ([each.resident.id for each in found.listed], found.more) == ([ANNA], True)


async def test_the_newest_payments_are_walked_first_each_once(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.screening.payers.WALKED", 2)
    ages = (50, 40, 40, 40, 40, 10)
    await line.screen([transfer(ANNA, f"t{number}", ago=ago) for number, ago in enumerate(ages)])
    await line.screen([watch("w1", 1)])
    (entry,) = await UpstreamLists(line.redis, line.settings.partitions).suspects(10)
    payers, token = Payers(line.redis, line.settings.partitions), entry.subject.partition(":")[2]
    walked = [each.at async for some in payers.walk_back(token, minutes_ago(45)) for each in some]
    assert walked == [minutes_ago(ago) for ago in (10, 40, 40, 40, 40)]
    names = [each async for some in payers.walk_back(token, minutes_ago(45)) for each in some]
    assert len(set(map(packed, names))) == 5


async def test_a_lost_store_finds_the_suspects_and_their_callees_again(line: Line) -> None:
    payers = Payers(line.redis, line.settings.partitions)
    await line.screen([call(ANNA, seconds=2_400, ago=90, **ORDINARY)])
    await line.screen([confirmed()])
    before = await payers.confirmed(10), await line.evidence()
    await line.lose()
    await line.screen_owed()
    assert (await payers.confirmed(10), await line.evidence()) == before
    assert len(await line.alerts()) == 1
