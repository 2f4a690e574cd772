"""A simulated worker: the real line with the real agents, on the simulation's app; and what is replaced around it.

Replaced are only the clients of the servers (Kafka's, Redis', the providers'), the clocks, chance, and how often a
timer looks: an idle virtual second must be cheap.
"""

import asyncio
import functools
import logging
import secrets
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx
from redis.exceptions import TimeoutError as SilentError

import agents.auditor
import agents.casework
import agents.deadlines
import agents.failover
import agents.feeds
import agents.screening
import domain.policy
import streams.casework.auditor.auditor
import streams.casework.failover
import streams.channels.channel
import streams.channels.dispatch_log
import streams.channels.outgoing
import streams.installation
import streams.intake.feeds.settings
import streams.intake.settings
import streams.messaging.consumers
import streams.messaging.producer
import streams.repositories.policies
import streams.runtime.clock_sync
import streams.screening.lanes
import streams.state.epoch
import streams.state.epoch_log
import streams.state.partition_state
import streams.state.shared_state
from agents.worker import Stages
from domain.consistency.epochs import Sentinels
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging.app import App, every, owned
from streams.messaging.topics import CASE_INPUTS
from streams.runtime.clock import Clock, Wall
from streams.runtime.settings import Settings
from streams.runtime.tasks import TRANSIENT
from streams.security.rights import Component
from tests.simulation.fake_redis.server import client
from tests.simulation.laws.observed import Promise
from tests.simulation.policy import OTHER_PROVINCE, quick_policy
from tests.simulation.simulated import kafka
from tests.simulation.simulated.app import SimApp
from tests.simulation.simulated.loop import NODE, PART, Node
from tests.simulation.simulated.network import Link
from tests.simulation.simulated.providers import CHANNELS, URLS
from tests.simulation.simulated.province import ADDRESS
from tests.simulation.simulated.world import PARTITIONS, SECRET, World
from tests.tools.installation_keys import KEYS

PROVIDER_SECONDS = 0.5
REDIS_SECONDS = 1.0
SKIPPED = frozenset(
    {"lag", "dead letters", "breaker", "feeds", "checkpoints"}
)  # timers that only show something, or that no schedule needs

# Constants of the product, and what they are here. A partition's owner beats every 0.6 s, and is silent after 1.5 s.
# One that a module no longer has is left alone: then it is only slower.
PACE: tuple[tuple[str, str, float], ...] = (
    ("agents.deadlines", "POLL_SECONDS", 0.8),
    ("streams.casework.deadlines", "ASK_SECONDS", 2.0),
    ("agents.failover", "HEARTBEAT_SECONDS", 0.6),
    ("agents.failover", "WATCH_SECONDS", 2.0),
    ("agents.screening", "WATCH_SECONDS", 2.0),
    ("agents.auditor", "PAUSE_SECONDS", 5.0),
    ("streams.casework.failover", "SILENT_MS", 1500),
    ("streams.casework.failover", "COVERED_MS", 2000),
    ("streams.runtime.clock_sync", "LOOK_SECONDS", 4.0),
    ("streams.channels.channel", "BEHIND_SECONDS", 2.0),
    ("streams.channels.delivery", "BEHIND_SECONDS", 2.0),
    ("agents.screening", "CASES_WAIT_SECONDS", 6.0),
    ("streams.state.shared_state", "LOCK_MS", 4000),
    ("streams.state.locks", "WRITE_SECONDS", 2.0),
    ("streams.state.locks", "LEASE_SECONDS", 3.75),
    ("streams.messaging.producer", "AGAIN_SECONDS", 0.5),
)

_world: World | None = None


def world() -> World:
    """The world that runs now."""
    if _world is None:
        raise RuntimeError("no world runs")
    return _world


def run_in(given: World | None) -> None:
    """Say which world runs now."""
    global _world
    _world = given


