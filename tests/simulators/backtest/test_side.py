"""One policy over recorded signals, as the line would have screened them."""

from datetime import timedelta

from domain.risk import assess
from schemas.codes.danger import SuspiciousCall
from schemas.risk.signals import NumberClass, Signal, TransferState, WatchState
from simulators.backtest.spool import Spool
from tests.domain.risk.riskworld import NOW, app, call, evidence, minutes_ago, profile, sms, transfer
from tests.simulators.backtest.recordings import ANNA, RULES, courses, levels, watch


async def test_a_scam_call_raises_a_case_when_it_is_over_and_ordinary_life_none() -> None:
    (found,) = await courses(call(ago=10, seconds=60))
    assert found.opened_at == minutes_ago(10) + timedelta(seconds=60)
    assert (found.level, found.division) == ("blue", ANNA.division)
    assert isinstance(found.rises[0].reasons[0], SuspiciousCall)
    assert await courses(call(kind=NumberClass.ORDINARY), transfer(new=False)) == []


async def test_the_level_is_that_of_the_same_evidence_assessed_by_the_policy_itself() -> None:
    signals: list[Signal] = [call(ago=9, seconds=60), transfer(ago=8), app(ago=5), sms(ago=2)]
    found = await courses(*signals)
    members, known = [], []
    for signal, at in zip(signals, (minutes_ago(8), minutes_ago(8), minutes_ago(5), minutes_ago(2)), strict=True):
        members += evidence(signal)
        danger = assess(members, profile(), RULES, at).danger
        known.append(danger.level if danger else None)
    gravest = max((level for level in known if level), key=lambda level: level.rank)
    assert levels(found)[-1] == gravest


async def test_a_call_that_goes_on_becomes_a_long_one_without_a_signal() -> None:
    going_on = call(ago=60, seconds=30, ongoing=True)
    (found,) = await courses(going_on, until=NOW)
    assert found.rises[-1].at == going_on.at + RULES.call.long
    assert found.level.rank > found.rises[0].level.rank


async def test_who_paid_before_the_payee_was_confirmed_is_raised_when_he_is() -> None:
    (found,) = await courses(transfer(ago=300, new=False), watch(ago=20))
    assert found.opened_at == minutes_ago(20)


async def test_who_pays_after_the_payee_was_confirmed_is_raised_when_he_pays() -> None:
    (found,) = await courses(watch(ago=200), transfer(ago=7, new=False))
    assert found.opened_at == minutes_ago(7)


async def test_a_payee_who_was_lifted_again_raises_nobody() -> None:
    assert await courses(watch(ago=200), watch(ago=100, state=WatchState.LIFTED), transfer(ago=7, new=False)) == []


async def test_a_payment_that_is_said_to_be_settled_later_was_moving_before() -> None:
    moving, gone = transfer(state=TransferState.PENDING, new=False), transfer(new=False)
    (found,) = await courses(watch(ago=200), moving, gone)
    assert levels([found]) == ["red"]
    assert levels(await courses(watch(ago=200), gone)) == ["orange"]


async def test_after_a_case_was_settled_news_opens_the_next_one() -> None:
    signals = app(ago=300, uid="a"), app(ago=10, uid="b")
    assert len(await courses(*signals)) == 1
    assert len(await courses(*signals, settled=[(minutes_ago(100), ANNA.id)])) == 2


async def test_signals_in_any_order_give_the_same_as_in_the_order_of_their_moments() -> None:
    signals: list[Signal] = [call(ago=30, seconds=60), app(ago=20), transfer(ago=5), watch(ago=1)]
    assert await courses(*signals) == await courses(*reversed(signals))


async def test_it_is_the_same_with_most_of_them_in_files() -> None:
    signals: list[Signal] = [call(ago=30, seconds=60), app(ago=20), transfer(ago=5), watch(ago=1), sms(ago=9)]
    assert await courses(*signals, held=2) == await courses(*signals)


def test_of_two_known_at_once_the_first_stays_the_first_and_what_intake_wrote_down_counts() -> None:
    late = app(ago=50, uid="late").model_copy(update={"arrived": NOW})
    with Spool(held=2) as spool:
        for signal in (late, app(ago=9, uid="a"), app(ago=9, uid="b"), app(ago=9, uid="c"), app(ago=20, uid="d")):
            spool.add(signal)
        assert [signal.id for signal in spool] == ["d", "a", "b", "c", "late"]
        assert [signal.id for signal in spool] == ["d", "a", "b", "c", "late"]
