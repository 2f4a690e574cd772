"""What the model of screening asks for: all that it must, and never more than screening in some order would tell."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.risk import assess, bounded, merged
from schemas.levels import Level
from schemas.risk.signals import (
    App,
    AppKind,
    Call,
    NumberClass,
    Report,
    SentAgain,
    Signal,
    Transfer,
    TransferState,
    Watch,
    WatchState,
)
from tests.simulation.laws import handmade
from tests.simulation.laws.handmade import IN_DANGER, POLICY, RESIDENTS, moment
from tests.simulation.laws.observed import LogRecord
from tests.simulation.laws.signals import Required, Signals, _profile, read

MULE, SUSPECT = "990000000009", "+85290000000"
RULES = POLICY.risk


def signals(*records: Sequence[Signal]) -> Signals:
    """Signals on the lanes, record by record."""
    topics = handmade.Topics()
    handmade.written(topics, records, "signals", 0)
    return Signals.of(replace(handmade.observed(), logs=topics.frozen()))


def required(*records: Sequence[Signal], settled: datetime | None = None) -> Level | None:
    """The level that must have been told of the resident in danger."""
    found = signals(*records).required([RULES], {IN_DANGER: settled} if settled else {})
    return found[IN_DANGER].level if IN_DANGER in found else None


def watch(state: WatchState = WatchState.CONFIRMED, seconds: float = 5, value: str = MULE) -> Watch:
    kind = "phone" if value.startswith("+") else "account"
    told = {"subject": kind, "value": value, "state": state, "arrived": moment(seconds)}
    return Watch.model_validate({"source": "police", "id": f"w{seconds}{value}", "at": moment(seconds), **told})


def call(seconds: float = 0) -> Call:
    return handmade.forged_call(seconds).model_copy(update={"ongoing": False, "seconds": 60})


def test_evidence_of_several_records_counts_together() -> None:
    assert required([handmade.forged_call()], [handmade.transfer()]) is Level.RED
    both, alone = required([handmade.forged_call()], [handmade.transfer()]), required([handmade.transfer()])
    assert both is not None
    assert alone is None or alone.rank < both.rank


def test_a_payee_who_is_confirmed_later_makes_the_payment_a_danger() -> None:
    paid = handmade.transfer().model_copy(update={"new_payee": False})
    assert required([paid]) is None
    before, after = required([watch()], [paid]), required([paid], [watch()])
    assert before is after is not None
    assert required([paid], [watch(WatchState.LIFTED)]) is None


def test_what_depends_on_the_order_of_screening_is_not_asked_for() -> None:
    """A call is a suspect's only if the watchlist knew the number before."""
    assert required([handmade.forged_call()]) is not None
    assert required([handmade.forged_call()], [watch(value=SUSPECT)]) is None
    assert required([handmade.transfer()], [watch()], [watch(WatchState.LIFTED, 9)]) is None


def test_one_signal_with_two_contents_is_not_asked_for() -> None:
    """Of two that say the same state the first stays, whichever that is."""
    assert required([call()], [call()]) is not None
    assert required([call()], [call().model_copy(update={"at": moment(-80)})]) is None


def test_evidence_from_before_the_resident_was_dissuaded_counts_for_less() -> None:
    fresh = required([handmade.forged_call()], [handmade.transfer()])
    settled = required([handmade.forged_call()], [handmade.transfer()], settled=moment(100))
    assert fresh is Level.RED
    assert settled is None or settled.rank < fresh.rank


def test_signals_about_nobody_ask_for_nothing() -> None:
    stranger = handmade.app().model_copy(update={"phone": "+8619900000009"})
    assert signals([stranger]).required([RULES], {}) == {}


def test_the_signals_that_make_the_danger_are_named() -> None:
    found = signals([handmade.forged_call()], [handmade.transfer()]).required([RULES], {})
    assert found == {IN_DANGER: Required(Level.RED, ("carrier:c1", "bank:t1"))}


