"""Intake as a process of its own, for the tests: prints its address and serves until it is told to stop."""

import asyncio
import sys

from streams.intake.server import serve
from streams.intake.settings import load as load_intake
from streams.runtime.clock import Clock
from streams.runtime.settings import load


def say(address: str) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(load(), load_intake(), Clock(), started=say))
