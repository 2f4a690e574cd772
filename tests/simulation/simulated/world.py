"""One schedule's world: the loop, the network, Kafka, Redis, the providers, and the workers' processes.

`prepared` makes once what every schedule begins with: topics, policy, residents and officers in Kafka and Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson
from aiokafka import TopicPartition

from domain.dispatches.ids import parse
from domain.policy import Policy
from schemas.casework.inputs import CaseInput, ContactResult
from schemas.levels import Action, Result
from schemas.people.residents import Resident
from streams.messaging.topics import CASE_EVENTS, CASE_INPUTS, OUTSIDE_INPUTS, Topic, home
from streams.state.epoch_log import CONFIRMATION
from streams.state.keys import WHOLE_RUN
from tests.simulation.fake_redis.server import SimRedis
from tests.simulation.laws.keyspace import plain
from tests.simulation.laws.observed import AcceptedSignal, Promise, Trouble
from tests.simulation.simulated import kafka
from tests.simulation.simulated.app import Group
from tests.simulation.simulated.loop import Node, SimLoop
from tests.simulation.simulated.network import Network
from tests.simulation.simulated.providers import CHANNELS, Providers
from tests.simulation.simulated.province import PROVINCE

PARTITIONS = 2
BEGAN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC).timestamp()  # ten in the morning in Jilin: no quiet hours
RESTART_SECONDS = 1.0
SECRET = "a secret of the simulation, of 32+ bytes"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a schedule begins with."""

    time: float
    log: kafka.Parts
    committed: dict[TopicPartition, int]
    redis: Any
    residents: tuple[Resident, ...]
    policy: Policy


@dataclass(slots=True)
class Told:
    """A line of the story: when, who, and what; a record is put into words when somebody reads it."""

    at: float
    who: str
    what: str | kafka.Record


@dataclass(slots=True)
class Servers:
    """The Redis servers, and which of them each worker takes for the primary."""

    all: dict[str, SimRedis] = field(default_factory=dict)
    primary: str = "redis-1"
    old: dict[str, str] = field(default_factory=dict)  # worker -> a server that it still takes for the primary

    def name(self, worker: str) -> str:
        return self.old.get(worker, self.primary)


