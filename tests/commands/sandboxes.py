"""A sandbox that the command serves, for the tests that ask it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

import quanzu
from streams.runtime.embedded import free_port
from tests.tools.servers.process import wait_for

QUANZU = [sys.executable, str(Path(quanzu.__file__))]


def plain(**more: str) -> dict[str, str]:
    """The environment without any setting of Quanzu, with `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("QUANZU_")} | more


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a sandbox for bank-x in the folder's folder `mine` until the block ends. Yields its address."""
    port = free_port()
    command = [*QUANZU, "admin", "sandbox", "serve", "mine", "--source", "bank-x", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=plain(), cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: _ready(address), "the sandbox")
            yield address
        finally:
            process.terminate()


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False
