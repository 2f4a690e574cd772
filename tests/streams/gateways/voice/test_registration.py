"""A trunk that asks who calls, with sipp on loopback."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.streams.gateways.voice.centre import NUMBER, Centre, centre_with_receipts, running_gateway, written
from tests.tools.gateway.sipp import challenging, sipp_trunk

LOGIN = 'transport = "udp"\nregister_seconds = 60\nusername = "96110"\npassword_file = "password"'


@pytest.mark.parametrize("password", ["right-password", "wrong-password"])
async def test_the_gateway_registers_and_calls_with_its_password_only(tmp_path: Path, password: str) -> None:
    _write(tmp_path / "password", password)
    right = password == "right-password"
    async with (
        sipp_trunk(tmp_path, challenging("96110", "right-password")) as trunk,
        centre_with_receipts() as (centre, receipts),
        running_gateway(centre, written(tmp_path, trunk.port, receipts, LOGIN, "[calls]\nwait_seconds = 1.0\n")),
    ):
        await asyncio.sleep(1.0)
        assert await _ready(centre) == (200 if right else 503)
        assert (await centre.order("d", f"{NUMBER}486")).status_code == 202
        told = await centre.receipt("d")
        assert told["result"] == ("busy" if right else "failed")
        assert (trunk.invites() > 0) == right  # nothing is dialled over a trunk that is down


def _write(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    file.chmod(0o600)


async def _ready(centre: Centre) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{centre.gateway}/readyz")).status_code
