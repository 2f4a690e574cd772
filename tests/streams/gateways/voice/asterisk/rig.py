"""A gateway whose calls go through a simulated Asterisk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from streams.runtime.embedded import free_port
from tests.streams.gateways.voice.centre import KEY, NUMBER, Centre, centre_with_receipts, running_gateway
from tests.tools.gateway.asterisk.peer import PASSWORD, USER, AsteriskPeer, asterisk_peer

CALLS = (
    "per_second = 50.0\nrepeat = 1\nkey_seconds = 0.3\npause_seconds = 0.1\nring_seconds = 1.5\nwait_seconds = 20.0\n"
)


def written_for_asterisk(
    folder: Path, peer: AsteriskPeer, receipts: str, calls: str = CALLS, detect_talk: bool = False
) -> Path:
    """Write a gateway's configuration for calls through a simulated Asterisk."""
    for name, text in (("secret", KEY.decode()), ("asterisk-password", PASSWORD)):
        (folder / name).write_text(text, "utf-8")
        (folder / name).chmod(0o600)
    port = free_port()
    file = folder / "voice.toml"
    file.write_text(
        f"""
[asterisk]
url = "{peer.url}"
username = "{USER}"
password_file = "asterisk-password"
endpoint = "PJSIP/{{number}}@carrier"
caller = "96110"
sounds_url = "http://127.0.0.1:{port}"
detect_talk = {str(detect_talk).lower()}
[numbers]
allowed = ["+86199"]
strip = "+86"
[orders]
port = {port}
secret_file = "secret"
[receipts]
url = "{receipts}"
[storage]
file = "voice.sqlite"
[calls]
over = "asterisk"
{calls}
""",
        "utf-8",
    )
    return file


@asynccontextmanager
async def calling(
    folder: Path,
    calls: str = CALLS,
    detect_talk: bool = False,
    **settings: Any,  # noqa: ANN401 - as the peer has them
) -> AsyncIterator[tuple[Centre, AsteriskPeer]]:
    """Run a simulated Asterisk with these settings, a gateway connected to it, and the receiver of its receipts."""
    async with asterisk_peer(**settings) as peer, centre_with_receipts() as (centre, receipts):
        file = written_for_asterisk(folder, peer, receipts, calls, detect_talk)
        async with running_gateway(centre, file):
            await until(lambda: peer.is_connected)
            yield centre, peer


async def called(centre: Centre, last: str, dispatch: str = "") -> dict[str, Any]:
    """Order a call to the number that ends so, and return its receipt without ids."""
    dispatch = dispatch or f"d{last}"
    assert (await centre.order(dispatch, f"{NUMBER}{last}")).status_code == 202
    receipt = await centre.receipt(dispatch)
    return {key: value for key, value in receipt.items() if key not in ("id", "dispatch")}


async def until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.02)


async def doubtful(centre: Centre, dispatch: str, seconds: float = 30) -> None:
    """Wait until a dispatch is in doubt. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while await centre.ask(dispatch) != 500:  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.1)
