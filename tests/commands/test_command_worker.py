"""What stops a worker and can be mended is told in words, once, and the worker ends with a code that says so."""

import os
import subprocess
from pathlib import Path

from streams.messaging import topics
from streams.messaging.producer import Record
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import connect
from streams.state.keys import WHOLE_HASHED, key
from tests.tools.servers.forked import completed

START_SECONDS = 120.0


def worked(settings: Settings) -> "subprocess.CompletedProcess[str]":
    """`quanzu worker`, until it ends by itself."""
    return completed(["worker"], {**os.environ, **settings.environment(), "QUANZU_METRICS_PORT": "0"}, START_SECONDS)


async def test_a_store_ahead_of_its_topic_stops_the_worker_with_what_to_do_and_no_traceback(tmp_path: Path) -> None:
    async with Embedded(tmp_path) as embedded:
        settings = embedded.settings(Settings())
        topics.create(settings)
        redis = connect(settings)
        await redis.set(key("screened", 0), 99)
        producer = make_producer(settings)
        await producer.start()
        await producer.send_all([Record(topics.SIGNALS.name, b"shard", b"[]", 0)])
        told = worked(settings)
        await producer.stop()
        await redis.aclose()
    assert told.returncode == 1
    assert "was screened up to 99, but the topic ends at 0" in told.stderr
    assert "quanzu admin rebuild" in told.stderr
    assert "Traceback" not in told.stderr
    assert told.stderr.count("was screened up to 99") == 1


async def test_a_redis_under_another_secret_stops_the_worker_with_what_to_do_and_no_traceback(tmp_path: Path) -> None:
    async with Embedded(tmp_path) as embedded:
        settings = embedded.settings(Settings())
        topics.create(settings)
        redis = connect(settings)
        await redis.set(WHOLE_HASHED, "of another")
        told = worked(settings)
        await redis.aclose()
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert "QUANZU_SECRET" in told.stderr
