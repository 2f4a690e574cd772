"""Two installations on one machine, each a whole one, and the network between them, which may be cut."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from schemas.base import encrypted_or_local
from streams.channels.settings import ChannelSettings
from streams.runtime.embedded import free_port
from tests.end_to_end.harness.house import House, house
from tests.end_to_end.harness.rig import Line

HERE, THERE = "jilin", "liaoning"
CHUNK = 65_536
SHARED = f"{'shared by two':x<32}"
HANDOVER = """
[handover]
provinces = ["jilin", "liaoning"]
asks_for = "2h"
lives = { liaoning = ["21"] }

[handover.deadline]
red = "1m"
orange = "10m"
yellow = "1h"
blue = "1h"
"""


@dataclass
class Network:
    """What lies between two installations: it carries, is cut, or loses the answers only."""

    port: int = field(default_factory=free_port)
    to: int = 0
    answers: bool = True
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def connect(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Refuse connections, and end those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for each in list(self._open):
            each.close()
        await asyncio.sleep(0.05)

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry answers back; the first one that is lost ends the connection, which may be an older, kept one."""
        with suppress(OSError):
            while (data := await there.read(CHUNK)) and self.answers:
                writer.write(data)
                await writer.drain()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.to)
            onward = asyncio.create_task(_copy(reader, back))
            await self._answer(there, writer)
            onward.cancel()
            back.close()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()


@dataclass
class Provinces:
    """The line of each province, and the network from the first to the second."""

    here: Line
    there: Line
    network: Network


@asynccontextmanager
async def provinces(data: Path) -> AsyncIterator[Provinces]:
    """Both installations started, each under a policy that hands cases over; stopped at the end."""
    network = Network()
    with _environment(THERE, network.address):
        async with house(data / "here") as here:
            with _environment(HERE, f"http://127.0.0.1:{free_port()}"):
                async with house(data / "there") as there:
                    yield await _both(here, there, network)
                    await network.cut()


async def _both(here: House, there: House, network: Network) -> Provinces:
    network.to = there.intake.base_url.port or 0
    await network.connect()
    both = Provinces(Line.begun(here), Line.begun(there), network)
    for line in (both.here, both.there):
        await line.policy(lambda text: text.replace("\n[messages]\n", f"{HANDOVER}\n[messages]\n", 1))
    return both


@contextmanager
def _environment(other: str, address: str) -> Iterator[None]:
    """The settings of an installation beside the province `other`: both share one key, all other keys are its own."""
    assert encrypted_or_local(address)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANZU_PROVINCES", f"{other}={address}")
        names = ChannelSettings().signers()
        own = [f"{name}:{f'of {name} beside {other}':x<32}" for name in names if name != f"province/{other}"]
        patch.setenv("QUANZU_RECEIPTS_SECRET", ",".join([*own, f"province/{other}:{SHARED}"]))
        yield
