"""Each topic and each key × each component, on real servers: what the brokers and Redis allow is what rights.py says.

Each is tried: a record is sent to each topic and read from it, a key is read and set, as the user of each component.
Kafka's ACLs and Redis' users are made by the commands of docs/deploying.md.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any, get_args

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import TopicAuthorizationFailedError
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from streams.messaging import topics
from streams.messaging.topics import Topic
from streams.runtime.clock import CLOCKS_OFF
from streams.security.rights import PREFIX, RIGHTS, Component
from streams.state import keys
from tests.tools.secure.installation import SECURE, Installation, installed

READ_SECONDS = 20  # for all records that may be read; one that may not is refused at once, or never comes
REFUSED_SECONDS = 1.5
LEAST_TOPICS, LEAST_KEYS = 40, 150  # so that the lists below never become empty unnoticed
ALLOWED_TO_INTAKE = {"dead-letters", "audit", "shared-suspects", "policies", "partition-count"}  # to read


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Servers of these tests alone: their records are no installation's."""
    with installed(tmp_path_factory.mktemp("rights")) as made:
        created = made.quanzu(made.environment(Component.OPERATOR), "admin", "topics", "create")
        assert created.returncode == 0, created.stderr
        yield made


def login(made: Installation, component: Component) -> dict[str, Any]:
    return {
        "bootstrap_servers": f"127.0.0.1:{made.guard.ports[SECURE]}",
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(made.ours.ca),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": f"{PREFIX}{component}",
        "sasl_plain_password": (made.secrets / f"kafka-{component}").read_text().strip(),
    }


def written(made: Installation, component: Component) -> set[str]:
    """The topics to which the component's user sends a record."""
    found = set()
    producer = KafkaProducer(**login(made, component), acks="all", max_block_ms=10_000, retries=0, linger_ms=0)
    for topic in topics.ALL:
        try:
            producer.send(topic.name, key=b"key", value=b"tried", partition=0).get(timeout=10)
            found.add(topic.name)
        except TopicAuthorizationFailedError:
            pass
    producer.close()
    return found


def arrives(made: Installation, component: Component, topic: Topic, seconds: float) -> bool:
    """Whether a record of the topic comes to the component's user."""
    consumer = KafkaConsumer(**login(made, component), enable_auto_commit=False, request_timeout_ms=10_000)
    place = TopicPartition(topic.name, 0)
    try:
        consumer.assign([place])
        consumer.seek(place, 0)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if any(consumer.poll(200).values()):
                return True
    except TopicAuthorizationFailedError:
        pass
    finally:
        consumer.close(autocommit=False)
    return False


def read(made: Installation, component: Component) -> set[str]:
    """The topics of which the component's user gets a record."""
    may = {topic.name for topic in RIGHTS[component].reads}

    def tried(topic: Topic) -> bool:
        return arrives(made, component, topic, READ_SECONDS if topic.name in may else REFUSED_SECONDS)

    with ThreadPoolExecutor(8) as pool:
        return {topic.name for topic, came in zip(topics.ALL, pool.map(tried, topics.ALL), strict=True) if came}


def test_each_component_writes_and_reads_its_topics_at_real_brokers_and_no_others(own: Installation) -> None:
    assert len(topics.ALL) > LEAST_TOPICS
    assert written(own, Component.OPERATOR) == {topic.name for topic in topics.ALL}
    for component, rights in RIGHTS.items():
        assert written(own, component) == {topic.name for topic in rights.writes}, component
        assert read(own, component) == {topic.name for topic in rights.reads}, component
    assert {topic.name for topic in RIGHTS[Component.INTAKE].reads} == ALLOWED_TO_INTAKE
    print(f"{len(topics.ALL)} topics, {len(RIGHTS)} components: {2 * len(topics.ALL) * len(RIGHTS)} attempts")


def names() -> list[str]:
    """Return an example of every key: those of a partition, and the constants of keys.py with what follows them."""
    of_partition = [*get_args(keys.StateName), *get_args(keys.Beside)]
    lanes = [keys.lane_key(name, "signals", 1) for name in get_args(keys.LaneName)]
    constants = [
        value
        for name, value in vars(keys).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    ]
    followed = [f"{each}something" if each.endswith(":") else each for each in constants]
    tables = [topic.name for topic in topics.COMPACTED]
    others = [keys.changing("reveals", "somebody"), CLOCKS_OFF, "LIMITS:LIMITER/something"]
    return sorted({*(keys.key(name, 1) for name in of_partition), *lanes, *followed, *tables, *others})


def allowed(component: Component, name: str, *begins: str) -> bool:
    rules = (rule.rpartition("~") for rule in RIGHTS[component].keys)
    return any(f"{kind}~" in begins and fnmatchcase(name, pattern) for kind, _, pattern in rules)


def done(redis: "Redis", *command: str) -> bool:
    """Whether Redis does not refuse it to this user."""
    try:
        redis.execute_command(*command)  # type: ignore[no-untyped-call]  # it takes any command
    except NoPermissionError:
        return False
    except ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
    return True


def test_each_component_reads_and_sets_its_keys_in_a_real_redis_and_no_others(own: Installation) -> None:
    every = names()
    assert len(every) > LEAST_KEYS
    for component, rights in RIGHTS.items():
        password = (own.secrets / f"redis-{component}").read_text().strip()
        user = {"username": f"{PREFIX}{component}", "password": password, "ssl_ca_certs": str(own.ours.ca)}
        sets = component is not Component.DOCTOR  # which may run no command that writes
        with Redis.from_url(own.redis.url, **user) as redis:
            for name in every:
                assert done(redis, "GET", name) is allowed(component, name, "~", "%R~"), (component, name)
                assert done(redis, "SET", name, "x") is (sets and allowed(component, name, "~", "%W~")), (
                    component,
                    name,
                )
            for command in (("FLUSHALL",), ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("KEYS", "*")):
                assert not done(redis, *command), (component, command)
        assert rights.keys
    print(f"{len(every)} keys, {len(RIGHTS)} components: {2 * len(every) * len(RIGHTS)} attempts")


def test_nobody_without_a_login_reads_or_sets_a_key(own: Installation) -> None:
    with Redis.from_url(own.redis.url, ssl_ca_certs=str(own.ours.ca)) as redis:
        for command in (("GET", "policies"), ("SET", "policies", "x"), ("PING",)):
            with pytest.raises(AuthenticationError):
                redis.execute_command(*command)
