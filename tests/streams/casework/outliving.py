"""Workers on a Redis that loses its tail: what they apply, what they carry out, and a provider that keeps a book."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from agents.dispatch import channel_of
from agents.worker import Stages
from domain.identity.identifiers import new_resident_id
from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.inputs import Alert, input_adapter
from schemas.levels import CHANNEL_REPORTS
from schemas.levels import Channel as Name
from schemas.people.residents import Resident
from streams.channels.provider import Answer, Kind, Order
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging import case_inputs, topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import read_all, read_range
from streams.messaging.record import Raw
from streams.messaging.topics import home
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.state.epoch_log import EpochLog
from streams.state.keys import key
from tests.dispatched import NOW, case_of, dispatch_for
from tests.folding import latest, proven_cases
from tests.tools.servers.redis import RedisServer

CARRIED = (topics.DISPATCHES_RED.name, *(topic.name for topic in topics.DISPATCHES))
HERE = (Name.SMS, Name.PHONE)  # the channels that the workers here carry out
SECONDS = 0.4  # how long the provider may take; a lease is four times as long


class Provider:
    """Counts what reaches it. `late`: seconds until it has a message; `silent`: it does not answer; `open`: while it is
    not set, no message reaches it.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind, self.late, self.silent = kind, 0.0, False
        self.open = asyncio.Event()
        self.open.set()
        self.book: Counter[str] = Counter()
        self.begun: Counter[str] = Counter()

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        return Order("/", {})

    async def send(self, dispatch: Dispatch, order: Order) -> Answer:
        """Once told it has the message, also when nobody waits for the answer any more."""
        under_way = asyncio.create_task(self._take(dispatch))
        self.begun[dispatch.id] += 1
        await asyncio.shield(under_way)
        if self.silent:
            await asyncio.Event().wait()
        return order.sent

    async def ask(self, dispatch: Dispatch, order: Order) -> Answer | None:
        return order.sent if self.book[dispatch.id] else None

    async def ended(self, dispatch: Dispatch, answer: Answer) -> None:
        pass

    async def _take(self, dispatch: Dispatch) -> None:
        await asyncio.sleep(self.late)
        await self.open.wait()
        if not (self.kind is Kind.IDEMPOTENT and self.book[dispatch.id]):
            self.book[dispatch.id] += 1


