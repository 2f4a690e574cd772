"""A worker whose connections come from an address of its own in 127.0.0.0/8: a proxy tells it from the others by that.

What is opened without asyncio (kafka-python's checks as a worker starts) comes from where all do.
"""

import asyncio
import os
from asyncio.base_events import BaseEventLoop
from typing import Any
from unittest import mock

from tests.tools.servers.proxy import ONE_WORKER

NAME = "bound"
SOURCE = "CHAOS_SOURCE"  # the environment variable that holds the address
LOOPBACK = ("127.0.0.1", "localhost")
CONNECT = BaseEventLoop.create_connection


def source(number: int) -> str:
    """The address of the worker with this number."""
    return f"{ONE_WORKER}{number + 1}"


def patch() -> None:
    """Bind this process's connections."""
    mock.patch.object(BaseEventLoop, "create_connection", _bound).start()


async def _bound(
    self: BaseEventLoop,
    factory: Any,  # noqa: ANN401 - as asyncio has it
    host: Any = None,  # noqa: ANN401
    port: Any = None,  # noqa: ANN401
    **options: Any,  # noqa: ANN401
) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
    if host in LOOPBACK and options.get("local_addr") is None:
        options["local_addr"] = (os.environ[SOURCE], 0)
    made: tuple[asyncio.BaseTransport, asyncio.BaseProtocol] = await CONNECT(self, factory, host, port, **options)
    return made
