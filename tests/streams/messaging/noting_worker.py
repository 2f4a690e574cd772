"""A worker for the tests: it writes what it takes, and what it owns, as lines of JSON to standard output."""

import asyncio
import json
import logging
import os
import sys
import time

from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust import StreamT

from streams.messaging.app import App, ack, create_app, every, owned, records, run
from streams.messaging.transport import ConsumerThread
from streams.runtime.settings import load

settings = load()
topic = os.environ["TEST_TOPIC"]
mode = os.environ["TEST_MODE"]  # ack all, skip what is bad, fail on what is bad, hang as it joins, hang as it stops
logging.basicConfig(level="INFO", stream=sys.stderr)
app = create_app(settings, App)


def say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


@app.agent(app.topic(topic, key_type=bytes, value_type=bytes))
async def noting(stream: StreamT[bytes]) -> None:
    async for batch in records(stream, max_=50):
        for event in batch:
            value = event.value.decode()
            if mode == "fail" and value == "bad":
                raise RuntimeError("a body that fails")
            say(value=value, at=time.time(), batch=len(batch))
            if mode == "ack" or (mode == "skip" and value != "bad"):
                ack(event)


async def telling() -> None:
    say(owned=sorted(owned(app, topic)))


app.timer(0.1)(telling)


async def forever(*_: object) -> bool:
    """What never comes to an end."""
    await asyncio.Event().wait()
    return False


async def early() -> None:
    say(owned=[-1])


if mode == "hang":
    GroupCoordinator.ensure_active_group = forever
    app.join_seconds = 2.0
    every(app, 0.1, "early", early, early=True)

if mode == "stuck":
    setattr(ConsumerThread, "on_thread_stop", forever)  # noqa: B010 - mypy knows no method that is replaced
    app.stop_seconds = 2.0

if __name__ == "__main__":
    run(app, settings)