class World:
    """Everything that exists in one schedule."""

    def __init__(
        self,
        random: Random,
        swaps: float,
        promises: dict[str, Promise],
        prepared: Prepared | None = None,
        *,
        idempotent: bool = True,
        seed: int = 0,
    ) -> None:
        """`idempotent`: the producers are; else one that gives up may have written. `seed`: of what comes twice."""
        self.idempotent, self.seed = idempotent, seed
        self.random = random
        self.loop = SimLoop(random, swaps)
        self.loop.on_crash = self.crashed
        self.network = Network(self.loop, random)
        self.began = self.loop.start_at(prepared.time if prepared else 0.0)
        self.log = kafka.Log(PARTITIONS, _copied(prepared.log) if prepared else None)
        self.group = Group(self, prepared.committed if prepared else {})
        self.log.appended = self.group.appended
        self.providers = Providers(self, promises)
        self.servers = Servers()
        self.nodes: dict[str, Node] = {}
        self.story: list[Told] = []
        self.accepted: list[AcceptedSignal] = []
        self.restarts: dict[str, float | None] = {}  # after how long a worker that is to be killed comes back
        self.lost_at: list[float] = []  # when Redis lost something
        self.restored_at: list[float] = []  # when it was first seen to have all shared data again
        self.stalls: list[tuple[float, float]] = []  # when a worker was frozen, or a request held up
        self.troubles: list[Trouble] = []  # what struck the workers and Redis
        self.failures: list[str] = []  # workers that ended by themselves
        self.begin: Callable[[str], None] = lambda name: None  # starts a worker: set by worker.py
        self.checkpoint: Callable[[str], None] = lambda name: None  # has one write checkpoints: set by worker.py
        self.stages: dict[str, Any] = {}  # by worker: its stages and its app
        self.prepared = prepared
        self.server("redis-1", prepared.redis if prepared else None)
        self.group.start()

    # ------------------------------------------------------------ time and servers

    def true(self) -> float:
        """The true time, seconds since 1970."""
        return BEGAN + self.loop.time()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.true(), UTC)

    def server(self, name: str, state: Any = None, *, new_run: bool = False) -> SimRedis:  # noqa: ANN401
        """Start a Redis server, with this state."""
        made = self.servers.all[name] = SimRedis(self.true, name)
        if state is not None:
            made.restore(state, new_run=new_run)
        return made

    def redis(self) -> SimRedis:
        """The primary by right."""
        return self.servers.all[self.servers.primary]

    # ------------------------------------------------------------ processes

    def node(self, name: str) -> Node:
        """The process of this name, or a new one after the last has died."""
        known = self.nodes.get(name)
        if known is None or known.dead:
            known = self.nodes[name] = Node(name)
        return known

    def alive(self) -> Iterable[Node]:
        return [node for node in self.nodes.values() if not node.dead]

    def kill(self, name: str, restart: float | None = RESTART_SECONDS) -> None:
        """Kill a worker; it is started again after a while."""
        node = self.nodes.get(name)
        if node is None or node.dead:
            return
        node.dead = True
        self.trouble(name)
        self.tell(name, "is killed")
        if restart is not None:
            self.loop.outside(restart, self._restart, name)

    def crashed(self, node: Node) -> None:
        """A worker has come to the await at which it is to be killed."""
        self.kill(node.name, self.restarts.pop(node.name, RESTART_SECONDS))

    def ended_itself(self, node: Node, error: BaseException | None) -> None:
        """A worker's agent or timer has ended: the worker ends, and is started again."""
        if node.dead or self.loop.over:
            return
        self.failures.append(f"{node.name}: {error!r}")
        self.tell(node.name, f"ends itself: {error!r}")
        node.dead = True
        self.trouble(node.name)
        self.loop.outside(RESTART_SECONDS, self._restart, node.name)

    def _restart(self, name: str) -> None:
        if not self.loop.over and self.nodes[name].dead:
            self.tell(name, "is started")
            self.begin(name)

    # ------------------------------------------------------------ what happens outside

    def trouble(self, who: str, lasts: float = 0.0) -> None:
        """Note that a worker, or Redis, is struck now."""
        self.troubles.append(Trouble(who, self.true(), self.true() + lasts))

    def tell(self, who: str, what: str | kafka.Record) -> None:
        """Add a line to the story."""
        self.story.append(Told(self.loop.time() - self.began, who, what))

    def wrote(self, node: Node, records: Iterable[kafka.Record]) -> None:
        """A process' records are on the log."""
        at = self.loop.time() - self.began
        self.story += [Told(at, node.name, each) for each in records if each.key != CONFIRMATION]

    def input(self, given: CaseInput, who: str, topic: Topic = CASE_INPUTS) -> None:
        """An input from outside the workers: an operator's report; on outside-inputs a receipt."""
        resident = getattr(given, "resident", "")
        where = TopicPartition(topic.name, home(resident, PARTITIONS))
        record = self.log.append(where, resident.encode(), given.model_dump_json().encode(), self.true())
        self.tell(who, record)

    def to_all(self, given: CaseInput, who: str) -> None:
        """An input of no resident, which is written to every partition."""
        for partition in range(PARTITIONS):
            where = TopicPartition(CASE_INPUTS.name, partition)
            self.tell(who, self.log.append(where, b"", given.model_dump_json().encode(), self.true()))

    def receipt(self, key: str, action: str, result: Result) -> None:
        """A provider tells what came of a contact."""
        found = parse(key)
        self.input(
            ContactResult(
                id=f"{key}:{result.value}",
                at=self.now(),
                resident=found.resident,
                case=found.case,
                dispatch=key,
                step=found.step,
                attempt=found.attempt,
                action=Action(action),
                result=result,
            ),
            found.channel.value,
            OUTSIDE_INPUTS,
        )

    def latest(self, resident: str) -> dict[str, Any] | None:
        """A resident's latest case, by the journal."""
        part = self.log.parts[TopicPartition(CASE_EVENTS.name, home(resident, PARTITIONS))]
        name = resident.encode()
        found = [orjson.loads(record.value)["case"] for record in part.records if record.key == name and record.value]
        return max(found, key=lambda case: (case["number"], case["version"]), default=None)

    # ------------------------------------------------------------ whether it is quiet

    def consumed(self) -> bool:
        """Whether every record of the agents' topics is done and committed."""
        topics = {topic for app in self.group.members.values() for topic in app.topics}
        return self.group.settled() and all(
            self.group.committed.get(where, 0) >= part.end
            for where, part in self.log.parts.items()
            if where.topic in topics
        )

    def whole(self) -> bool:
        """Whether Redis has all inputs and all signals, and knows that it has."""
        keys, run = plain(self.redis()), f"{self.redis().run_id}/{self.redis().replid}".encode()
        for partition in range(PARTITIONS):
            state = keys.get(f"state:{{{partition}}}", {})
            stands = [(CASE_INPUTS.name, state.get(b"offset"), state.get(b"run"))]
            for lane in ("signals", "signals-urgent"):
                name = lane.replace("signals", "screened")
                of_lane = "screened-in" + lane.removeprefix("signals")
                stands.append((lane, keys.get(f"{name}:{{{partition}}}"), keys.get(f"{of_lane}:{{{partition}}}")))
            for topic, offset, of in stands:
                end = self.log.parts[TopicPartition(topic, partition)].end
                if of != run or offset is None or int(offset) < end - 1:
                    return False
        return True

    def look(self) -> None:
        """Note whether Redis, which has lost something, is seen to have all shared data again."""
        if self.lost_at and self.lost_at[-1] > max(self.restored_at, default=0.0):
            run = f"{self.redis().run_id}/{self.redis().replid}".encode()
            if plain(self.redis()).get(WHOLE_RUN) == run:
                self.restored_at.append(self.true())

    def unpublished(self) -> bool:
        """Whether an outbox holds something."""
        keys = plain(self.redis())
        return any(keys.get(f"outbox:{{{partition}}}") for partition in range(PARTITIONS))

    def due_within(self, seconds: float) -> bool:
        """Whether a deadline or a resident's re-evaluation falls due soon, or has done so."""
        until = (self.true() + seconds) * 1000
        keys = plain(self.redis())
        return any(
            score <= until
            for name in ("deadlines", "rescore")
            for partition in range(PARTITIONS)
            for score in keys.get(f"{name}:{{{partition}}}", {}).values()
        )

    def owing(self) -> bool:
        """Whether signals that were counted in a lost store still wait to be screened again."""
        lanes = ("owed", "owed-urgent")
        keys = plain(self.redis())
        return any(keys.get(f"{name}:{{{partition}}}") for name in lanes for partition in range(PARTITIONS))


def _copied(parts: kafka.Parts) -> kafka.Parts:
    return {where: kafka.Part(part.records[:], part.begin, part.compacted) for where, part in parts.items()}


def kinds(drawn: dict[str, str]) -> dict[str, Promise]:
    """What each channel's provider promises; idempotent where nothing is said."""
    promised = {channel: Promise(drawn.get(channel, "idempotent")) for channel in CHANNELS}
    return promised | {PROVINCE: Promise.IDEMPOTENT}  # the product takes another installation of itself for that


def ago(world: World, minutes: float) -> datetime:
    return world.now() - timedelta(minutes=minutes)
