"""What the commands to Asterisk say about a connection that fails."""

import asyncio
from pathlib import Path

from streams.gateways.voice.asterisk import commands
from streams.gateways.voice.asterisk.commands import AriCall, AriCommands, Originated
from streams.gateways.voice.asterisk.table import AsteriskTable
from streams.runtime.embedded import free_port


async def test_a_call_that_could_not_be_sent_is_refused_and_not_in_doubt() -> None:
    async with AriCommands(_table(free_port()), "password", None) as given:
        outcome = await given.originate(AriCall("quanzu-0", "PJSIP/110@carrier", 10.0, 20.0))
    assert outcome == (Originated.REFUSED, "not dialled: Asterisk cannot be reached")


async def test_a_call_whose_connection_is_cut_before_the_answer_is_unknown() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    port = free_port()
    server = await asyncio.start_server(cut, "127.0.0.1", port)
    async with server, AriCommands(_table(port), "password", None) as given:
        outcome, _ = await given.originate(AriCall("quanzu-0", "PJSIP/110@carrier", 10.0, 20.0))
    assert outcome is Originated.UNKNOWN


def test_an_idle_connection_is_closed_before_asterisk_closes_it() -> None:
    assert commands.KEPT_IDLE_SECONDS < 15.0  # DEFAULT_SESSION_KEEP_ALIVE of Asterisk's http.c


def _table(port: int) -> AsteriskTable:
    return AsteriskTable(
        url=f"http://127.0.0.1:{port}/ari",
        username="quanzu",
        password_file=Path("password"),
        endpoint="PJSIP/{number}@carrier",
        caller="96110",
        sounds_url="http://127.0.0.1:8086",
    )
