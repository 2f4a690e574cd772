"""A channel between a case in Redis and a simulated provider: real Kafka, Redis and HTTP."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from redis.asyncio import Redis
from starlette.applications import Starlette

from domain.identity.identifiers import account_token, new_resident_id
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.inputs import CaseInput, input_adapter
from schemas.people.residents import Holding, Occupation, Resident, Sex, TrustedContact
from simulators.providers import Providers, running, serving
from simulators.providers.bank import Deciding
from simulators.providers.carrier import Answering
from simulators.providers.station import Visiting
from streams.channels.dispatch_log import assumed_current
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Kind
from streams.channels.receipts import routes
from streams.channels.settings import ChannelSettings
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Producer
from streams.messaging.reader import read_range
from streams.messaging.topics import partition_of
from streams.repositories.policies import Policies
from streams.repositories.residents.register import Residents
from streams.runtime.clock import Clock
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from streams.screening.store import EvidenceStore
from streams.security.encrypted_kafka import make_producer
from streams.state.keys import key
from streams.state.leader import EXEMPT
from streams.state.server_identity import current_run
from tests.dispatched import NOW, case_of
from tests.tools.servers.process import nap

PHONE, FRIEND, ACCOUNT = "+8619900001234", "+8619900005678", "9900000000000001"
DATABASE = 7  # of Redis: apart from what other tests keep


def new_resident() -> Resident:
    """Somebody made up."""
    return Resident(
        id=new_resident_id(os.urandom(10)),
        name="某某",
        phones=[Holding(value=PHONE)],
        birth_year=1960,
        sex=Sex.FEMALE,
        occupation=Occupation.RETIRED,
        division="220102001",
        address="示例路",
        contacts=[TrustedContact(name="甲", phone=FRIEND, relation="儿子")],
    )


async def until(true: Callable[[], Awaitable[bool] | bool], seconds: float = 10) -> None:
    """Wait until it is true; TimeoutError when it never is."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not (found if isinstance(found := true(), bool) else await found):  # noqa: ASYNC110 - it is told to nobody
            await asyncio.sleep(nap(time.monotonic() - began))


@dataclass
class Rig:
    """One installation, its providers, and what they were told."""

    settings: Settings
    channels: ChannelSettings
    redis: Any
    producer: Producer
    clock: Clock
    providers: Providers
    policy: str  # the hash of the one in force
    stack: AsyncExitStack

    async def worker(self, is_current: Callable[[int], Awaitable[bool]] = assumed_current) -> Outgoing:
        """What a worker has: each has a token of its own."""
        outgoing = Outgoing(self.settings, self.redis, self.producer, self.clock, self.channels, EXEMPT, is_current)
        self.stack.push_async_callback(outgoing.client.aclose)
        return outgoing

    async def decided(self, dispatch: Dispatch, **fields: object) -> Dispatch:
        """Store the dispatch's case as casework would have."""
        await self.store(case_of(dispatch, **fields))
        return dispatch

    async def store(self, case: Case) -> None:
        """Store a case as casework would have."""
        p = await self.stands(case.resident)
        await self.redis.hset(key("cases", p), case.resident, case.model_dump_json())

    async def stands(self, resident: str) -> int:
        """Let a resident's partition stand, and return it."""
        p, run = partition_of(resident.encode(), self.settings.partitions), await current_run(self.redis)
        await self.redis.hset(key("state", p), mapping={"offset": 0, "policy": self.policy, "run": run})
        return p

    async def resident(self) -> Resident:
        resident = new_resident()
        await Residents(self.settings, self.redis, self.producer).put([resident])
        return resident

    async def knows(self, account: str) -> str:
        """Store an account number as screening would have, and return its token."""
        token = account_token(self.settings.key(), account)
        await EvidenceStore(self.redis, self.settings.partitions).keep_accounts({token: account})
        return token

    async def inputs(self, resident: str) -> list[CaseInput]:
        """What was written for a resident's case: by workers, then what parties outside reported."""
        found, p = [], partition_of(resident.encode(), self.settings.partitions)
        for topic in (topics.CASE_INPUTS.name, topics.OUTSIDE_INPUTS.name):
            end = (await end_offsets(self.settings, topic))[p]
            found += [record async for record in read_range(self.settings, topic, p, 0, end - 1)]
        mine = [each.value or b"" for each in found if each.key == resident.encode()]
        return [input_adapter.validate_json(each, extra=ANY_VERSION) for each in mine]  # as a worker reads them

    async def results(self, resident: str) -> list[str]:
        """The ids of what was written, without the dispatch's own."""
        return [each.id.split(":", 4)[-1] for each in await self.inputs(resident)]

    async def receiving(self) -> None:
        """Take receipts in, where the providers send them."""
        app = Starlette(routes=routes(await self.worker(), self.channels))
        await self.stack.enter_async_context(serving(app, urlsplit(self.settings.receipts_url).port or 0))

    async def fault(self, url: str, name: str, **how: float) -> None:
        async with httpx.AsyncClient() as client:
            (await client.post(f"{url}/faults", json={"fault": name, **how})).raise_for_status()


@asynccontextmanager
async def rigged(
    base: Settings,
    kind: Kind = Kind.IDEMPOTENT,
    *,
    seconds: float = 3.0,
    speed: float = 1.0,
    answer: Answering | None = None,
    decide: Deciding | None = None,
    visit: Visiting | None = None,
) -> AsyncIterator[Rig]:
    """A rig with an empty Redis; `seconds`: how long a provider may take to answer."""
    settings = base.model_copy(update={"redis": f"{str(base.redis).rsplit('/', 1)[0]}/{DATABASE}"})
    channels = ChannelSettings(
        provider_seconds=seconds, sms_kind=kind, voice_kind=kind, bank_kind=kind, station_kind=kind
    )
    topics.create(
        settings,
        [
            topics.OUTSIDE_INPUTS,
            topics.CASE_INPUTS,
            topics.RESIDENTS,
            topics.ROSTERS,
            topics.POLICIES,
            topics.BANK_MESSAGES,
            topics.ACCOUNTS,
        ],
    )
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(Redis.from_url(str(settings.redis), protocol=3))
        await redis.flushdb()
        producer = make_producer(settings)
        await producer.start()
        stack.push_async_callback(producer.stop)
        clock = Clock.starting(speed, NOW)
        settings = settings.model_copy(update={"receipts_url": f"http://127.0.0.1:{free_port()}/receipts"})
        providers = await stack.enter_async_context(
            running(settings, channels, clock, answer=answer, decide=decide, visit=visit)
        )
        settings = providers.settings(settings)
        policy = await Policies(settings, redis, producer).default()
        yield Rig(settings, channels, redis, producer, clock, providers, policy.hash, stack)
