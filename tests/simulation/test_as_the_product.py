"""The model and the product's own batches agree, however the inputs are cut into batches: key by key of the store."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.casework.acts import CloseAct, NoteAct
from schemas.casework.inputs import Hold, HoldChange, OperatorReport, PolicyChange, VictimReport
from schemas.casework.journal import decode
from schemas.levels import Level
from streams.casework.batch import Batch
from streams.casework.journal import Read
from streams.casework.replay import Replay
from streams.state.keys import NAMES
from streams.state.partition_state import Loaded
from streams.state.store_update import PartitionRules, StoreUpdate
from tests.simulation.laws import handmade
from tests.simulation.laws.all_laws import broken
from tests.simulation.laws.handmade import CAREFUL, IN_DANGER, NOON, POLICY, moment
from tests.simulation.laws.known import known
from tests.simulation.laws.model import Fold
from tests.simulation.laws.observed import Observed, Store

KeysOf = defaultdict[str, dict[Any, Any]]
DAY = timedelta(days=1).total_seconds()


class Keys:
    """The commands of a change, done on plain Python values."""

    def __init__(self, partition: int) -> None:
        self.partition, self.keys = partition, KeysOf(dict)

    def do(self, change: StoreUpdate) -> None:
        for command, number, arguments in change.commands:
            given = [each if isinstance(each, float | int) else _bytes(each) for each in arguments]
            DONE[command](self.keys, f"{NAMES[number]}:{{{self.partition}}}", given)

    def store(self, offset: int) -> Store:
        store = Store.of(self.partition, self.keys)
        store.state["offset"] = str(offset)
        store.outbox.clear()
        return store


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _pairs(given: list[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(given[::2], given[1::2], strict=True)


def _hset(keys: KeysOf, key: str, given: list[Any]) -> None:
    keys[key].update({name: _bytes(value) for name, value in _pairs(given)})


def _zadd(keys: KeysOf, key: str, given: list[Any]) -> None:
    keys[key].update({name: float(score) for score, name in _pairs(given)})


def _hincrby(keys: KeysOf, key: str, given: list[Any]) -> None:
    keys[key][given[0]] = keys[key].get(given[0], 0) + given[1]


def _without(keys: KeysOf, key: str, given: list[Any]) -> None:
    for name in given:
        keys[key].pop(name, None)


def _sadd(keys: KeysOf, key: str, given: list[Any]) -> None:
    keys[key].update(dict.fromkeys(given))


DONE: dict[str, Callable[[KeysOf, str, list[Any]], object]] = {
    "HSET": _hset,
    "ZADD": _zadd,
    "HINCRBY": _hincrby,
    "HDEL": _without,
    "ZREM": _without,
    "SREM": _without,
    "SADD": _sadd,
    "DEL": lambda keys, key, given: keys.pop(key, None),
    "ZREMRANGEBYRANK": lambda keys, key, given: None,
}


def batched(model: Fold, cuts: list[int]) -> tuple[Keys, list[Read]]:
    """The inputs of a model, decided by the product in batches; and the journal's entries as recovery reads them."""
    keys, journal = Keys(model.partition), list[Read]()
    keys.do(_standing(POLICY.hash))
    loaded = Loaded(PartitionRules(-1, POLICY.hash), {}, set())
    edges = [0, *(cut for cut in cuts if 0 < cut < len(model.given)), len(model.given)]
    for start, end in pairwise(edges):
        given = model.given[start:end]
        batch = Batch(model.partition, loaded, POLICY, given[0].offset, given[-1].offset)
        for each in given:
            if each.what.id in batch.applied or each.offset in model.refused:
                continue
            if isinstance(each.what, PolicyChange):
                batch.follow(each.offset, each.what, POLICY)
            else:
                batch.take(each.offset, each.what)
        loaded = _committed(batch, keys, journal)
    return keys, journal


def _standing(policy: str) -> StoreUpdate:
    change = StoreUpdate()
    change.standing(PartitionRules(-1, policy))
    return change


