"""A file's intake for the tests: killed when Kafka has a chunk and the place in the file is not yet noted."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from schemas.risk.signals import Signal
from streams.intake.acceptor import Intake
from streams.intake.files import intake_file
from streams.runtime.clock import Clock
from streams.runtime.settings import load
from streams.security.encrypted_kafka import make_producer


class Killed(Intake):
    """Is killed after the third chunk."""

    chunks = 0

    async def accept(self, signals: Sequence[Signal]) -> dict[str, int]:
        accepted = await super().accept(signals)
        self.chunks += 1
        if self.chunks == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return accepted


async def main() -> None:
    settings = load()
    producer = make_producer(settings)
    await producer.start()
    await intake_file("amlsim", Path(sys.argv[1]), Killed(producer, settings), settings, Clock(), chunk=10)


if __name__ == "__main__":
    asyncio.run(main())
