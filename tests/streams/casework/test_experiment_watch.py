"""The watch at work: it reads the journal, stores what it finds, and stops an experiment that does harm, once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
import tomlkit
from aiokafka.errors import KafkaConnectionError

from schemas.administration.experiments import Finding
from schemas.casework.cases import Case, CaseState, Danger, Payment
from schemas.casework.events import CaseEvent, Commit
from schemas.casework.experiments import Assignment
from schemas.casework.inputs import PolicyChange, input_adapter
from schemas.casework.policies import InForce
from schemas.levels import Level
from schemas.risk.signals import TransferState
from streams.casework.experiment_watch import BY, AssignedCases, ExperimentWatch, stored_readings
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.repositories.policies import Policies
from streams.runtime.settings import Settings
from streams.state.keys import EXPERIMENT_READINGS, EXPERIMENTS_READING, key
from tests.channel_rig import Rig, new_resident, rigged
from tests.dispatched import NOW, case_of, dispatch_for
from tests.domain.experiments.plans import approval, fields

STARTS = NOW - timedelta(days=40)
CAP = 100_000
_NAMES = count(1)


def _plan(**changes: object) -> dict[str, object]:
    before = {"on": "2026-01-01"}
    return fields(
        starts=STARTS.isoformat(),
        ends=(NOW + timedelta(days=40)).isoformat(),
        registered_on="2026-01-02",
        ethics=approval() | before,
        waiver=approval() | before,
        cap_fen=CAP,
        minimal_effect=0.2,
        **changes,
    )


@dataclass
class Watched:
    """A province with an experiment, whose journal the watch reads."""

    rig: Rig
    watch: ExperimentWatch
    policies: Policies
    text: str
    name: str  # of the experiment: tests share a journal

    async def cases(self, *outcomes: tuple[str, int], version: int = 1, named: Sequence[str] = ()) -> list[str]:
        """Write entries of cases with an arm, from which so many fen left; the residents."""
        records, residents = [], []
        for number, (arm, fen) in enumerate(outcomes):
            resident = named[number] if named else new_resident().id
            entry = _entry(_case(self.name, resident, arm, fen, version, number))
            records.append(Record(topics.CASE_EVENTS.name, resident.encode(), entry.model_dump_json().encode(), 0))
            residents.append(resident)
        await self.rig.producer.send_all(records)
        return residents

    async def changes(self) -> list[PolicyChange]:
        """The changes of policy in partition 0, in order."""
        read = read_all(self.rig.settings, topics.CASE_INPUTS.name)
        rules = [record.value async for record in read if record.key == b"rules" and record.partition == 0]
        found = [input_adapter.validate_json(value or b"") for value in rules]
        return [each for each in found if isinstance(each, PolicyChange) and each.by == BY]

    async def in_force(self) -> str:
        """The policy in force; partition 0 takes it, as casework would."""
        found = await self.policies.in_force()
        assert found is not None
        await self.rig.redis.hset(key("state", 0), "policy", found.policy)
        return found.policy


def _case(name: str, resident: str, arm: str, fen: int, version: int, number: int) -> Case:
    at = STARTS + timedelta(hours=number)
    paid = Payment(transfer=f"bank:{number}", payee="a1", amount_fen=fen, at=at, state=TransferState.SETTLED)
    danger = Danger(level=Level.YELLOW, probability=0.1, exposure_fen=1, scam_type="loan", reasons=[])
    return case_of(dispatch_for(resident), state=CaseState.CONTACTING).model_copy(
        update={
            "level": Level.YELLOW,
            "danger": danger,
            "version": version,
            "payments": [paid] if fen else [],
            "accounts": ["own"],
            "experiments": {name: Assignment(arm=arm, unit=resident, propensity=0.5, at=at, observed=True)},
        }
    )


def name_of(case: Case) -> str:
    (name,) = case.experiments
    return name


def _entry(case: Case) -> CaseEvent:
    commit = Commit(first=0, last=0, entries=1)
    return CaseEvent(
        commit=commit,
        id=f"{case.id}:{case.version}",
        input=f"i:{case.id}:{case.version}",
        input_kind="alert",
        partition=0,
        offset=0,
        at=case.experiments[name_of(case)].at + timedelta(hours=case.version),
        case=case,
        facts=[],
    )


@asynccontextmanager
async def watched(settings: Settings, **changes: object) -> AsyncIterator[Watched]:
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.AUDIT, topics.CASE_EVENTS])
        policies = Policies(rig.settings, rig.redis, rig.producer)
        name = f"e{next(_NAMES)}"
        plain = rig.settings.policy.read_text("utf-8")
        text = plain + tomlkit.dumps({"experiments": {name: _plan(**changes)}})
        policy = await policies.publish(text)
        since = NOW - timedelta(days=40)
        await policies.store_in_force(InForce(policy=policy.hash, good=policy.hash, since=since, by="li"))
        await rig.redis.hset(key("state", 0), "policy", policy.hash)
        watch = ExperimentWatch(rig.settings, rig.redis, rig.producer, policies, rig.clock)
        yield Watched(rig, watch, policies, text, name)


HARM = [("short" if n % 2 else "usual", CAP if n % 2 else 0) for n in range(80)]
ALIKE = [("short" if n % 2 else "usual", CAP if n % 4 < 2 else 0) for n in range(80)]


async def test_harm_stops_the_experiment_once_and_leaves_the_rest_of_the_policy(settings: Settings) -> None:
    async with watched(settings) as on:
        await on.cases(*HARM)
        await on.watch.check()
        (reading,) = (await stored_readings(on.rig.redis)).values()
        assert [each.finding for each in reading.contrasts] == [Finding.HARM]
        stopped = await on.policies.get(await on.in_force())
        assert stopped.experiments[on.name].stopped_at is not None
        lines = (await on.policies.text(stopped.hash)).splitlines()
        assert [line for line in lines if not line.startswith("stopped_at")] == on.text.splitlines()
        assert [change.policy for change in await on.changes()][-1] == stopped.hash
        before = len(await on.changes())
        await on.watch.read()  # stopped: read on, and not stopped again
        assert len(await on.changes()) == before
        audited = [record.value or b"" async for record in read_all(on.rig.settings, topics.AUDIT.name)]
        assert sum(b"experiment-stopped" in value and stopped.hash.encode() in value for value in audited) == 1


async def test_without_harm_it_goes_on_and_a_later_version_of_a_case_counts_instead_of_the_earlier(
    settings: Settings,
) -> None:
    async with watched(settings) as on:
        before = await on.in_force()
        residents = await on.cases(*ALIKE)
        await on.watch.check()
        first = (await stored_readings(on.rig.redis))[on.name]
        assert {each.arm: each.mean for each in first.arms} == {"usual": 0.5, "short": 0.5}
        await on.cases(("usual", CAP), version=2, named=[residents[2]])  # nothing had left at first
        (again,) = await on.watch.read()
        assert {each.arm: (each.complete, each.mean) for each in again.arms} == {
            "usual": (40, 0.525),
            "short": (40, 0.5),
        }
        assert await on.in_force() == before


async def test_one_reading_an_hour_of_all_workers_and_none_without_an_experiment(settings: Settings) -> None:
    async with watched(settings) as on:
        await on.rig.redis.set(EXPERIMENTS_READING, 1)
        await on.watch.check()
        assert await stored_readings(on.rig.redis) == {}
        await on.rig.redis.delete(EXPERIMENTS_READING)
        plain = await on.policies.publish(on.rig.settings.policy.read_text("utf-8"))
        await on.rig.redis.hset(key("state", 0), "policy", plain.hash)
        await on.watch.check()
        assert await on.rig.redis.exists(EXPERIMENTS_READING) == 0


async def test_a_reading_that_failed_is_repeated_by_the_same_worker_and_then_not_again_in_this_hour(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: AssignedCases) -> None:
        raise KafkaConnectionError

    async with watched(settings) as on:
        monkeypatch.setattr(AssignedCases, "update", fails)
        with pytest.raises(KafkaConnectionError):
            await on.watch.check()
        monkeypatch.undo()
        await on.watch.check()
        assert list(await stored_readings(on.rig.redis)) == [on.name]
        await on.rig.redis.delete(EXPERIMENT_READINGS)
        await on.watch.check()
        assert await stored_readings(on.rig.redis) == {}


async def test_assignments_below_the_floor_are_reported_and_do_not_stop_the_worker(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    arms = {"usual": {"weight": 0.5}, "short": {"weight": 0.5, "after": {"sms": "1m"}}}
    async with watched(settings, floor=0.5, arms=arms, levels=["yellow"]) as on:
        await on.cases(*ALIKE[:4])
        fair = _case(on.name, new_resident().id, "short", 0, 1, 1)
        low = fair.experiments[on.name].model_copy(update={"propensity": 0.2})
        case = fair.model_copy(update={"experiments": {on.name: low}})
        value = _entry(case).model_dump_json().encode()
        await on.rig.producer.send_all([Record(topics.CASE_EVENTS.name, case.resident.encode(), value, 0)])
        await on.watch.check()
        assert await stored_readings(on.rig.redis) == {}
        assert "do not fit its plan" in caplog.text


async def test_what_is_reported_after_an_outcome_is_final_does_not_change_it(settings: Settings) -> None:
    async with watched(settings) as on:
        residents = await on.cases(*ALIKE)
        before = (await on.watch.read())[0].arms
        await on.cases(("usual", CAP), version=72, named=[residents[2]])  # 72 hours after the assignment
        assert (await on.watch.read())[0].arms == before
        assert {each.arm: each.mean for each in before} == {"usual": 0.5, "short": 0.5}