def _committed(batch: Batch, keys: Keys, journal: list[Read]) -> Loaded:
    """Commit a batch; returns what the next one is decided on."""
    batch.finish(NOON)
    keys.do(batch.change)
    values = [entry.model_dump_json().encode() for entry in batch.entries]
    journal += [(decode(value), value) for value in values]
    holds = tuple(batch._holds.values())
    return Loaded(PartitionRules(0, POLICY.hash, holds), batch.cases, batch.applied)


def hold(name: str, seconds: float, lift: str | None) -> HoldChange:
    told = {"id": name, "until": NOON + timedelta(days=2), "reason": "a test", "by": "li", "channel": "sms"}
    change = {"id": f"{name}:{lift}", "at": moment(seconds), "hold": Hold.model_validate(told), "lift": lift}
    return HoldChange.model_validate(change)


def act(of: BaseModel, seconds: float, number: int) -> OperatorReport:
    told = {"resident": IN_DANGER, "case": f"{IN_DANGER}-1", "by": "operator li", "seen": 999, "act": of.model_dump()}
    return OperatorReport.model_validate({"id": f"act:{number}", "at": moment(seconds), **told})


def anything(number: int, kind: str, seconds: float, level: Level) -> BaseModel | bytes:
    """An input of a kind."""
    made: dict[str, Callable[[], BaseModel]] = {
        "alert": lambda: handmade.alert(IN_DANGER, level, seconds, number),
        "other": lambda: handmade.alert(CAREFUL, level, seconds, number),
        "dissuaded": lambda: handmade.outcome(f"{IN_DANGER}-1", IN_DANGER, seconds, number),
        "close": lambda: act(CloseAct(reason="the end"), seconds, number),
        "note": lambda: act(NoteAct(what="conversation"), seconds, number),
        "victim": lambda: VictimReport(id=f"v:{number}", at=moment(seconds), resident=IN_DANGER, amount_fen=5),
        "held": lambda: hold("mute", seconds, None),
        "release": lambda: hold("mute", seconds, "release"),
        "drop": lambda: hold("mute", seconds, "drop"),
    }
    return made[kind]() if kind in made else handmade.POISON


KINDS = st.sampled_from(
    ["alert", "alert", "other", "dissuaded", "close", "note", "victim", "held", "release", "drop", "poison"]
)
INPUTS = st.lists(st.tuples(KINDS, st.floats(1, 40 * DAY), st.sampled_from(Level)), max_size=8)


@settings(max_examples=25, deadline=None)
@given(INPUTS, st.floats(1, 50 * DAY), st.sets(st.integers(0, 200), max_size=12))
def test_the_models_store_is_the_products_store_however_inputs_are_cut(
    drawn: list[tuple[str, float, Level]], ends: float, cuts: set[int]
) -> None:
    inputs = [(seconds, anything(n, kind, seconds, level)) for n, (kind, seconds, level) in enumerate(drawn)]
    topics = handmade.Topics()
    model = handmade.Line(0, [(1, handmade.alert(IN_DANGER, Level.RED, 1)), *inputs], topics, [], ends=ends).run()
    keys, journal = batched(model, sorted(cuts))
    made = replace(handmade.observed(), logs=topics.frozen(), ended_at=handmade.BEGAN + ends)
    last = len(topics.logs["case-inputs"][0]) - 1
    assert told(made, keys.store(last)) == []
    rebuilt, replay = Keys(0), Replay(NOON)
    rebuilt.do(replay.change(journal, {}))
    for owed in replay.possibly_sent():
        rebuilt.do(owed)
    if replay.rules:
        rebuilt.do(_restored(replay.rules))
    left = told(replace(made, begins={"case-inputs": {0: last + 1}}, lost_at=[handmade.BEGAN]), rebuilt.store(last))
    assert left == []


def _restored(standing: PartitionRules) -> StoreUpdate:
    change = StoreUpdate()
    change.standing(standing)
    return change


def told(observed: Observed, store: Store) -> list[str]:
    made = replace(observed, stores={0: store})
    known(made)
    return [each.words for each in broken(made, "store_equals_fold")]
