"""An installation as production has it: Kafka with TLS, SCRAM and ACLs; Redis with TLS and an ACL file; secret files.

It is made by the very commands of docs/deploying.md, and its processes are those of `quanzu` with their own users.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.runtime.embedded import free_port
from streams.security.installation_keys import NEED_SECRET
from streams.security.rights import PREFIX, Component
from tests.tools.servers.certificates import Authority
from tests.tools.servers.forked import completed
from tests.tools.servers.guard import Guard
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import GuardedRedis

ROOT = Path(__file__).resolve().parents[3]
QUANZU = [sys.executable, str(ROOT / "quanzu.py")]
ADMIN = "admin"
SECURE, EXPIRED = "SECURE", "EXPIRED"
ENDS_SECONDS = 60
BAD = ("Traceback", "Authorization", "NOPERM", "no permissions", "ACL failure", "Unclosed")  # in no log
FEEDS = ("bank", "police")
KEYS = {feed: f"the key of {feed} in this test" for feed in FEEDS}
NO_SIGNATURES = {Component.CONSOLE, Component.EXPORTER}  # they sign no order and take no receipt


@dataclass
class Installation:
    """`strangers`: an authority that nobody here trusts. `late`: a Redis whose certificate has expired."""

    folder: Path
    secrets: Path
    ours: Authority
    strangers: Authority
    guard: Guard
    kafka: Kafka
    redis: GuardedRedis
    late: GuardedRedis

    def environment(self, component: Component, **changes: str | None) -> dict[str, str]:
        """What a component's process is started with; `changes` without QUANZU_ before them, none takes one away."""
        user = f"{PREFIX}{component}"
        given: dict[str, str | None] = {
            "KAFKA": f"127.0.0.1:{self.guard.ports[SECURE]}",
            "KAFKA_TLS": "true",
            "KAFKA_CA": str(self.ours.ca),
            "KAFKA_USER": user,
            "KAFKA_PASSWORD_FILE": str(self.secrets / f"kafka-{component}"),
            "REDIS": self.redis.url,
            "REDIS_CA": str(self.ours.ca),
            "REDIS_USER": user,
            "REDIS_PASSWORD_FILE": str(self.secrets / f"redis-{component}"),
            "SECRET_FILE": str(self.secrets / "secret") if component in NEED_SECRET else None,
            "RECEIPTS_SECRET_FILE": str(self.secrets / "receipts-secret") if component not in NO_SIGNATURES else None,
            "KEYS_FILE": str(keys) if (keys := self.secrets / f"keys-{component}").exists() else None,
            "REPLICATION": "1",
            "PARTITIONS": "2",
            "DATA": str(self.folder / component),
            "METRICS_PORT": "0",
            **changes,
        }
        mine = {name: value for name, value in os.environ.items() if not name.startswith("QUANZU_")}
        return mine | {f"QUANZU_{name}": value for name, value in given.items() if value is not None}

    def quanzu(self, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command run to its end; its output is in it, whatever it ended with."""
        return completed(arguments, environment, ENDS_SECONDS)

    @contextmanager
    def running(self, name: str, environment: Mapping[str, str], *command: str) -> Iterator[Path]:
        """A process for as long as the context lasts; gives the file that it writes to."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=dict(environment), stdout=out, stderr=out, cwd=ROOT)
        try:
            yield log
        finally:
            process.terminate()
            try:
                process.wait(ENDS_SECONDS)
            finally:
                process.kill()


@contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    """Everything started: only the super user is made as the brokers are formatted."""
    secrets = folder / "secrets"
    subprocess.run([*QUANZU, "admin", "access", "secrets", str(secrets)], check=True, capture_output=True)
    acl = subprocess.run(
        [*QUANZU, "admin", "access", "redis", str(secrets)], check=True, capture_output=True, text=True
    ).stdout
    ours, strangers = Authority(folder, "ours"), Authority(folder, "strangers")
    right, late = ours.issue("server"), ours.issue("late", expired=True)
    guard = Guard({SECURE: right, EXPIRED: late}, {ADMIN: (secrets / "kafka-admin").read_text()})
    with ExitStack() as stack:
        kafka = stack.enter_context(Kafka(folder / "kafka", 1, guard))
        redis = stack.enter_context(GuardedRedis(folder / "redis", right, ours.ca, acl))
        redis_late = stack.enter_context(GuardedRedis(folder / "late", late, ours.ca, acl))
        made = Installation(folder, secrets, ours, strangers, guard, kafka, redis, redis_late)
        admin = made.environment(Component.OPERATOR, KAFKA_USER=ADMIN, KAFKA_PASSWORD_FILE=str(secrets / "kafka-admin"))
        granted = made.quanzu(admin, "admin", "access", "grant", str(secrets))
        assert granted.returncode == 0, granted.stderr
        yield made


def port() -> str:
    return str(free_port())