def test_each_part_of_a_record_is_counted_once() -> None:
    good = orjson.loads(handmade.app().model_dump_json())
    mixed = orjson.dumps([good, {"source": "web", "kind": "app"}, {"kind": "nonsense"}, 7])
    lane = read("signals", 1, [LogRecord(4, 0.0, None, mixed), LogRecord(5, 0.0, None, b"\x00"), record(6, [])])
    assert lane.refused == {
        "signals/1/4/1": "web",
        "signals/1/4/2": "unknown",
        "signals/1/4/3": "unknown",
        "signals/1/5": "unknown",
        "signals/1/6": "unknown",
    }
    assert dict(lane.counted) == {"web": 2, "unknown": 4}
    assert [item.signal.uid for item in lane.items] == ["web:p1"]


def test_a_suspect_without_a_number_is_refused() -> None:
    entry = orjson.loads(watch().model_copy(update={"value": "?"}).model_dump_json())
    lane = read("signals", 0, [record(0, [entry])])
    assert lane.refused == {"signals/0/0/0": "police"}
    assert not lane.items


def test_a_dead_letter_that_is_sent_again_counts_once() -> None:
    again = SentAgain(letter="signals/0/0/1", tallied="web", signals=[handmade.app()])
    value = again.model_dump_json().encode()
    lane = read("signals", 0, [LogRecord(1, 0.0, None, value), LogRecord(2, 0.0, None, value)])
    assert dict(lane.counted) == {"web": 0}  # one outcome more, and the letter's taken back
    assert len(lane.items) == 1


def record(offset: int, items: object) -> LogRecord:
    return LogRecord(offset, 0.0, None, orjson.dumps(items))


def drawn(kind: str, number: int, seconds: float) -> Signal:
    """A signal about the resident in danger, or about whom he paid."""
    at, phone = moment(seconds), "+8619900000001"
    told = {"id": f"{kind}{number}", "at": at, "arrived": at}
    match kind:
        case "call" | "overseas":
            number_class = NumberClass.GOIP if kind == "call" else NumberClass.OVERSEAS
            parties = {"caller": f"+8529000000{number}", "called": phone, "number_class": number_class}
            return Call.model_validate({"source": "carrier", **told, **parties, "seconds": 60, "ongoing": True})
        case "app":
            return App(source="web", phone=phone, app_kind=AppKind.LOAN, target="x.example", **told)
        case "report":
            return Report(source="96110", phone=phone, **told)
        case "watch":
            return watch(seconds=777)
        case _:
            pass  # a transfer
    state = TransferState.SETTLED if kind == "paid" else TransferState.ATTEMPTED
    return Transfer.model_validate({**handmade.transfer(seconds).model_dump(), **told, "state": state})


DRAWN = st.builds(
    drawn,
    st.sampled_from(["call", "overseas", "app", "report", "watch", "paid", "moving"]),
    st.integers(0, 3),
    st.floats(0, timedelta(days=6).total_seconds()),
)
RECORDS = st.lists(st.lists(DRAWN, min_size=1, max_size=3), min_size=1, max_size=5)


@settings(max_examples=30, deadline=None)
@given(RECORDS, st.data())
def test_no_order_of_screening_tells_less_than_is_asked_for(records: list[list[Signal]], data: st.DataObject) -> None:
    asked = required(*records)
    order = data.draw(st.permutations(range(len(records))))
    most = max((_told(records, order[: n + 1]) for n in range(len(order))), default=0)
    assert asked is None or most >= asked.rank


def _told(records: list[list[Signal]], screened: list[int]) -> int:
    """The rank that screening finds at the last of the records, on the evidence of all of them."""
    about = signals(*[records[number] for number in sorted(screened)])._about(RULES).get(IN_DANGER)
    at = max(signal.arrived or signal.at for signal in records[screened[-1]])
    if about is None or at not in about.moments:
        return 0
    members = bounded(merged({}, about.evidence), RULES, max(about.moments)).values()
    danger = assess(members, _profile(RESIDENTS[IN_DANGER], at), RULES, at).danger
    return danger.level.rank if danger else 0


@settings(max_examples=30, deadline=None)
@given(RECORDS, st.data())
def test_the_order_on_the_topic_changes_nothing(records: list[list[Signal]], data: st.DataObject) -> None:
    assert required(*records) == required(*data.draw(st.permutations(records)))
