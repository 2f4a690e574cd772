"""Apache Kafka in KRaft mode, from the official jars: brokers that are killed, cut off, and lose the lead."""

import base64
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from streams.runtime.embedded import free_port
from tests.tools.servers.guard import Guard
from tests.tools.servers.process import LOOK_SECONDS, Process, need, wait_for
from tests.tools.servers.proxy import Proxy

POM = Path(__file__).parents[1] / "kafka" / "pom.xml"
JARS = POM.parent / "target" / "lib"
JAVA = ["java", "-Xms128m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
CLASSES = JARS.parent / "classes.jsa"
SHARED = [*JAVA, f"-XX:SharedArchiveFile={CLASSES}"]
"""With a broker's classes as they lie in memory: it starts in a little more than half the CPU time. See `archive`."""
INTERNAL = {"__consumer_offsets", "__transaction_state"}
ASK_SECONDS = 30.0
Answer = TypeVar("Answer")

# Short times, so that the loss of a broker is noticed in seconds; small buffers, so that three fit anywhere.
PROPERTIES = """
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{control}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxied}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
auto.leader.rebalance.enable=false
unclean.leader.election.enable=false
min.insync.replicas={in_sync}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
file.delete.delay.ms=1000
log.cleaner.dedupe.buffer.size=4194304
"""


class Kafka:
    """A cluster of brokers 1 to n, each its own controller; `min.insync.replicas` is 2 from three brokers on.

    `address` leads straight to the brokers; `proxied` through a proxy before each, which can be cut.
    """

    def __init__(
        self,
        folder: Path,
        brokers: int = 1,
        guard: Guard | None = None,
        properties: str = "",
        java: Sequence[str] = SHARED,
    ) -> None:
        """`properties`: more of each broker's, which go before the usual ones."""
        self._folder, self._properties, self._java = folder, properties, java
        self.guard = guard
        folder.mkdir(parents=True, exist_ok=True)
        self.nodes = range(1, brokers + 1)
        self.ports = {node: free_port() for node in self.nodes}
        self._behind = {node: free_port() for node in self.nodes}
        self._controls = {node: free_port() for node in self.nodes}
        self.proxies = {node: Proxy(self._behind[node]) for node in self.nodes}
        self.brokers = {node: self._broker(node) for node in self.nodes}

    @property
    def address(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self.ports.values())

    @property
    def proxied(self) -> str:
        return ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.proxies.values())

    def __enter__(self) -> Self:
        try:
            self._format(jars())
            if self._java is SHARED:
                archive()
            self.start(*self.nodes)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        for broker in self.brokers.values():
            broker.kill()
        for proxy in self.proxies.values():
            proxy.close()

    def start(self, *nodes: int) -> None:
        """Start these brokers, at once, and return when each listens; also again, after one was killed."""
        for node in nodes:
            self.brokers[node].start()
        for node in nodes:
            self.brokers[node].ready()

    def kill(self, node: int) -> None:
        """As `kill -9` does."""
        self.brokers[node].kill()

    def stop(self, node: int) -> None:
        """As SIGTERM does: it hands its partitions over first."""
        self.brokers[node].stop()

    def cut(self) -> None:
        """Cut whoever came through the proxies off from all brokers."""
        for proxy in self.proxies.values():
            proxy.cut()

    def stall(self) -> None:
        """Let no byte through the proxies, while connections stay."""
        for proxy in self.proxies.values():
            proxy.stall()

    def heal(self) -> None:
        for proxy in self.proxies.values():
            proxy.heal()

    def mend(self) -> None:
        """Heal the network, start what was killed, and return when every replica is in sync and each leads its own."""
        self.heal()
        self.start(*self.nodes)
        wait_for(self.whole, "all brokers to be in sync")
        self._asked(lambda admin: admin.elect_leaders(0, raise_errors=False))

    def whole(self) -> bool:
        """Whether all brokers are there, and every partition has a leader and all its replicas in sync."""
        try:
            with self.admin() as admin:
                parts = [part for topic in admin.describe_topics() for part in topic["partitions"]]
                brokers = admin.describe_cluster()["brokers"]
        except (KafkaError, OSError):
            return False
        return len(brokers) == len(self.nodes) and all(
            part["leader_id"] > 0 and len(part["isr_nodes"]) == len(part["replica_nodes"]) for part in parts
        )

    def leaders(self, topic: str) -> dict[int, int]:
        """Each partition's leading broker; -1: none."""
        (found,) = self._asked(lambda admin: admin.describe_topics([topic]))
        return {part["partition_index"]: part["leader_id"] for part in found["partitions"]}

    def move_leaders(self, topics: Iterable[str]) -> None:
        """Let the next replica of each partition lead, without any broker going away."""
        found = self._asked(lambda admin: admin.describe_topics(list(topics)))
        replicas = {
            TopicPartition(topic["name"], part["partition_index"]): part["replica_nodes"]
            for topic in found
            for part in topic["partitions"]
        }
        turned = {place: nodes[1:] + nodes[:1] for place, nodes in replicas.items()}
        self._asked(lambda admin: admin.alter_partition_reassignments(turned))
        self._asked(lambda admin: admin.elect_leaders(0, _by_topic(replicas), raise_errors=False))

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """By partition: the first record that a consumer group has not done yet."""
        found = self._asked(lambda admin: admin.list_group_offsets(group))[group]
        return {(place.topic, place.partition): known.offset for place, known in found.items()}

    def drop(self, kept: Mapping[tuple[str, int], int]) -> None:
        """Delete the records before these, as a retention that has run out does."""
        records = {TopicPartition(*place): offset for place, offset in kept.items()}
        self._asked(lambda admin: admin.delete_records(records))

    def reset(self, topics: Iterable[str] | None = None) -> None:
        """Delete these topics, else all, and every consumer group; return when they are gone.

        A group goes when its members are: one that was killed is a member until its session times out.
        """
        wanted = None if topics is None else set(topics)
        wait_for(lambda: self._asked(lambda admin: _no_topics(admin, wanted)), "the topics to be deleted")
        wait_for(lambda: self._asked(_no_groups), "the consumer groups' members to be gone")

    def admin(self) -> KafkaAdminClient:
        """kafka-python's admin client, straight to the brokers; a context."""
        return KafkaAdminClient(bootstrap_servers=self.address.split(","))

    def _asked(self, ask: Callable[[KafkaAdminClient], Answer]) -> Answer:
        """What the cluster answers, asked again while a broker that is asked has just gone away."""
        until = time.monotonic() + ASK_SECONDS
        while True:
            try:
                with self.admin() as admin:
                    return ask(admin)
            except (KafkaError, OSError):
                if time.monotonic() > until:
                    raise
                time.sleep(LOOK_SECONDS)

    def _broker(self, node: int) -> Process:
        properties = self._folder / f"broker-{node}.properties"
        command = [*self._java, "-cp", f"{JARS}/*", "kafka.Kafka", str(properties)]
        return Process(f"broker {node}", command, self._folder / f"broker-{node}.log", self.ports[node])

    def _format(self, class_path: str) -> None:
        # One that began with a dash (the first six bits) would be read as an option.
        cluster = base64.urlsafe_b64encode(bytes([0, *uuid.uuid4().bytes[1:]])).decode().rstrip("=")
        format_ = [*SHARED, "-cp", class_path, "kafka.tools.StorageTool", "format", "-t", cluster]
        format_ += [*(self.guard.scram() if self.guard else ()), "-c"]
        for node in self.nodes:
            self._write_properties(node)
        with (self._folder / "format.log").open("ab") as log:
            formatting = [
                subprocess.Popen([*format_, str(self._folder / f"broker-{node}.properties")], stdout=log, stderr=log)
                for node in self.nodes
            ]
        if sum(each.wait() for each in formatting):
            raise RuntimeError(f"a broker's folder could not be formatted; see {self._folder / 'format.log'}")

    def _write_properties(self, node: int) -> None:
        properties = PROPERTIES if self.guard is None else self.guard.guarded(PROPERTIES)
        (self._folder / f"broker-{node}.properties").write_text(
            properties.format(
                node=node,
                voters=",".join(f"{i}@127.0.0.1:{port}" for i, port in self._controls.items()),
                port=self.ports[node],
                behind=self._behind[node],
                proxied=self.proxies[node].port,
                control=self._controls[node],
                data=self._folder / f"broker-{node}",
                copies=min(3, len(self.nodes)),
                in_sync=2 if len(self.nodes) >= 3 else 1,
            )
            + self._properties
        )


