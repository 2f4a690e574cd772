"""What the agents take for a Faust app: streams of records, acks, and a consumer group that rebalances.

Faust itself does not run. An agent is given what Faust's consumer would hand over; what it acks is committed in order,
as streams/messaging/transport does. The group's coordinator is part of the simulated Kafka: it misses a member that is
dead, frozen or cut off after SESSION_SECONDS, and gives its partitions to the others, who read on from what was
committed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition

from tests.simulation.simulated.kafka import SERVER, Record
from tests.simulation.simulated.loop import PART

if TYPE_CHECKING:
    from tests.simulation.simulated.loop import Node
    from tests.simulation.simulated.world import World

TICK_SECONDS = 0.25  # heartbeats and commits
SESSION_SECONDS = 4.0  # Kafka's own is 6 s at least
FETCHED = 50  # records of a partition that one fetch brings
REPEATED = 0.3  # of a partition's fetches after a rebalance bring some records once more

Agent = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class Message:
    """A record as Faust hands it over."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: float
    generation_id: int
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True)
class Event:
    """A message in an agent's hands."""

    app: SimApp
    message: Message

    @property
    def value(self) -> bytes | None:
        return self.message.value

    def ack(self) -> bool:
        """It is done. An ack of before a rebalance counts for nothing."""
        return self.app.acked(self.message)


class Queue:
    """What waits for an agent."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def qsize(self) -> int:
        return len(self.events)

    def put(self, event: Event) -> None:
        self.events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Event:
        while not self.events:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.events.popleft()


@dataclass(slots=True)
class Channel:
    """A topic, as an agent is attached to it."""

    name: str
    queue: Queue = field(default_factory=Queue)


class Stream:
    """An agent's stream."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Event]:
        while True:
            yield await self.channel.queue.get()


@dataclass(slots=True)
class FlowControl:
    """Whether the consumer hands anything over."""

    active: bool = False

    def is_active(self) -> bool:
        return self.active


@dataclass(slots=True)
class Assigned:
    """The consumer, as far as the agents ask it."""

    wheres: set[TopicPartition] = field(default_factory=set)

    def assignment(self) -> set[TopicPartition]:
        return self.wheres


