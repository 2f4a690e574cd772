"""Latencies that the board observes: each decision once, also after the inputs' topic was made anew."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from domain.identity.identifiers import new_resident_id
from schemas.casework.cases import Case, Contacted, Step, StepState
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.casework.objections import ObjectionGround, ObjectionState, Objector, StopObjection, WrongfulCause
from schemas.codes.money import BankReleased
from schemas.codes.objections import ObjectionUpheld, ReportFalse
from schemas.levels import Action, Channel, Result
from streams.casework.snapshots import Board
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.messaging.record import Raw
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import key
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW, case_of, dispatch_for
from tests.domain.builders import commit_of

LAST_OF_OLD_LOG, FIRST_OF_NEW_LOG = 900, 0


@pytest.fixture
async def rig(settings: Settings) -> AsyncIterator[Rig]:
    async with rigged(settings) as made:
        topics.create(made.settings, [topics.CASE_SNAPSHOTS])
        yield made


def decided(number: int, offset: int, log: int) -> Raw:
    """A journal record that dispatches a warning because of a signal."""
    dispatch = dispatch_for(new_resident_id(number.to_bytes(10)), signal_at=NOW)
    event = CaseEvent(
        commit=commit_of(offset).model_copy(update={"log": log}),
        id=f"e-{number}",
        input=f"i-{number}",
        input_kind="alert",
        partition=0,
        offset=offset,
        at=NOW,
        case=case_of(dispatch),
        facts=[],
        dispatches=[dispatch],
    )
    return Raw(number, event.model_dump_json().encode())


def observed() -> float:
    return REGISTRY.get_sample_value("quanzu_alert_to_dispatch_seconds_count") or 0.0


async def test_latencies_are_observed_once_also_after_the_topic_was_made_anew(rig: Rig) -> None:
    board, before = Board(CaseStore(rig.redis), rig.producer, rig.clock), observed()
    first, later = decided(1, LAST_OF_OLD_LOG, 0), decided(2, FIRST_OF_NEW_LOG, 1)
    for batch in ([first], [first, later], [first, later]):
        await board.take(0, batch)
    assert observed() - before == 2


async def test_latencies_are_observed_once_although_redis_loses_that_they_were(rig: Rig) -> None:
    board, before = Board(CaseStore(rig.redis), rig.producer, rig.clock), observed()
    await board.take(0, [decided(1, 0, 0), decided(2, 1, 0)])
    await rig.redis.delete(key("boarded", 0))
    await board.take(0, [decided(2, 1, 0), decided(3, 2, 0)])
    assert observed() - before == 3


async def test_an_entry_that_comes_again_does_not_replace_a_later_snapshot(rig: Rig) -> None:
    first = decided(1, 0, 0)
    event = CaseEvent.model_validate_json(first.value or b"")
    case = event.case.model_copy(update={"version": event.case.version + 1})
    later = Raw(2, event.model_copy(update={"case": case, "offset": 1}).model_dump_json().encode())
    board = Board(CaseStore(rig.redis), rig.producer, rig.clock)
    for batch in ([first, later], [first]):
        await board.take(0, batch)
    written = [each.value async for each in read_all(rig.settings, topics.CASE_SNAPSHOTS.name) if each.value]
    assert Case.model_validate_json(written[-1]).version == case.version


async def test_the_time_until_an_objection_was_decided_is_observed_once(rig: Rig) -> None:
    def seconds(name: str, outcome: str = "upheld") -> float:
        return REGISTRY.get_sample_value(f"quanzu_stop_objection_seconds_{name}", {"outcome": outcome}) or 0.0

    earlier = StopObjection(
        id="o1",
        order="red.stop_payment",
        transfer="bank:1",
        who=Objector.HOLDER,
        ground=ObjectionGround.OTHER,
        at=NOW - timedelta(hours=2),
        due=NOW + timedelta(hours=2),
        state=ObjectionState.UPHELD,
        decided_at=NOW - timedelta(hours=1),
    )
    now = earlier.model_copy(update={"id": "o2", "at": NOW - timedelta(minutes=30), "decided_at": NOW})
    event = CaseEvent.model_validate_json(decided(3, LAST_OF_OLD_LOG + 1, 0).value or b"")
    case = event.case.model_copy(update={"objections": [earlier, now]})
    why = ObjectionUpheld("li", WrongfulCause.FALSE_REPORT, 0)
    facts = [Fact(kind=FactKind.OBJECTION, what=each) for each in (why, ReportFalse("bank"))]
    raw = Raw(3, event.model_copy(update={"case": case, "facts": facts}).model_dump_json().encode())
    board, before = Board(CaseStore(rig.redis), rig.producer, rig.clock), (seconds("count"), seconds("sum"))
    for _ in range(2):
        await board.take(0, [raw])
    assert (seconds("count") - before[0], seconds("sum") - before[1]) == (1, 1800)
    step = Step(
        id="release.0", action=Action.STOP_RELEASE, state=StepState.DONE, due=None, transfer="bank:1", because=why
    )
    done = Fact(kind=FactKind.STEP_DONE, what=BankReleased(), step="release.0", action=Action.STOP_RELEASE)
    lifted = case.model_copy(update={"objections": [now], "steps": [step]})
    later = {"case": lifted, "facts": [done], "offset": event.offset + 1, "at": NOW + timedelta(minutes=10)}
    before = seconds("count", "released"), seconds("sum", "released")
    for _ in range(2):
        await board.take(0, [Raw(4, event.model_copy(update=later).model_dump_json().encode())])
    assert (seconds("count", "released") - before[0], seconds("sum", "released") - before[1]) == (1, 2400)


async def test_the_time_until_a_warning_was_on_the_telephone_is_observed_once(rig: Rig) -> None:
    def seconds(name: str) -> float:
        labels = {"channel": "sms", "level": "red"}
        return REGISTRY.get_sample_value(f"quanzu_decision_to_telephone_seconds_{name}", labels) or 0.0

    dispatch = dispatch_for(new_resident_id((5).to_bytes(10)))
    made = Contacted(at=NOW, channel=Channel.SMS, step=dispatch.step, attempt=1)
    board, before = Board(CaseStore(rig.redis), rig.producer, rig.clock), (seconds("count"), seconds("sum"))
    results = list[Result]()
    for number, result in enumerate((Result.SENT, Result.DELIVERED, Result.DELIVERED)):
        results.append(result)
        case = case_of(dispatch)
        steps = [each.model_copy(update={"results": [*results]}) for each in case.steps]
        fact = Fact(kind=FactKind.RESULT, what=BankReleased(), step=dispatch.step, action=Action.SMS, result=result)
        event = CaseEvent(
            commit=commit_of(LAST_OF_OLD_LOG + number),
            id=f"e-{number}",
            input=f"{dispatch.id}:{result}",
            input_kind="contact_result",
            partition=0,
            offset=LAST_OF_OLD_LOG + number,
            at=NOW + timedelta(seconds=4 * number),
            case=case.model_copy(update={"contacted": [made], "steps": steps}),
            facts=[fact],
            dispatches=[],
        )
        await board.take(0, [Raw(number, event.model_dump_json().encode())])
    late = event.model_copy(update={"input": "deadline:1", "input_kind": "deadline", "offset": event.offset + 1})
    await board.take(0, [Raw(9, late.model_dump_json().encode())])  # a result that no dispatch's answer brought
    assert (seconds("count") - before[0], seconds("sum") - before[1]) == (1, 4)
