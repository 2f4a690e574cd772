"""A second site: MirrorMaker 2 by deploy/kafka/mirror.properties, from one real Kafka to another."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.operations.backup import KEPT
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from tests.channel_rig import until
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import JAVA, POM, Kafka, jars
from tests.tools.servers.process import Process

PROPERTIES = Path(__file__).parents[3] / "deploy" / "kafka" / "mirror.properties"
MIRROR_POM = POM.parent / "mirror" / "pom.xml"
WAIT_SECONDS = 120.0
AT = 1_772_000_000_000  # epoch ms
Lying = tuple[int, bytes | None, bytes | None, int]
"""A record's partition, key, value and time."""


def settings_of(kafka: Kafka) -> Settings:
    about = {
        "kafka": kafka.address,
        "redis": "redis://127.0.0.1:1",
        "secret": "the one key of all",
        "keys": KEYS,
        "partitions": 2,
    }
    return Settings.model_validate({**about, "replication": 1})


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kafka, Kafka]]:
    folder = tmp_path_factory.mktemp("sites")
    with ExitStack() as stack:
        first, second = (stack.enter_context(Kafka(folder / name)) for name in ("first", "second"))
        for kafka in (first, second):
            topics.create(settings_of(kafka))
        yield first, second


@contextmanager
def mirroring(folder: Path, sites: tuple[Kafka, Kafka]) -> Iterator[Process]:
    """The mirror as a process, by the very file that is deployed, on the sites' open listeners."""
    first, second = sites
    about = {"FIRST": first.address, "SECOND": second.address, "PROTOCOL": "PLAINTEXT", "COPIES": "1"}
    about |= {"CA": "/nowhere", "FIRST_PASSWORD": "-", "SECOND_PASSWORD": "-"}
    command = ["env", *(f"{name}={value}" for name, value in about.items())]
    command += [*JAVA, "-cp", jars(MIRROR_POM), "org.apache.kafka.connect.mirror.MirrorMaker", str(PROPERTIES)]
    mirror = Process("mirror", command, folder / "mirror.log", 0)
    mirror.start()
    try:
        yield mirror
    finally:
        mirror.kill()


async def written(kafka: Kafka, turn: int) -> None:
    """Some records of each topic that is kept, on both partitions, the last of a key gone."""
    producer = make_producer(settings_of(kafka))
    await producer.start()
    for topic in KEPT:
        places = topic.partitions(settings_of(kafka))
        for number in range(20):
            value = None if number == 19 and topic in topics.COMPACTED else b"%d of turn %d" % (number, turn)
            key, where = b"k%d-%d" % (turn, number // 2), number % places
            await producer.send_all([Record(topic.name, key, value, where, timestamp=AT + 1_000 * turn + number)])
    await producer.stop()


async def lying(kafka: Kafka, topic: str) -> list[Lying]:
    """All records of a topic, each partition's in its order; what lies there twice, told once."""
    found = [
        (each.partition, each.key, each.value, each.timestamp) async for each in read_all(settings_of(kafka), topic)
    ]
    return list(dict.fromkeys(sorted(found, key=lambda each: each[0])))


async def same(sites: tuple[Kafka, Kafka]) -> bool:
    first, second = sites
    with suppress(KafkaError):  # a broker that has just started
        return all([await lying(first, topic.name) == await lying(second, topic.name) for topic in KEPT])
    return False


async def until_same(sites: tuple[Kafka, Kafka], log: Path) -> None:
    try:
        await until(lambda: same(sites), WAIT_SECONDS)
    except TimeoutError:
        raise AssertionError(f"the second site is not as the first; see {log}") from None


@pytest.mark.timeout(600)
async def test_the_second_site_gets_all_that_is_kept_in_its_place_and_order_whatever_fails_meanwhile(
    sites: tuple[Kafka, Kafka], tmp_path: Path
) -> None:
    first, second = sites
    await written(first, 1)
    with mirroring(tmp_path, sites) as mirror:
        await until_same(sites, tmp_path / "mirror.log")
        mirror.kill()
        await written(first, 2)
        mirror.start()
        await until_same(sites, tmp_path / "mirror.log")
        second.kill(1)
        await written(first, 3)
        second.start(1)
        first.kill(1)
        first.start(1)
        await until_same(sites, tmp_path / "mirror.log")
    assert len(await lying(second, "case-events")) == 60
    assert await names(second) == await names(first)
    assert await lying(second, "signals") == await lying(second, "dispatches.red") == []


async def names(kafka: Kafka) -> set[str]:
    """The topics, without the mirror's and Kafka's own."""

    def ask() -> list[str]:
        with kafka.admin() as admin:
            return list(admin.list_topics())

    return {name for name in await asyncio.to_thread(ask) if not name.startswith(("mm2-", "__"))}


def test_what_is_mirrored_is_what_a_backup_holds() -> None:
    (line,) = re.findall(r"^first->second\.topics = (.+)$", PROPERTIES.read_text(), re.MULTILINE)
    assert sorted(line.split(", ")) == sorted(topic.name for topic in KEPT)
