"""The province's metrics: bounded, nothing of a person in them, and silent where they would be wrong."""

import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import Any, cast

import orjson
import pytest
from prometheus_client.core import Metric

from domain.casework import Rules, decide
from domain.identity.divisions import counties
from domain.identity.identifiers import new_resident_id
from domain.payments import ledger
from domain.payments.estimate import estimate_of
from domain.risk.upstream import ContactReach, ContactSource
from domain.statistics import counts
from domain.statistics.clocks import ResponsibleParty
from schemas.casework.cases import Case, CaseState, StopState
from schemas.casework.objections import ObjectionState, WrongfulCause
from schemas.casework.provinces import OfferState
from schemas.levels import Action, Channel, Level, Outcome, Result, WeekAnswer
from schemas.people.rosters import Task
from streams.channels.settings import ChannelSettings
from streams.installation import ExporterContext, Installation
from streams.messaging import sources, topics
from streams.monitoring.exporter import people, standing
from streams.monitoring.exporter.exporter import FAMILIES, METRIC_GROUPS, Exporter, MetricGroup
from streams.monitoring.exporter.family import gauge
from streams.monitoring.exporter.tallies import OTHER, TO_AN_OUTCOME, metrics_of
from streams.runtime.settings import Settings
from streams.state.keys import LEDGER, STATE, VISIT_TASKS, key
from streams.state.server_identity import current_run
from streams.state.store_update import PartitionRules, StoreUpdate
from tests.domain import builders
from tests.domain.builders import payment, profile

DATABASE = 4
TODAY = date(2026, 3, 1)
RESIDENTS, LIVES = 10_000, 150
FEEDS = ["bank-a", "carrier-a", "police"]
VALUES = {
    "level": {*Level},
    "state": {*CaseState, *StopState},
    "prefecture": {county.code[:4] for county in counties(TODAY)} | {OTHER},
    "channel": {*Channel},
    "action": {*Action},
    "result": {*Result},
    "offer": {*OfferState},
    "whose": {*ResponsibleParty},
    "end": {"kept", "missed"},
    "evidence": {*"ABC"},
    "limit": {"low", "mean", "high"},
    "days": {"30", "90"},
    "source": {*FEEDS, *sources.ALWAYS, sources.OTHER},
    "outcome": {*TO_AN_OUTCOME, "made", *(each.value for each in ObjectionState)},
    "cause": {"", *WrongfulCause},
    "found_by": {*ContactSource},
    "reach": {*ContactReach},
    "answer": {*WeekAnswer, "waiting"},
}


def life(chance: random.Random) -> tuple[Case, Counter[str]]:
    """A case of a level and with contacts drawn by chance, as it stands; and what its events add for good."""
    line, added, before = builders.Line(), Counter[str](), None
    line.alert(chance.choice([*Level]), payment(), of=profile(contacts=chance.randrange(3)))
    for _ in range(chance.randrange(4)):
        line.pass_to(timedelta(minutes=chance.randrange(1, 40)))
        if line.sent():
            line.result(chance.choice([*Result]), line.sent()[-1].action)
    if chance.random() < 0.5:
        line.outcome(chance.choice([*Outcome]))
    for number, decision in enumerate(line.decisions):
        if decision.case is not None and decision.facts:
            event = builders.event(decision.case, number).model_copy(update={"facts": decision.facts})
            added.update(counts.of_event(event) + counts.of_clocks(before, event))
            before = decision.case
    return line.here, added


def lived_by(case: Case, number: int, division: str) -> Case:
    """The same case of another resident, elsewhere."""
    resident = new_resident_id(random.Random(number).randbytes(10))
    at_home = case.profile.model_copy(update={"division": division})
    return case.model_copy(update={"resident": resident, "id": f"{resident}-1", "profile": at_home})


def series(metrics: Iterator[Metric]) -> list[tuple[str, dict[str, str]]]:
    return [(sample.name, sample.labels) for metric in metrics for sample in metric.samples]


