"""baresip as a called telephone: it answers, records what it hears, and presses keys."""

import asyncio
import socket
import subprocess
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.runtime.embedded import free_port
from tests.tools.gateway.sipp import screen_of, started

WAV_HEAD = 44  # bytes
MODULES = Path("/usr/lib/baresip/modules")


@dataclass
class BaresipPhone:
    """A running baresip. `port`: of SIP; with TLS one more."""

    port: int
    keys: int
    folder: Path
    process: "subprocess.Popen[bytes]"

    def press(self, key: str) -> None:
        """Press a key, and release it."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.sendto(key.encode(), ("127.0.0.1", self.keys))

    def dial(self, address: str) -> None:
        """Call a SIP address."""
        self.press(f"/dial {address}\n")

    def heard(self) -> NDArray[np.int16]:
        """What the telephone has heard in its last call, at 8000 samples a second; empty if nothing."""
        files = sorted(self.folder.glob("*dec.wav"))
        if not files:
            return np.zeros(0, np.int16)
        data = files[-1].read_bytes()[WAV_HEAD:]  # its length is written at the end of the call
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)

    def said(self) -> str:
        """The log."""
        return screen_of(self.folder)


@asynccontextmanager
async def baresip_phone(
    folder: Path,
    account: str = "",
    *config: str,
    plays: NDArray[np.int16] | None = None,
    codec: str = "pcma",
    user: str = "19900001234",
) -> AsyncIterator[BaresipPhone]:
    """Run a telephone that answers every call. `account`: parameters; `config`: further lines; `plays`: what it says,
    again and again for a minute, by default silence; `user`: the user part of its address.
    """
    port, keys = _sip_port(), free_port()
    silence = folder / "silence.wav"
    write_wav(silence, np.resize(np.zeros(1, np.int16) if plays is None else plays, 8000 * 60))
    lines = [
        f"sip_listen 127.0.0.1:{port}",
        "net_interface 127.0.0.1",
        f"audio_source aufile,{silence}",
        *("audio_player none,none", "audio_alert none,none", f"snd_path {folder}", f"cons_listen 127.0.0.1:{keys}"),
        f"module_path {MODULES}",
        *(f"module {name}.so" for name in ("g711", "aufile", "sndfile", "srtp", "cons")),
        *("module_tmp account.so", "module_app menu.so", "rtp_ports 30000-31000", "call_max_calls 4", *config),
    ]
    (folder / "config").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "accounts").write_text(
        f"<sip:{user}@127.0.0.1>;regint=0;answermode=auto;audio_codecs={codec}{account}\n", "utf-8"
    )
    (folder / "contacts").touch()
    process = started(["baresip", "-f", str(folder)], folder)
    try:
        async with asyncio.timeout(20):
            while "baresip is ready" not in screen_of(folder):
                assert process.poll() is None, screen_of(folder)
                await asyncio.sleep(0.05)
        yield BaresipPhone(port, keys, folder, process)
    finally:
        process.kill()
        process.wait()


def write_wav(file: Path, samples: NDArray[np.int16]) -> None:
    """Write sound at 8000 samples a second."""
    with wave.open(str(file), "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(samples.astype("<i2").tobytes())


def _sip_port() -> int:
    """A free port whose next is free too: baresip takes that for TLS."""
    while True:
        port = free_port()
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port + 1))
            return port
