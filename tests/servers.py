"""Real servers on free loopback ports: Apache Kafka in KRaft mode from the official jars, and Debian's Redis.

python -m tests.servers --brokers 3      starts both, prints their addresses, and stops them on Ctrl-C
"""

import argparse
import base64
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

POM = Path(__file__).parent / "kafka" / "pom.xml"
JARS = Path(__file__).parent / "kafka" / "target" / "lib"
START_SECONDS = 60
STOP = {signal.SIGINT, signal.SIGTERM}

PROPERTIES = """
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor={copies}
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
min.insync.replicas={in_sync}
group.initial.rebalance.delay.ms=0
"""


class MissingError(RuntimeError):
    """A program that the real servers need is not installed; the text says which and how to get it."""


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Kafka:
    """A cluster of brokers, each its own controller; `min.insync.replicas` is 2 from three brokers on."""

    def __init__(self, folder: Path, brokers: int = 1) -> None:
        self._folder = folder
        self.ports = [free_port() for _ in range(brokers)]
        self._controls = [free_port() for _ in range(brokers)]
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def __enter__(self) -> Self:
        jars = _jars()
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        for node in range(1, len(self.ports) + 1):
            properties = self._properties(node)
            format_ = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
            subprocess.run(["java", "-cp", jars, *format_], check=True, capture_output=True)
            self.processes.append(self.start(node))
        for port in self.ports:
            wait_for_port(port, "Kafka")
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def start(self, node: int) -> subprocess.Popen[bytes]:
        """Start one broker, 1 to n; also again, after it was killed."""
        log = (self._folder / f"broker-{node}.log").open("ab")
        command = ["java", "-Xmx512m", "-cp", _jars(), "kafka.Kafka", str(self._folder / f"broker-{node}.properties")]
        return subprocess.Popen(command, stdout=log, stderr=log)

    def _properties(self, node: int) -> Path:
        path = self._folder / f"broker-{node}.properties"
        brokers = len(self.ports)
        path.write_text(
            PROPERTIES.format(
                node=node,
                voters=",".join(f"{i}@127.0.0.1:{port}" for i, port in enumerate(self._controls, 1)),
                port=self.ports[node - 1],
                control=self._controls[node - 1],
                data=self._folder / f"broker-{node}",
                copies=min(3, brokers),
                in_sync=2 if brokers >= 3 else 1,
            )
        )
        return path


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Debian's redis-server with its append-only file; gives its URL."""
    if shutil.which("redis-server") is None:
        raise MissingError("redis-server is not installed: apt-get install redis-server")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes"]
    with (folder / "redis.log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_for_port(port, "Redis")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()  # the signals that stop us are blocked in it too


def wait_for_port(port: int, what: str) -> None:
    """Return when somebody listens. Raises TimeoutError after START_SECONDS."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"{what} did not listen on 127.0.0.1:{port} within {START_SECONDS} s; see its log")


def _jars() -> str:
    """The class path of Kafka's jars, fetched once by Maven."""
    for program, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            raise MissingError(f"{program} is not installed: apt-get install {package}")
    if not JARS.exists():
        fetch = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"]
        subprocess.run(fetch, check=True, stdout=subprocess.DEVNULL)
    return f"{JARS}/*"


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", type=int, default=1)
    brokers = parser.parse_args().brokers
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # so that they are waited for, and the servers stopped
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quanzu-servers-")))
        kafka = stack.enter_context(Kafka(folder, brokers))
        url = stack.enter_context(redis(folder))
        made = " ".join(f"QUANZU_{name}={secrets.token_hex(32)}" for name in ("SECRET", "RECEIPTS_SECRET"))
        copies = min(3, brokers)
        print(f"export QUANZU_KAFKA={kafka.address} QUANZU_REDIS={url} QUANZU_REPLICATION={copies} {made}", flush=True)
        signal.sigwait(STOP)


if __name__ == "__main__":
    main()