class House:
    """A province on a Redis of its own. What is tried is one partition's; the topics remember all."""

    def __init__(self, settings: Settings, server: RedisServer, files: Path, kind: Kind) -> None:
        self.settings, self.server, self.provider = settings, server, Provider(kind)
        self._files = files
        self.channels = ChannelSettings(provider_seconds=SECONDS, sms_kind=kind, voice_kind=kind)
        self._kept = 0
        self._stack = AsyncExitStack()
        self._read: defaultdict[tuple[str, int], int] = defaultdict(int)

    async def worker(self, epochs: EpochLog | None = None) -> "Worker":
        """A worker; exempt from epochs unless it is given their log."""
        line = Installation(self.settings, self.channels, Clock.starting(1, NOW), epochs=epochs)
        await line.open()
        self._stack.push_async_callback(line.close)
        return Worker(self, line)

    async def close(self) -> None:
        await self._stack.aclose()

    async def fresh(self, topic: str, partition: int) -> list[Raw]:
        """What came on a topic since it was read last: each record is delivered once, as a group would."""
        end = (await end_offsets(self.settings, topic))[partition]
        first = self._read[topic, partition]
        found = read_range(self.settings, topic, partition, first, end - 1)
        raws = [Raw(record.offset, record.value or b"") async for record in found]
        self._read[topic, partition] = end
        return raws

    def rewind(self) -> None:
        """No dispatch was acked: they are all delivered again."""
        for topic, partition in list(self._read):
            if topic in CARRIED:
                self._read[topic, partition] = 0

    def keep(self) -> None:
        """What was written by now is on the disk."""
        self._kept = self._size()

    def lose(self) -> None:
        """Redis dies, and comes back without what was written since `keep`."""
        self.server.kill()
        if written := self._size() - self._kept:
            self.server.lose_tail(bytes_=written)
        self.server.start()

    def _size(self) -> int:
        return sum(file.stat().st_size for file in self._files.glob("*.incr.aof"))

    async def dispatches(self) -> set[str]:
        """The ids of all that channels here were ever told to carry out."""
        found = set()
        for topic in CARRIED:
            async for record in read_all(self.settings, topic):
                dispatch = Dispatch.model_validate_json(record.value or b"")
                found |= {dispatch.id} if dispatch.channel in HERE else set()
        return found

    async def results(self) -> dict[str, set[str]]:
        """What channels reported, by dispatch."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        async for record in read_all(self.settings, topics.CASE_INPUTS.name):
            message = input_adapter.validate_json(record.value or b"")
            if message.kind == "contact_result" and message.result in CHANNEL_REPORTS:
                found[message.dispatch].add(message.result.value)
        return found


class Worker:
    """One worker's line."""

    def __init__(self, house: House, line: Installation) -> None:
        self.house, self.line = house, line
        self.channel = channel_of(house.provider, line.outgoing)
        self.stages = Stages(line.worker, channels={Name.SMS: self.channel})

    async def alert(self, resident: str) -> None:
        """Somebody is in danger: red, which is flashed at once."""
        case = case_of(dispatch_for(resident))
        message = Alert(
            id=short_hash("alert", resident),
            at=NOW,
            resident=resident,
            danger=case.danger,
            profile=case.profile,
            signal_at=NOW,
        )
        where = home(resident, self.house.settings.partitions)
        await self.line.producer.send_all([case_inputs.record(message, where)])

    async def apply(self) -> None:
        """Take up what came on case-inputs."""
        for partition in range(self.house.settings.partitions):
            if raws := await self.house.fresh(topics.CASE_INPUTS.name, partition):
                await self.stages.casework.apply(partition, raws)

    async def dispatches(self) -> list[Dispatch]:
        """What came for the channels."""
        found = [
            Dispatch.model_validate_json(raw.value)
            for topic in CARRIED
            for partition in range(self.house.settings.partitions)
            for raw in await self.house.fresh(topic, partition)
        ]
        return [dispatch for dispatch in found if dispatch.channel in HERE]

    async def watch(self) -> None:
        """The look of each second."""
        await self.stages.failover.watch(range(self.house.settings.partitions))

    async def carry(self) -> None:
        await self.channel.carry(await self.dispatches())

    async def settle(self) -> None:
        """Let all that is under way come to its end: each dispatch has its report."""
        async with asyncio.timeout(40):
            while True:
                await self.watch()
                await self.apply()
                await self.carry()
                if await self.house.dispatches() <= (await self.house.results()).keys():
                    break
        await self.apply()

    async def cases(self) -> dict[str, Case]:
        """The residents' cases, as Redis has them."""
        found: dict[str, Case] = {}
        for partition in range(self.house.settings.partitions):
            stored = await self.line.redis.hgetall(key("cases", partition))
            found |= {name.decode(): Case.model_validate_json(raw) for name, raw in stored.items()}
        return found

    async def folded(self) -> dict[str, Case]:
        """The same, as the journal tells it."""
        found: dict[str, Case] = {}
        for partition in range(self.house.settings.partitions):
            found |= latest(await proven_cases(self.house.settings, partition))
        return found


def somebody(number: int) -> str:
    return new_resident_id(number.to_bytes(10))


def entered(people: Sequence[str]) -> list[Resident]:
    """Their entries in the register."""
    known = case_of(dispatch_for(people[0])).profile
    return [
        Resident(
            id=name,
            name="某某",
            birth_year=known.birth_year,
            sex=known.sex,
            occupation=known.occupation,
            division=known.division,
        )
        for name in people
    ]


async def image(worker: Worker) -> dict[bytes, bytes]:
    """What Redis holds, as an image of its machine would."""
    found = {name: await worker.line.redis.dump(name) for name in await worker.line.redis.keys("*")}
    return {name: value for name, value in found.items() if value is not None}  # the others have just expired


async def restored(worker: Worker, before: dict[bytes, bytes]) -> None:
    """The machine is restored from its image: the same process, with older data."""
    await worker.line.redis.flushall()
    for name, value in before.items():
        await worker.line.redis.restore(name, 0, value)


@asynccontextmanager
async def house(folder: Path, kind: Kind) -> AsyncIterator[House]:
    """An empty one, on servers of its own."""
    with Embedded(folder / "embedded") as embedded, RedisServer(folder / "redis") as server:
        settings = embedded.settings(Settings(app_id="outliving", partitions=2)).model_copy(
            update={"redis": server.url}
        )
        topics.create(settings)
        made = House(settings, server, folder / "redis" / "appendonlydir", kind)
        try:
            yield made
        finally:
            await made.close()
