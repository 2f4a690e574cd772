from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.levels import Action
from schemas.risk.signals import Signal, Transfer, TransferState, signal_adapter
from simulators.demo.simulate import simulate
from simulators.scams.ordinary import CARRIERS
from simulators.world.province import START, Province
from simulators.world.truth import Fate, Life

HOUR = timedelta(hours=1)
END = START + HOUR - timedelta(seconds=1)
LATER = START + 2 * HOUR


def lived(seed: int, minutes_a_look: int = 5) -> tuple[Province, list[Signal]]:
    province, told = Province(seed, residents=1500), list[Signal]()
    for minute in range(minutes_a_look, 60, minutes_a_look):
        told += province.signals_until(START + timedelta(minutes=minute))
    return province, told + province.signals_until(END)


def paying(province: Province) -> list[Life]:
    return [life for life in province.truth.lives.values() if len(life.story.payments) > 1]


def transfers(told: list[Signal]) -> list[Transfer]:
    return [signal for signal in told if isinstance(signal, Transfer)]


def test_the_same_seed_gives_the_same_people_scams_and_signals() -> None:
    one, other = lived(7), lived(7)
    assert one[0].fingerprint() == other[0].fingerprint()
    assert one[1] == other[1]


def test_another_seed_gives_another_province() -> None:
    assert Province(7, residents=300).fingerprint() != Province(8, residents=300).fingerprint()


def test_how_often_the_feeds_are_asked_changes_nothing() -> None:
    assert lived(7, 5)[1] == lived(7, 13)[1]


def test_living_through_an_hour_leaves_the_fingerprint_as_it_was() -> None:
    province = Province(5, residents=300)
    before = province.fingerprint()
    province.signals_until(END)
    assert province.fingerprint() == before


def test_every_signal_is_one_by_the_schema() -> None:
    _, told = lived(7)
    assert all(signal_adapter.validate_json(signal.model_dump_json()) == signal for signal in told)


def test_an_hour_holds_enough_to_show() -> None:
    province, told = lived(7)
    assert len(told) >= 1500
    assert {signal.kind for signal in told} == {"transfer", "call", "sms", "app", "report", "watchlist"}
    assert {*CARRIERS, "bank-a", "bank-b", "bank-c", "pay-a", "appwatch", "police"} <= {each.source for each in told}
    assert len(paying(province)) >= 20


def test_signals_come_in_the_order_of_their_time() -> None:
    told = transfers(lived(7)[1])
    states = {TransferState.ATTEMPTED: 0, TransferState.PENDING: 1, TransferState.SETTLED: 2}
    seen: dict[str, int] = {}
    for signal in told:
        assert states[signal.state] >= seen.get(signal.uid, 0)
        seen[signal.uid] = states[signal.state]


def test_a_call_keeps_its_id_and_grows_until_it_ends() -> None:
    _, told = lived(7)
    lengths: dict[str, list[tuple[int, bool]]] = {}
    for signal in told:
        if signal.kind == "call":
            lengths.setdefault(signal.uid, []).append((signal.seconds, signal.ongoing))
    followed = [calls for calls in lengths.values() if len(calls) > 1]
    assert followed
    for calls in followed:
        assert calls == sorted(calls)
        assert all(ongoing for _, ongoing in calls[:-1])


def test_who_is_persuaded_makes_no_later_payment_and_the_truth_knows_how_much_was_kept() -> None:
    province, _ = lived(7, 30)
    free, _ = lived(7, 30)
    resident, life = next(
        (name, life)
        for name, life in free.truth.lives.items()
        if len(life.story.payments) > 2 and life.story.payments[0].settles < life.story.payments[1].at
    )
    first, *rest = life.story.payments
    fresh = Province(7, residents=1500)
    told = fresh.signals_until(first.settles)
    fresh.truth.lives[resident].persuade(first.settles, Action.VISIT)
    later = transfers(fresh.signals_until(LATER))
    assert first.uid in {signal.uid for signal in transfers(told)}
    assert not {payment.uid for payment in rest} & {signal.uid for signal in later}
    assert fresh.truth.kept_fen(fresh.truth.lives[resident], LATER) == sum(payment.amount_fen for payment in rest)
    assert fresh.truth.sum_of(fresh.truth.lives[resident], LATER, Fate.SETTLED) == first.amount_fen
    assert province.truth.lives[resident].story == life.story


def test_a_payment_caught_in_flight_is_never_told_as_settled() -> None:
    province = Province(7, residents=1500)
    province.signals_until(START)
    payment, life = next((each.story.payments[0], each) for each in paying(province))
    life.caught[payment.uid] = payment.at + timedelta(seconds=1)
    states = {each.state for each in transfers(province.signals_until(LATER)) if each.uid == payment.uid}
    assert TransferState.SETTLED not in states
    assert life.fate(payment, LATER, {}) is Fate.CAUGHT


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 7200), st.integers(0, 7200), st.integers(0, 400))
def test_paid_and_kept_and_what_is_still_to_come_are_all_that_was_asked(persuaded: int, now: int, which: int) -> None:
    province = PROVINCE
    life = paying(province)[which % len(paying(province))]
    copy = Life(life.story)
    copy.persuade(START + timedelta(seconds=persuaded), Action.ROBOT_CALL)
    moment = START + timedelta(seconds=now)
    parts = [province.truth.sum_of(copy, moment, fate) for fate in Fate]
    assert sum(parts) == life.story.asked_fen


PROVINCE = lived(11, 59)[0]


def test_a_loss_is_reported_once_by_those_who_have_lost() -> None:
    province = Province(7, residents=1500)
    province.signals_until(LATER)
    losses = province.losses()
    assert losses
    assert max(Counter(loss.transfer for loss in losses).values()) == 1
    for loss in losses:
        life = province.truth.lives[loss.resident]
        settled = {pay.uid: pay.amount_fen for pay, fate in province.truth.fates(life, LATER) if fate is Fate.SETTLED}
        assert settled[loss.transfer] == loss.amount_fen
    assert province.losses() == []


def test_next_at_is_when_the_next_signal_comes() -> None:
    province = Province(7, residents=300)
    province.signals_until(START)
    due = province.next_at()
    assert province.signals_until(due - timedelta(microseconds=1)) == []
    assert province.signals_until(due)


def test_a_simulation_is_written_to_files_that_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    figures = simulate(7, 1, tmp_path / "one", residents=400)
    assert simulate(7, 1, tmp_path / "two", residents=400) == figures
    for name in ("residents.jsonl", "signals.jsonl", "truth.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert figures["paid_fen"] == pytest.approx(figures["asked_fen"], rel=1.0)