def jars(pom: Path = POM) -> str:
    """The class path of what `pom` names, fetched once by Maven. Raises MissingError when Java or Maven is missing."""
    need("java")
    kept = pom.parent / "target" / "lib"
    if not kept.exists():
        need("mvn")
        fetched = kept.with_name(f"lib-{uuid.uuid4().hex}")  # whole or not at all, also when two tests fetch at once
        fetch = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
        subprocess.run(fetch, check=True, stdout=subprocess.DEVNULL)
        if kept.exists():
            shutil.rmtree(fetched)
        else:
            fetched.rename(kept)
    return f"{kept}/*"


def archive() -> None:
    """Write the classes of a broker that has started down, once for all that start later.

    Java does so when it ends by itself. Where it writes none, and where the jars are others by now, it loads the jars.
    """
    if CLASSES.exists():
        return
    made = CLASSES.with_name(f"classes-{uuid.uuid4().hex}.jsa")  # whole or not at all, as the jars are
    java = [*JAVA, f"-XX:ArchiveClassesAtExit={made}"]
    with TemporaryDirectory() as folder, Kafka(Path(folder), java=java) as kafka:
        os.kill(kafka.brokers[1].pid, signal.SIGTERM)
        wait_for(lambda: not kafka.brokers[1].running, "a broker to write its classes down")
    if made.exists():
        made.rename(CLASSES)


def _by_topic(places: Iterable[TopicPartition]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place in places:
        found.setdefault(place.topic, []).append(place.partition)
    return found


def _no_topics(admin: KafkaAdminClient, wanted: set[str] | None) -> bool:
    present = set(admin.list_topics()) - INTERNAL
    going = present if wanted is None else present & wanted
    if going:
        admin.delete_topics(sorted(going), raise_errors=False)
    return not going


def _no_groups(admin: KafkaAdminClient) -> bool:
    groups = [group["group_id"] for group in admin.list_groups()]
    if groups:
        admin.delete_groups(groups)
    return not groups