class SimApp:
    """One worker's app."""

    def __init__(self, world: World, node: Node) -> None:
        self._world, self.node = world, node
        self.started = False
        self.rebalancing = False
        self.should_stop = False
        self.consumer_generation_id = -1
        self.flow_control, self.consumer = FlowControl(), Assigned()
        self.early: list[Callable[[], Awaitable[None]]] = []
        self._tasks: list[Callable[[], Awaitable[None]]] = []
        self._agents: list[tuple[Channel, Agent]] = []
        self._channels: dict[str, Channel] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.fresh: set[TopicPartition] = set()  # nothing of them was fetched since the last rebalance
        self._delivered: defaultdict[TopicPartition, deque[int]] = defaultdict(deque)
        self._acked: defaultdict[TopicPartition, set[int]] = defaultdict(set)

    # ------------------------------------------------------------ what agents call

    def topic(self, name: str, maxsize: int | None = None) -> Channel:
        return self._channels.setdefault(name, Channel(name))

    def agent(self, channel: Channel, name: str = "") -> Callable[[Agent], Agent]:
        def attached(body: Agent) -> Agent:
            self._agents.append((channel, body))
            return body

        return attached

    def task(self, body: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        self._tasks.append(body)
        return body

    # ------------------------------------------------------------ its life

    @property
    def topics(self) -> list[str]:
        return list(self._channels)

    def start(self) -> None:
        """Begin agents and timers. One that ends by itself, ends the worker, as Faust's supervisor has it."""
        self.started = True
        for channel, body in self._agents:
            self._begin(channel.name, body(Stream(channel)))
        for timer in (*self.early, *self._tasks):
            self._begin(timer.__name__, timer())
        self._world.group.join(self)

    def _begin(self, part: str, body: Awaitable[None]) -> None:
        PART.set(part)
        task: asyncio.Task[Any] = asyncio.ensure_future(body)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        self._world.ended_itself(self.node, error)

    # ------------------------------------------------------------ its consumer

    def revoke(self) -> None:
        """A rebalance begins: nothing is handed over until it is through."""
        self.rebalancing, self.flow_control.active = True, False
        for channel in self._channels.values():
            channel.queue.events.clear()

    def assign(self, generation: int, wheres: dict[TopicPartition, int]) -> None:
        """A rebalance is through: read on from these offsets."""
        self.consumer_generation_id, self.consumer.wheres = generation, set(wheres)
        self.positions, self.fresh = dict(wheres), set(wheres)
        self._delivered.clear()
        self._acked.clear()
        for channel in self._channels.values():
            channel.queue.events.clear()
        self.rebalancing, self.flow_control.active = False, True

    def deliver(self, record: Record) -> None:
        """Give a record to its agent."""
        where = TopicPartition(record.topic, record.partition)
        if not (delivered := self._delivered[where]) or record.offset > delivered[-1]:
            delivered.append(record.offset)
        message = Message(
            record.topic,
            record.partition,
            record.offset,
            record.key,
            record.value,
            record.timestamp / 1000,
            self.consumer_generation_id,
        )
        self._channels[record.topic].queue.put(Event(self, message))

    def acked(self, message: Message) -> bool:
        if message.generation_id != self.consumer_generation_id:
            return False
        self._acked[TopicPartition(message.topic, message.partition)].add(message.offset)
        return True

    def commits(self) -> dict[TopicPartition, int]:
        """What is acked without a gap since the last commit: each partition's next offset."""
        found = {}
        for where, delivered in self._delivered.items():
            acked = self._acked[where]
            while delivered and delivered[0] in acked:
                acked.discard(last := delivered.popleft())
                found[where] = last + 1
        return found


class Group:
    """The consumer group, at its coordinator."""

    def __init__(self, world: World, committed: dict[TopicPartition, int]) -> None:
        self._world = world
        self.committed = dict(committed)
        self.generation = 0
        self._chance = Random(f"{world.seed}: repeated")
        self.members: dict[Node, SimApp] = {}
        self._heard: dict[Node, float] = {}
        self._apps: list[SimApp] = []  # all that think they take part
        self._fetching: set[Node] = set()
        self._dirty = False
        self._rebalancing = False

    def start(self) -> None:
        self._world.loop.outside(TICK_SECONDS, self._tick)

    def join(self, app: SimApp) -> None:
        """A new worker asks to be let in."""
        self._apps.append(app)

    def reaches(self, node: Node) -> bool:
        """Whether a process and the cluster hear one another now."""
        network = self._world.network
        return (
            not (node.dead or node.frozen) and network.open((node.name, SERVER)) and network.open((SERVER, node.name))
        )

    def deal(self) -> None:
        """Deal the partitions out anew at the next tick, as when a topic or a member's subscription has changed."""
        self._dirty = True

    def settled(self) -> bool:
        """Whether all that run are let in, and no rebalance is under way or due."""
        alive = {app.node for app in self._apps if not app.node.dead}
        return not self._dirty and not self._rebalancing and alive == set(self.members)

    def _tick(self) -> None:
        world = self._world
        if world.loop.over:
            return
        self._apps = [app for app in self._apps if not app.node.dead]
        for app in self._apps:
            if self.reaches(app.node):
                self._heartbeat(app)
        for node in [node for node, heard in self._heard.items() if world.loop.time() - heard > SESSION_SECONDS]:
            del self.members[node], self._heard[node]
            world.tell("kafka", f"misses {node.name}: its partitions go to others")
            self._dirty = True
        if self._dirty and not self._rebalancing:
            self._rebalance()
        world.loop.outside(TICK_SECONDS, self._tick)

    def _heartbeat(self, app: SimApp) -> None:
        self._heard[app.node] = self._world.loop.time()
        if app.node not in self.members:
            self.members[app.node] = app
            self._dirty = True
        elif app.consumer_generation_id == self.generation and not app.rebalancing:
            self.committed.update(app.commits())
            self.fetch(app)
        elif not self._rebalancing:
            self._dirty = True  # a member that has missed a rebalance joins anew

    def _rebalance(self) -> None:
        """All members that hear of it stop; those that do not, go on as before until they do."""
        self._dirty, self._rebalancing = False, True
        self.generation += 1
        for app in self.members.values():
            if self.reaches(app.node):
                app.revoke()
        self._world.loop.outside(0.05 + 0.3 * self._world.random.random(), self._assign)

    def _assign(self) -> None:
        self._rebalancing = False
        members = [app for app in self.members.values() if not app.node.dead]
        if not members:
            return
        shift = self._world.random.randrange(len(members))
        for place, app in enumerate(members):
            if not app.rebalancing or not self.reaches(app.node):
                self._dirty = True  # its partitions wait until it is missed, or has joined anew
                continue
            wheres = {
                where: max(self.committed.get(where, 0), part.begin)
                for where, part in self._world.log.parts.items()
                if where.topic in app.topics and (where.partition + shift) % len(members) == place
            }
            app.assign(self.generation, wheres)
            self.fetch(app)

    def fetch(self, app: SimApp) -> None:
        """Bring a member what is new, a moment later."""
        if app.node not in self._fetching and self._new(app):
            self._fetching.add(app.node)
            self._world.loop.outside(self._world.network.delay(), self._fetched, app)

    def appended(self, record: Record) -> None:
        """Something is new on the log."""
        where = TopicPartition(record.topic, record.partition)
        for app in self._apps:
            if where in app.positions:
                self.fetch(app)

    def _new(self, app: SimApp) -> bool:
        parts = self._world.log.parts
        return any(position < parts[where].end for where, position in app.positions.items())

    def _fetched(self, app: SimApp) -> None:
        self._fetching.discard(app.node)
        if not self.reaches(app.node) or not app.flow_control.active:
            return  # the next heartbeat asks again
        wheres = [where for where, position in app.positions.items() if position < self._world.log.parts[where].end]
        self._world.random.shuffle(wheres)
        for where in wheres:
            part = self._world.log.parts[where]
            first = max(app.positions[where], part.begin)
            found = part.records[first : first + FETCHED]
            app.positions[where] = first + len(found)
            for record in [*self._repeated(app, where, found), *found]:
                app.deliver(record)
        self.fetch(app)

    def _repeated(self, app: SimApp, where: TopicPartition, found: list[Record]) -> list[Record]:
        """What is handed over twice: records that were on their way when a rebalance set the consumer back."""
        if where not in app.fresh:
            return []
        app.fresh.discard(where)
        return found[: self._chance.randrange(1, 4)] if self._chance.random() < REPEATED else []