def forget() -> None:
    """Forget what the product keeps in a module between two worlds: consumers, by the loop and the brokers."""
    getattr(streams.messaging.consumers, "_kept", {}).clear()


@functools.cache
def settings(name: str) -> Settings:
    """A process' settings: Kafka's address names the process."""
    urls = {
        "sms_url": URLS["sms"],
        "voice_url": URLS["phone"],
        "bank_url": URLS["payment"],
        "station_url": URLS["visit"],
    }
    return Settings.model_validate(
        {
            "kafka": f"{name}:9092",
            "redis": f"redis://{name}:6379/0",
            "partitions": PARTITIONS,
            "secret": SECRET,
            "keys": KEYS,
            **urls,
        }
        | {"policy": quick_policy()}
    )


@functools.cache
def channel_settings(promises: tuple[Promise, ...]) -> ChannelSettings:
    """What the providers promise in this world, in the order of CHANNELS."""
    names = ("sms_kind", "voice_kind", "station_kind", "bank_kind")
    promised = {name: promise.value for name, promise in zip(names, promises, strict=True)}
    provinces = f"{OTHER_PROVINCE}={ADDRESS}"
    signers = ChannelSettings(provinces=provinces).signers()
    keys = ",".join(f"{name}:the simulation's key of {name}" for name in signers)
    told = {"provider_seconds": PROVIDER_SECONDS, "receipts_secret": keys, "provinces": provinces}
    return ChannelSettings.model_validate({**promised, **told})


def make_line(given: World, node: Node) -> Installation:
    """The line of a process, whose parts count time as the world does."""
    clock = Clock(wall=Wall(machine=given.true, counter=given.loop.time))
    promises = tuple(given.providers.promises[channel] for channel in CHANNELS)
    return Installation(settings(node.name), channel_settings(promises), clock, Component.WORKER)


def start(name: str) -> None:
    """Start a worker of this name."""
    given = world()
    node = given.node(name)
    task = given.loop.spawn(_main(given, node), node)
    task.add_done_callback(lambda done: _begun(given, node, done), context=_outside())


def _outside() -> Any:  # noqa: ANN401 - contextvars.Context, which mypy wants no argument for
    from contextvars import Context

    return Context()


def _begun(given: World, node: Node, done: "asyncio.Task[None]") -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        if isinstance(error, TRANSIENT):
            given.tell(node.name, f"cannot begin: {error!r}")
            given.kill(node.name)
        else:
            given.ended_itself(node, error)


async def _main(given: World, node: Node) -> None:
    line = make_line(given, node)
    app: Any = SimApp(given, node)
    await line._begin()  # as `open`, without the looks at topics and rights, which need Kafka's admin client
    stages = Stages(line.worker, given.loop.time)
    given.stages[node.name] = stages, app
    stages.attach(app)
    app.start()


def checkpoint(name: str) -> None:
    """Have a worker write checkpoints of its partitions now."""
    given = world()
    node = given.nodes.get(name)
    if node is None or node.dead or name not in given.stages:
        return
    task = given.loop.spawn(_checkpoints(given, node), node)
    task.add_done_callback(lambda done: _begun(given, node, done), context=_outside())


async def _checkpoints(given: World, node: Node) -> None:
    PART.set("checkpoints")
    stages, app = given.stages[node.name]
    mine = functools.partial(owned, app, CASE_INPUTS.name)
    for partition in sorted(mine()):
        given.tell(node.name, f"writes a checkpoint of partition {partition}")
        with suppress(*TRANSIENT):  # its timer would try again
            await stages.checkpoints.write(partition, mine)


# ------------------------------------------------------------ what is replaced


def _producer(**_: object) -> kafka.Producer:
    return kafka.Producer(world(), _node())


def _consumer(**_: object) -> kafka.Consumer:
    return kafka.Consumer(world(), _node())


def _redis(given: Settings) -> Any:  # noqa: ANN401 - redis-py's client
    here, node = world(), _node()
    return client(lambda: here.servers.all[here.servers.name(node.name)], RedisLink(here, node))


