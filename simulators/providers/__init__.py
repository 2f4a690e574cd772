"""The providers of a simulated province, behind real HTTP on loopback ports."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from simulators.providers import bank, carrier, station
from simulators.providers.bank import Bank, Deciding
from simulators.providers.base import SimulatedProvider
from simulators.providers.carrier import Answering, Carrier
from simulators.providers.station import Station, Visiting
from streams.channels.settings import ChannelSettings
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers that run, and where."""

    carrier: Carrier
    bank: Bank
    station: Station
    carrier_url: str
    bank_url: str
    station_url: str

    def settings(self, base: Settings) -> Settings:
        """`base` with these providers' addresses."""
        return base.model_copy(
            update={
                "sms_url": self.carrier_url,
                "voice_url": self.carrier_url,
                "bank_url": self.bank_url,
                "station_url": self.station_url,
            }
        )


@asynccontextmanager
async def running(
    settings: Settings,
    channels: ChannelSettings,
    clock: Clock,
    *,
    seed: int = 0,
    answer: Answering | None = None,
    decide: Deciding | None = None,
    visit: Visiting | None = None,
) -> AsyncIterator[Providers]:
    """A carrier, a bank and a station for as long as the context lasts; they tell receipts to `settings.receipts_url`.

    `answer`, `decide` and `visit` say how residents, banks and officers behave; without them, as others do, by chance.
    """
    url, key = settings.receipts_url, channels.key(settings)
    phones = Carrier(clock, url, key, channels.sms_kind, answer or carrier.by_chance(seed))
    banks = Bank(clock, url, key, channels.bank_kind, decide or bank.by_chance(seed))
    stations = Station(clock, url, key, channels.station_kind, visit or station.by_chance(seed))
    named: dict[str, SimulatedProvider] = {"carrier": phones, "bank": banks, "station": stations}
    async with serving(Starlette(routes=[Mount(f"/{name}", each.app) for name, each in named.items()])) as base:
        try:
            yield Providers(phones, banks, stations, *(f"{base}/{name}" for name in named))
        finally:
            for each in named.values():
                await each.close()


@asynccontextmanager
async def serving(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    """Serve on a loopback port (0: any free one) for as long as the context lasts, and yield the address."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else an answer takes 40 ms more
        listening.bind(("127.0.0.1", port))
        options = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none")
        server = _Server(options)
        serving_task = asyncio.create_task(server.serve([listening]))
        try:
            await server.ready.wait()
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await serving_task


class _Server(uvicorn.Server):
    """Leaves signals to the process that runs it, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
