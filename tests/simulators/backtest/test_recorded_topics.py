"""What a running line keeps, judged again: the very cases that it raised."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from domain.risk.backtest import Courses
from schemas.levels import Level
from schemas.risk.signals import NumberClass, Signal, TransferState, WatchState
from simulators.backtest import recorded_topics
from simulators.backtest.side import Side, batches
from simulators.backtest.spool import Spool, known
from streams.casework.journal import publish
from streams.screening.subjects import Subjects
from tests.domain import builders
from tests.streams.screening.screening_line import ANNA, BERT, NOW, Line, call, report, running, sms, transfer, watch

LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


def some(chance: Random, count: int) -> list[Signal]:
    """Signals about two people, in the order in which they are known."""
    made: list[Signal] = []
    for number in range(count):
        who, ago, uid = chance.choice((ANNA, BERT)), chance.uniform(1, 4000), f"s{number}"
        state, new = chance.choice(list(TransferState)), chance.random() < 0.5
        payee = chance.choice(("990000000666", "990000000777"))
        lifted = chance.choice(list(WatchState))
        made += chance.choice(
            (
                [call(who, uid, ago, chance.randint(5, 2500), number_class=chance.choice(list(NumberClass)))],
                [sms(who, uid, ago)],
                [transfer(who, uid, ago, payee, state=state, new_payee=new, balance_fen=4_000_000)],
                [watch(uid, ago, lifted, payee)],
                [report(who, payee).model_copy(update={"id": uid, "at": NOW - timedelta(minutes=ago)})],
            )
        )
    return sorted((known(signal) for signal in made), key=lambda signal: signal.arrived or signal.at)


async def test_the_cases_are_those_that_the_line_raised(line: Line) -> None:
    for signal in some(Random(5), 40):
        await line.screen([signal])
    await line.screen(b"no signal at all")
    side = Side(line.policy.risk, line.residents, Subjects(line.settings.key()))
    with Spool(held=7) as spool:
        assert await recorded_topics.signals(line.settings, spool, LATER) == 1
        assert spool.count == 40
        for items in batches(spool):
            await side.take(items)
    raised = Courses()
    for alert in await line.alerts():
        raised.add(alert)
    assert len(raised.found) == 2
    assert side.courses.found == raised.found


async def test_what_came_later_is_left_out_and_what_stood_before_is_known(line: Line) -> None:
    await line.screen([known(watch())], [known(call())])
    with Spool() as spool:
        await recorded_topics.signals(line.settings, spool, NOW - timedelta(minutes=2))
        assert [signal.kind for signal in spool] == ["call"]
    (entry,) = await recorded_topics.watchlist(line.settings, NOW)
    assert entry.subject.startswith("account:")
    assert await recorded_topics.watchlist(line.settings, NOW - timedelta(days=1)) == []


async def test_the_journal_tells_when_whose_case_was_settled(line: Line) -> None:
    story = builders.Line()
    story.alert(Level.ORANGE)
    story.dissuaded()
    for number, decision in enumerate(story.decisions):
        assert decision.case is not None
        event = builders.event(decision.case, number)
        await publish(line.producer, 0, [(event, event.model_dump_json().encode())])
    (found,) = await recorded_topics.settled(line.settings, builders.NOON - timedelta(days=1))
    assert found == (story.here.settled_at, builders.RESIDENT)
    assert await recorded_topics.settled(line.settings, builders.NOON + timedelta(days=1)) == []