class RedisLink(Link):
    """A process' way to the Redis that it takes for the primary."""

    def __init__(self, given: World, node: Node) -> None:
        super().__init__(given.network, node, given.servers.primary, REDIS_SECONDS, SilentError)
        self._world, self._who = given, node

    async def out(self) -> None:
        self.server = self._world.servers.name(self._who.name)
        await super().out()


async def _sentinels_say(_: object) -> Sentinels:
    """Three Sentinels, and the primary that they name; a worker that stays with an old one is cut off from them."""
    servers, node = world().servers, _node()
    if node.name in servers.old:
        return Sentinels(3, 0, "", 0)
    return Sentinels(3, 3, f"{servers.primary}:6379", 3)


def _node() -> Node:
    node = NODE.get()
    if node is None:
        raise RuntimeError("a client is made by a process: outside there is none")
    return node


def _client(**_: object) -> httpx.AsyncClient:
    return world().providers.client(_node())


def _every(
    app: App,
    seconds: float,
    name: str,
    work: Callable[[], Awaitable[object]],
    *,
    early: bool = False,
) -> None:
    if name in SKIPPED:
        return

    async def named() -> object:
        PART.set(name)
        return await work()

    every(app, seconds, name, named, early=early)


def _uuid4() -> UUID:
    return UUID(int=world().random.getrandbits(128), version=4)


def _token_hex(count: int = 32) -> str:
    return f"{world().random.getrandbits(8 * count):0{2 * count}x}"


@contextmanager
def simulated() -> Iterator[None]:
    """Replace what has to be, in this process."""
    shim = SimpleNamespace(AsyncClient=_client, Limits=httpx.Limits)
    load = functools.lru_cache(maxsize=64)(domain.policy.load)
    with ExitStack() as stack:
        put = functools.partial(_put, stack)
        for module, name, value in PACE:
            found = sys.modules.get(module)
            if hasattr(found, name):
                put(found, name, value)
        put(streams.messaging.producer, "AIOKafkaProducer", _producer)
        put(streams.messaging.consumers, "AIOKafkaConsumer", _consumer)
        put(streams.state.epoch_log, "AIOKafkaProducer", _producer)
        put(streams.state.epoch_log, "AIOKafkaConsumer", _consumer)
        put(streams.state.partition_state, "ids_by_topic", _topic_ids)
        put(streams.state.epoch, "has_sentinels", lambda _: True)
        put(streams.state.epoch, "sentinels_say", _sentinels_say)
        put(streams.installation, "connect", _redis)
        put(streams.channels.outgoing, "httpx", shim)
        put(streams.repositories.policies, "load", load)
        put(streams.installation, "load_feeds", functools.cache(streams.intake.feeds.settings.load))
        sources = functools.cache(lambda: streams.intake.settings.sources(settings("w1")))
        put(streams.installation, "configured_sources", lambda _: set(sources()))
        for agent in (agents.deadlines, agents.failover, agents.auditor, agents.casework, agents.feeds):
            put(agent, "every", _every)
        with suppress(AttributeError):
            put(streams.channels.dispatch_log, "monotonic", _monotonic)
        put(time, "monotonic", _monotonic)
        put(time, "time", _time)
        put(uuid, "uuid4", _uuid4)
        put(secrets, "token_hex", _token_hex)
        disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, disabled)
        yield


async def _topic_ids(_: Settings, names: Sequence[str]) -> dict[str, str]:
    """No topic is made anew here."""
    return dict.fromkeys(names, "the first")


_real_monotonic, _real_time = time.monotonic, time.time


def _monotonic() -> float:
    return _real_monotonic() if _world is None else _world.loop.time()


def _time() -> float:
    return _real_time() if _world is None else _world.true()


def _put(stack: ExitStack, where: object, name: str, instead: object) -> None:
    stack.enter_context(patch.object(where, name, instead))
