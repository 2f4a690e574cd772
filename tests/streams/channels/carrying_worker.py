"""A worker that carries out one dispatch, to be killed while its provider has not answered yet."""

import asyncio
import os
import sys

from redis.asyncio import Redis

from agents.dispatch import channel_of
from agents.sms import SmsProvider
from schemas.casework.events import Dispatch
from streams.channels.outgoing import Outgoing
from streams.channels.settings import load as load_channels
from streams.runtime.clock import Clock
from streams.runtime.settings import load
from streams.security.encrypted_kafka import make_producer


async def main() -> None:
    settings = load()
    producer = make_producer(settings)
    await producer.start()
    redis = Redis.from_url(str(settings.redis), protocol=3)
    outgoing = Outgoing(settings, redis, producer, Clock.parse(settings.clock), load_channels())
    dispatch = Dispatch.model_validate_json(os.environ["TEST_DISPATCH"])
    await channel_of(SmsProvider(outgoing), outgoing).carry([dispatch])
    sys.stdout.write("done\n")


if __name__ == "__main__":
    asyncio.run(main())