def test_ten_thousand_residents_and_as_many_names_of_feeds_make_no_more_series_than_a_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "_labels", sources.Labels(FEEDS))
    chance = random.Random(7)
    places = [*(county.code for county in counties(TODAY)), "110101", "999999"]
    lives = [life(chance) for _ in range(LIVES)]
    total, money = Counter[str](), Counter[str]()
    signals: dict[str, dict[str, int]] = {name: {"raised": 1} for name in FEEDS}
    found = []
    for number in range(1, RESIDENTS + 1):
        case, added = chance.choice(lives)
        case = lived_by(case, number, chance.choice(places))
        total.update(added + counts.of_standing(None, case))
        money.update(ledger.of_case(case)._asdict())
        signals[f"feed-{number}"] = {"unmatched": 1}
        if number in (RESIDENTS // 2, RESIDENTS):
            found.append(series(metrics_of(total, money, signals, TODAY)))
    half, whole = ({(name, *sorted(labels.items())) for name, labels in each} for each in found)
    assert len(found[-1]) == len(whole)  # no series twice
    assert half == whole
    for name, labels in found[-1]:
        for label, value in labels.items():
            assert label not in VALUES or value in VALUES[label], f"{name}: {label}={value}"
            assert not re.search(r"r[a-z2-7]{16}|\d{6,}|feed-", value), f"{name}: {label}={value}"
    assert len(whole) < 600


def test_what_is_modelled_is_told_as_an_estimate_with_its_interval_and_never_as_the_claim() -> None:
    told = {metric.name: metric for metric in metrics_of({}, {"kept_d": 1_000_000}, {}, TODAY)}
    limits = {each.labels["limit"]: each.value for each in told["quanzu_loss_avoided_estimate_fen"].samples}
    assert limits == estimate_of(1_000_000)._asdict()
    assert {each.labels["evidence"] for each in told["quanzu_loss_avoided_fen"].samples} == {"A", "B", "C"}


def test_of_a_place_that_is_not_in_the_province_no_series_is_made() -> None:
    told = {metric.name: metric for metric in metrics_of({"area|red|9999": 2, "area|red|1101": 1}, {}, {}, TODAY)}
    samples = told["quanzu_cases_open_by_prefecture"].samples
    assert [each.value for each in samples if each.labels == {"level": "red", "prefecture": OTHER}] == [3]


def test_every_family_has_a_name_of_its_own_and_the_ending_that_prometheus_wants() -> None:
    bare = [family.name.removesuffix("_total") for family in FAMILIES]
    assert len(bare) == len(set(bare))
    for family in FAMILIES:
        assert family.name.startswith("quanzu_")
        assert family.name.endswith("_total") == (family.kind == "counter")


WELL = gauge("quanzu_well", "A look that goes well")


class Fickle:
    """A look that fails when it is told to."""

    def __init__(self) -> None:
        self.fails = False

    async def __call__(self, context: ExporterContext) -> list[Metric]:
        if self.fails:
            raise ConnectionError("away")
        return [WELL.value(1)]


async def test_what_was_seen_before_a_look_failed_is_not_told_as_if_it_were_so_now() -> None:
    fickle = Fickle()
    look = MetricGroup("well", 1.0, fickle)
    exporter = Exporter(cast(Any, None), [look])
    await exporter.read_group(look)
    assert told(exporter)["quanzu_well", ()] == 1
    assert told(exporter)["quanzu_exporter_failures_total", ("well",)] == 0
    fickle.fails = True
    await exporter.read_group(look)
    assert ("quanzu_well", ()) not in told(exporter)
    assert told(exporter)["quanzu_exporter_failures_total", ("well",)] == 1
    fickle.fails = False
    await exporter.read_group(look)
    assert told(exporter)["quanzu_well", ()] == 1


def told(exporter: Exporter) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for metric in exporter.collect()
        for sample in metric.samples
    }


