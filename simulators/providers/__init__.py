"""The providers of a simulated province, over real HTTP on loopback ports."""

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
    """The running providers, and the base URL of each. The carrier accepts both messages and calls."""

    carrier: Carrier
    bank: Bank
    station: Station
    carrier_url: str
    bank_url: str
    station_url: str

    def settings(self, base: Settings) -> Settings:
        """Return a copy of `base` in which the URLs for SMS, voice, bank and station are those of these providers."""
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
    """Context manager: run a carrier, a bank and a station on one free loopback port, and yield them. They accept only
    signed orders and send receipts to `settings.receipts_url`.

    `answer`, `decide` and `visit`: how residents, banks and officers behave; None: at random, by `seed`. Raises
    SettingsError if a provider or bank has no key, or two of them have the same one.
    """
    url, keys = settings.receipts_url, {name: keys[0] for name, keys in channels.receipt_keys(settings).items()}
    phones = Carrier(clock, url, keys, channels.sms_kind, answer or carrier.by_chance(seed))
    banks = Bank(clock, url, keys, channels.bank_kind, decide or bank.by_chance(seed))
    stations = Station(clock, url, keys, channels.station_kind, visit or station.by_chance(seed))
    named: dict[str, SimulatedProvider] = {"carrier": phones, "bank": banks, "station": stations}
    for each in named.values():
        each.checks = True
    async with serving(Starlette(routes=[Mount(f"/{name}", each.app) for name, each in named.items()])) as base:
        try:
            yield Providers(phones, banks, stations, *(f"{base}/{name}" for name in named))
        finally:
            for each in named.values():
                await each.close()


@asynccontextmanager
async def serving(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    """Context manager: serve `app` on a loopback port (0: any free one), and yield its address, `http://127.0.0.1:` and
    the port.

    Raises OSError if the port is taken.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # otherwise an answer takes 40 ms longer
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
    """A uvicorn server that leaves signals to its process, and sets `ready` when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
