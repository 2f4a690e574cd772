"""The real servers fail as they are told to, and leave nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaError
from redis import Redis, RedisError

from tests.tools.chaos.judging.bound import source
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.process import MissingError, Process, need, wait_for
from tests.tools.servers.proxy import State
from tests.tools.servers.redis import RedisPair, RedisServer

OWNER = """
import sys, signal
from pathlib import Path
from tests.tools.servers.redis import RedisPair
with RedisPair(Path(sys.argv[1])) as pair:
    print(*[process.pid for process in (*(server.process for server in pair.servers), *pair.sentinels)], flush=True)
    signal.pause()
"""


def runs(pid: int) -> bool:
    """Whether there is such a process, other than one that has ended and waits for its parent."""
    with suppress(FileNotFoundError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def processes(kafka: Kafka, redis: RedisServer, pair: RedisPair) -> list[Process]:
    return [*kafka.brokers.values(), redis.process, *(server.process for server in pair.servers), *pair.sentinels]


def create(kafka: Kafka, topic: str) -> None:
    with kafka.admin() as admin:
        admin.create_topics([NewTopic(topic, 2, 3)])
    wait_for(kafka.whole, "the topic's replicas")


def send(address: str, topic: str, value: bytes, seconds: float = 20) -> None:
    """Raises KafkaError when the brokers have not taken it in time."""
    most = int(seconds * 1000)
    waits = {"max_block_ms": most, "bootstrap_timeout_ms": most, "delivery_timeout_ms": most}
    producer = KafkaProducer(
        bootstrap_servers=address.split(","), acks="all", linger_ms=0, request_timeout_ms=most // 2, **waits
    )
    try:
        producer.send(topic, value).get(seconds)
    finally:
        producer.close(0)


def from_address(address: str, redis: RedisServer) -> socket.socket:
    """A connection from there to a Redis, through its proxy."""
    return socket.create_connection(("127.0.0.1", redis.proxy.port), timeout=1, source_address=(address, 0))


def pass_seconds(redis: RedisServer, seconds: int) -> None:
    """Return when its clock shows so many seconds more."""
    with redis.client() as client:
        began = client.time()[0]
        wait_for(lambda: client.time()[0] >= began + seconds, f"{seconds} s by its clock")


def test_neither_a_process_nor_a_port_nor_a_thread_is_left_when_the_body_raises(tmp_path: Path) -> None:
    threads = threading.active_count()
    started: list[Process] = []

    def body(stack: ExitStack) -> None:
        kafka = stack.enter_context(Kafka(tmp_path / "kafka"))
        redis = stack.enter_context(RedisServer(tmp_path / "redis"))
        started.extend(processes(kafka, redis, stack.enter_context(RedisPair(tmp_path / "pair"))))
        raise KeyError("the body raised")

    with pytest.raises(KeyError, match="the body raised"), ExitStack() as stack:
        body(stack)
    assert len(started) == 8
    assert not [process.name for process in started if runs(process.pid)]
    assert not [process.name for process in started if process.listens()]
    assert threading.active_count() <= threads + 1  # the one that starts servers stays


def test_no_server_is_left_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) == 6
        assert all(runs(pid) for pid in pids)
        owner.kill()
    wait_for(lambda: not any(runs(pid) for pid in pids), "the servers to end with their owner", seconds=5)


def test_a_missing_program_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(
        MissingError, match=r"java, redis-server .*apt-get install openjdk-17-jre-headless redis-server"
    ):
        need("java", "redis-server")


def test_what_was_acknowledged_is_there_when_a_broker_is_killed_and_its_partitions_have_new_leaders(
    kafka_cluster: Kafka,
) -> None:
    create(kafka_cluster, "kept")
    send(kafka_cluster.address, "kept", b"before")
    killed = kafka_cluster.leaders("kept")[0]
    kafka_cluster.kill(killed)
    wait_for(lambda: not {killed, -1} & set(kafka_cluster.leaders("kept").values()), "other leaders")
    send(kafka_cluster.address, "kept", b"after")
    consumer = KafkaConsumer("kept", bootstrap_servers=kafka_cluster.address.split(","), auto_offset_reset="earliest")
    assert {next(consumer).value, next(consumer).value} == {b"before", b"after"}
    consumer.close()


def test_with_two_brokers_of_three_killed_nothing_is_accepted(kafka_cluster: Kafka) -> None:
    create(kafka_cluster, "refused")
    for node in (1, 2):
        kafka_cluster.kill(node)
    with pytest.raises(KafkaError):
        send(kafka_cluster.address, "refused", b"lost", seconds=3)
    kafka_cluster.mend()
    send(kafka_cluster.address, "refused", b"kept")


def test_leaders_move_while_all_brokers_live(kafka_cluster: Kafka) -> None:
    create(kafka_cluster, "moved")
    before = kafka_cluster.leaders("moved")
    kafka_cluster.move_leaders(["moved"])
    wait_for(lambda: all(kafka_cluster.leaders("moved")[p] not in (node, -1) for p, node in before.items()), "leaders")
    assert all(broker.running for broker in kafka_cluster.brokers.values())


def test_a_cut_network_cuts_workers_off_and_not_the_observer(kafka_cluster: Kafka) -> None:
    create(kafka_cluster, "cut")
    send(kafka_cluster.proxied, "cut", b"whole")
    kafka_cluster.cut()
    with pytest.raises(KafkaError):
        send(kafka_cluster.proxied, "cut", b"cut off", seconds=2)
    send(kafka_cluster.address, "cut", b"seen by the observer")
    kafka_cluster.heal()
    send(kafka_cluster.proxied, "cut", b"healed")


def test_a_reset_cluster_has_neither_topics_nor_groups(kafka_cluster: Kafka) -> None:
    create(kafka_cluster, "old")
    consumer = KafkaConsumer("old", bootstrap_servers=kafka_cluster.address.split(","), group_id="old-group")
    consumer.poll(5000)
    consumer.close()
    kafka_cluster.reset()
    with kafka_cluster.admin() as admin:
        assert [name for name in admin.list_topics() if not name.startswith("__")] == []
        assert admin.list_groups() == []


def test_a_killed_redis_comes_back_with_all_that_it_answered(redis_aof: RedisServer) -> None:
    with redis_aof.client() as client:
        client.set("answered", 1)
        redis_aof.kill()
        redis_aof.start()
        assert client.get("answered") == b"1"


def test_a_redis_that_lost_the_tail_of_its_file_comes_back_older_but_whole(redis_aof: RedisServer) -> None:
    with redis_aof.client() as client:
        client.set("early", 1)
        pass_seconds(redis_aof, 3)
        client.set("late", 1)
        assert redis_aof.lose_tail(seconds=2) > 0
        redis_aof.start()
        assert client.mget("early", "late") == [b"1", None]
        with client.pipeline(transaction=True) as both:
            both.set("one", 1).set("two", 2).execute()
        redis_aof.lose_tail(bytes_=3)
        redis_aof.start()
        assert client.mget("one", "two") == [None, None]


def test_a_wiped_redis_comes_back_empty(redis_aof: RedisServer) -> None:
    with redis_aof.client() as client:
        client.set("gone", 1)
        redis_aof.wipe()
        redis_aof.start()
        assert client.dbsize() == 0


def test_a_replica_that_lagged_takes_over_without_what_it_had_not_read(redis_pair: RedisPair) -> None:
    with redis_pair.primary.client() as primary:
        primary.set("read", 1)
        primary.wait(1, 5000)
        redis_pair.stall_replication()
        primary.set("not read", 1)
    former = redis_pair.primary
    redis_pair.fail_over()
    assert redis_pair.primary is not former
    redis_pair.mend()
    for server in redis_pair.servers:
        with server.client() as client:
            assert client.mget("read", "not read") == [b"1", None]


def test_workers_are_cut_off_while_the_sentinels_see_no_reason_to_fail_over(redis_pair: RedisPair) -> None:
    primary = redis_pair.primary
    redis_pair.cut()
    with Redis.from_url(primary.proxied) as cut_off, pytest.raises(RedisError):
        cut_off.ping()
    pass_seconds(primary, 3)  # longer than the Sentinels would wait
    wait_for(redis_pair.whole, "the replicas to have what the primary wrote last")
    assert redis_pair.primary is primary
    redis_pair.heal()
    with Redis.from_url(primary.proxied) as healed:
        assert healed.ping()


def test_a_stalled_connection_goes_on_where_it_was(redis_aof: RedisServer) -> None:
    with Redis.from_url(redis_aof.proxied, socket_timeout=0.3) as client, redis_aof.client() as observer:
        client.ping()
        redis_aof.proxy.stall()
        with pytest.raises(RedisError):
            client.set("stalled", 1)
        assert observer.get("stalled") is None
        redis_aof.proxy.heal()
        wait_for(lambda: observer.get("stalled") == b"1", "what was under way to arrive")


@pytest.mark.parametrize(("state", "arrives"), [(State.NO_REQUEST, False), (State.NO_ANSWER, True)])
def test_one_worker_is_cut_off_in_one_way_and_the_others_are_not(
    redis_aof: RedisServer, state: State, arrives: bool
) -> None:
    redis_aof.proxy.stall_one_way(source(0), state)
    with from_address(source(0), redis_aof) as struck, from_address(source(1), redis_aof) as other:
        struck.sendall(b"SET struck 1\r\n")
        other.sendall(b"SET other 1\r\n")
        assert other.recv(100) == b"+OK\r\n"
        with pytest.raises(TimeoutError):
            struck.recv(100)
        with redis_aof.client() as client:
            assert client.exists("struck") == arrives
        redis_aof.proxy.heal(source(0))
        assert struck.recv(100) == b"+OK\r\n"


def test_what_cuts_all_workers_off_cuts_those_off_that_have_addresses_of_their_own(redis_aof: RedisServer) -> None:
    with from_address(source(0), redis_aof) as struck:
        struck.sendall(b"PING\r\n")
        assert struck.recv(100) == b"+PONG\r\n"
        redis_aof.proxy.cut()
        with pytest.raises(ConnectionResetError):
            struck.recv(100)
    redis_aof.proxy.heal()
    with from_address(source(0), redis_aof) as healed:
        healed.sendall(b"PING\r\n")
        assert healed.recv(100) == b"+PONG\r\n"


def test_a_frozen_server_is_there_again_when_it_is_thawed(redis_aof: RedisServer) -> None:
    with Redis.from_url(redis_aof.url, socket_timeout=0.3) as client:
        redis_aof.process.freeze()
        with pytest.raises(RedisError):
            client.ping()
        redis_aof.process.thaw()
        wait_for(lambda: bool(client.ping()), "an answer")


def test_the_servers_for_trials_say_what_to_export_and_leave_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.tools.servers", "--brokers", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as it:
        assert it.stdout is not None
        exports = dict(pair.split("=") for pair in it.stdout.readline().removeprefix("export ").split())
        it.send_signal(signal.SIGTERM)
    assert list(exports) == [
        f"QUANZU_{name}" for name in ("KAFKA", "REDIS", "REPLICATION", "SECRET", "RECEIPTS_SECRET")
    ]
    assert list(tmp_path.iterdir()) == []