@pytest.fixture
async def line(settings: Settings) -> AsyncIterator[Installation]:
    """A line whose partitions stand before their first input, in a Redis of its own."""
    topics.create(settings)
    own = settings.model_copy(update={"redis": f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}"})
    line = Installation(own, ChannelSettings())
    await line.redis.flushdb()
    await line.producer.start()
    policy = await line.policies.default()
    for partition in range(own.partitions):
        run = await current_run(line.redis)
        change = StoreUpdate().add("HSET", STATE, "run", run)
        change.standing(PartitionRules(-1, policy.hash))
        assert await line.store.commit(partition, None, -1, change.sums(LEDGER, {"dissuaded_evidenced": 1}))
    yield line
    await line.close()


async def partitions_of(line: Installation) -> dict[str, list[float]]:
    return {
        metric.name: [sample.value for sample in metric.samples] for metric in await standing.partitions(line.exporter)
    }


async def test_the_tallies_are_those_of_all_partitions_together(line: Installation) -> None:
    told = await partitions_of(line)
    assert told["quanzu_dissuaded"] == [line.settings.partitions, 0]
    assert told["quanzu_partition_owned"] == [0] * line.settings.partitions


async def test_while_the_store_lacks_a_partition_no_tally_is_told(line: Installation) -> None:
    await line.redis.hdel(key("state", 2), "offset")
    told = await partitions_of(line)
    assert "quanzu_dissuaded" not in told
    assert told["quanzu_partition_whole"][2] == 0


async def test_nor_while_it_is_that_of_another_redis_or_is_being_caught_up(line: Installation) -> None:
    run = await line.redis.hget(key("state", 1), "run")
    await line.redis.hset(key("state", 1), "run", "another")
    assert "quanzu_dissuaded" not in await partitions_of(line)
    await line.redis.hset(key("state", 1), mapping={"run": run, "end": 5})
    assert "quanzu_dissuaded" not in await partitions_of(line)
    await line.redis.hset(key("state", 1), "end", 0)
    assert "quanzu_dissuaded" in await partitions_of(line)


async def test_a_partition_that_is_covered_for_is_worked_on(line: Installation) -> None:
    await line.owners.heartbeat([0])
    await line.owners.take(3)
    assert (await partitions_of(line))["quanzu_partition_owned"] == [1, 0, 0, 1]


async def test_cases_and_visits_of_a_newer_version_are_told_too(line: Installation) -> None:
    """While workers are brought up to date one by one, what they write has fields that nobody here knows."""
    case = decide(None, builders.alert(Level.RED), Rules(await line.policies.default()), builders.NOON).case
    assert case is not None
    task = Task(dispatch=f"{case.id}:visit:1", case=case.id, resident=case.resident, officer="p-1", at=builders.NOON)
    stored = {key("cases", 0): (case.resident, case), VISIT_TASKS: (task.dispatch, task)}
    await line.outgoing.rosters.officers()  # takes from the topic what other tests left there: not this one's visits
    await line.redis.delete(VISIT_TASKS)
    for name, (member, model) in stored.items():
        await line.redis.hset(name, member, orjson.dumps({**model.model_dump(mode="json"), "newer": 1}))
    told = {metric.name: [sample.value for sample in metric.samples] for metric in await people.people(line.exporter)}
    assert told["quanzu_red_not_contacted"] == told["quanzu_visits_under_way"] == [1]


async def test_every_look_tells_only_families_that_are_declared(line: Installation) -> None:
    declared = {family.name.removesuffix("_total") for family in FAMILIES}
    for look in METRIC_GROUPS:
        assert {metric.name for metric in await look.make(line.exporter)} <= declared, look.name


async def test_a_hold_that_has_ended_is_not_counted(line: Installation) -> None:
    now = line.clock.now()
    for name, minutes in (("ended", -1), ("in-force", 1)):
        hold = builders.hold(name, now + timedelta(minutes=minutes))
        await line.redis.hset(key("holds", 0), name, hold.model_dump_json())
    (told,) = [metric for metric in await standing.watchers(line.exporter) if metric.name == "quanzu_holds"]
    assert [sample.value for sample in told.samples] == [1]
