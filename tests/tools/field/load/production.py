"""The production set-up as a new user starts it, each container a process, and a demo on it.

python -m tests.tools.field.load.production --minutes 10 --report a.json     ends with 1 when something is wrong

Three brokers, a Redis with its replica and three Sentinels, and the vault, by the very scripts that compose's
containers run, over TLS; certificates, secrets, users and rights by the commands of docs/deploying.md; then two
workers, intake, the console and the exporter, each with its own user. The demo's feeds, residents, operators and
officers do the rest, over TLS too.
Half-way and at the end each process is asked whether it is ready, and `quanzu doctor --now` whether anybody is missed.
"""

import argparse
import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from rich.console import Console

from console.terminal import board
from simulators.demo.run import SOURCES, Demo, Plan, Running
from simulators.demo.workers import Workers
from streams.installation import Installation
from streams.intake.settings import make_key
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings, load
from streams.security.rights import PREFIX, Component
from tests.tools.secure.installation import BAD, QUANZU
from tests.tools.servers.guard import tools
from tests.tools.servers.kafka import jars
from tests.tools.servers.process import Process

ROOT = Path(__file__).resolve().parents[4]
DEPLOY = ROOT / "deploy"
HOST = "localhost"
PARTITIONS = 8


class Setup:
    """The servers, and how each component reaches them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.secrets, self.certificates = folder / "secrets", folder / "certificates"
        self.logs: dict[str, Path] = {}
        self._brokers, self._sentinels, self._vault = "", "", ""

    def prepare(self) -> None:
        """Certificates, secrets and Redis's users, as docs/deploying.md has them made."""
        subprocess.run([DEPLOY / "certificates.sh", self.certificates], check=True)
        subprocess.run([*QUANZU, "admin", "access", "secrets", self.secrets], check=True, capture_output=True)
        for server in ("redis", "vault"):
            words = [*QUANZU, "admin", "access", server, self.secrets]
            made = subprocess.run(words, check=True, capture_output=True, text=True)
            (self.secrets / f"{server}-acl").write_text(made.stdout)

    def serve(self) -> None:
        """Start Kafka and Redis, and let the components in."""
        nodes, names = (1, 2, 3), ("vault", "redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3")
        ports = {name: free_port() for name in (*(f"kafka-{node}" for node in nodes), *names)}
        controls = {node: free_port() for node in nodes}
        self._brokers = ",".join(f"{HOST}:{ports[f'kafka-{node}']}" for node in nodes)
        watchers = [f"{HOST}:{ports[name]}" for name in names if name.startswith("sentinel")]
        self._sentinels, self._vault = ",".join(watchers), f"{HOST}:{ports['vault']}"
        about: dict[str, object] = {"VOTERS": ",".join(f"{node}@{HOST}:{port}" for node, port in controls.items())}
        about |= {"CLUSTER": urlsafe_b64encode(bytes([0, *uuid.uuid4().bytes[1:]])).decode().rstrip("=")}
        path = tools(self.folder, ["java", "-Xmx320m", "-XX:TieredStopAtLevel=1"], jars())["PATH"]
        about |= {"TEMPLATE": DEPLOY / "kafka" / "broker.properties", "PATH": path}
        found = [
            self._server(f"kafka-{node}", "kafka", ports, {"kafka-admin"}, about | {"NODE": node, "CONTROL": control})
            for node, control in controls.items()
        ]
        told = {"FIRST": HOST, "FIRST_PORT": ports["redis-1"], "SENTINELS": " ".join(watchers)}
        given = {"redis-acl", "redis-replica", "redis-sentinel", "sentinels", "vault-acl"}
        for name in names:
            kind = name.partition("-")[0]
            role = {"ROLE": kind} if kind in ("sentinel", "vault") else {}
            found.append(self._server(name, "redis", ports, given, told | role))
        for server in found:
            server.ready()
        self.run(Component.OPERATOR, "admin", "access", "grant", str(self.secrets), user="admin")
        self.run(Component.OPERATOR, "admin", "topics", "create")

    def environment(
        self, component: Component, more: Mapping[str, object] | None = None, user: str = ""
    ) -> dict[str, str]:
        """What a component's process is started with; `user`: another at Kafka than its own."""
        own = user or f"{PREFIX}{component}"
        given: dict[str, object] = {
            "KAFKA": self._brokers,
            "KAFKA_TLS": "true",
            "KAFKA_CA": self.certificates / "ca.pem",
            "KAFKA_USER": own,
            "KAFKA_PASSWORD_FILE": self.secrets / f"kafka-{own.removeprefix(PREFIX)}",
            "REDIS": f"rediss+sentinel://{self._sentinels}/quanzu/0",
            "VAULT": f"rediss://{self._vault}/0",
            "REDIS_CA": self.certificates / "ca.pem",
            "REDIS_USER": f"{PREFIX}{component}",
            "REDIS_PASSWORD_FILE": self.secrets / f"redis-{component}",
            "SENTINEL_PASSWORD_FILE": self.secrets / "sentinels",
            "SECRET_FILE": self.secrets / "secret",
            "RECEIPTS_SECRET_FILE": self.secrets / "receipts-secret",
            "KEYS_FILE": "" if component is Component.DOCTOR else self.secrets / f"keys-{component}",
            "PARTITIONS": PARTITIONS,
            "DATA": self.folder / f"data-{component}",
            "METRICS_PORT": 0,
            **(more or {}),
        }
        rest = {name: value for name, value in os.environ.items() if not name.startswith("QUANZU_")}
        return rest | {f"QUANZU_{name}": str(value) for name, value in given.items()}

    def run(self, component: Component, *words: str, user: str = "", **more: object) -> str:
        """A command to its end; gives what it printed. Raises RuntimeError with what it says is wrong."""
        environment = self.environment(component, more, user)
        told = subprocess.run([*QUANZU, *words], env=environment, check=False, capture_output=True, text=True)
        if told.returncode:
            raise RuntimeError(f"quanzu {' '.join(words)} ended with {told.returncode}: {told.stdout}{told.stderr}")
        return told.stdout

    def start(self, component: Component, port: int, *words: str, **more: object) -> None:
        """A component as a process of its own, for as long as the set-up stands."""
        environment = [f"{name}={value}" for name, value in self.environment(component, more).items()]
        self._started(str(component), ["env", "-i", *environment, *QUANZU, *words], port).ready()

    def _server(
        self, name: str, kind: str, ports: Mapping[str, int], secrets: Iterable[str], about: Mapping[str, object]
    ) -> Process:
        """A broker, a Redis or a Sentinel by its script, with the secrets that its container is handed."""
        own = self.folder / name
        for part in ("secrets", "data", "run"):
            (own / part).mkdir(parents=True)
        for secret in secrets:
            shutil.copy(self.secrets / secret, own / "secrets" / secret)
        shutil.copy(self.certificates / "ca.pem", own / "secrets")
        for ending in ("pem", "crt", "key"):
            shutil.copy(self.certificates / f"{name}.{ending}", own / "secrets" / f"{kind}.{ending}")
        given = {"SECRETS": own / "secrets", "DATA": own / "data", "RUN": own / "run", "HOST": HOST, **about}
        words = [f"{variable}={value}" for variable, value in {**given, "PORT": ports[name]}.items()]
        return self._started(name, ["env", *words, "sh", str(DEPLOY / kind / "start.sh")], ports[name])

    def _started(self, name: str, command: list[str], port: int) -> Process:
        self.logs[name] = self.folder / f"{name}.log"
        process = Process(name, command, self.logs[name], port)
        process.start()
        self._stack.callback(process.stop)
        return process


class Production(Demo):
    """The demo's people, on an installation whose processes have users of their own."""

    def __init__(self, setup: Setup, settings: Settings, plan: Plan, out: Console) -> None:
        super().__init__(settings, plan, out, board)
        self._setup = setup
        self._ports = {name: free_port() for name in ("intake", "console", "exporter")}
        self.missed: list[str] = []  # what was not as it must be, half-way and at the end

    async def _intake(self, stack: AsyncExitStack, line: Installation) -> tuple[str, Callable[[str], str]]:
        made = {source: make_key(source) for source in SOURCES}
        self._setup.folder.joinpath("api-keys").write_text("\n".join(entry for _, entry in made.values()))
        shown = {
            "INTAKE_CERTIFICATE": self._setup.certificates / "intake.crt",
            "INTAKE_KEY": self._setup.certificates / "intake.key",
            "API_KEYS": f"@{self._setup.folder / 'api-keys'}",
        }
        port, clock = self._ports["intake"], {"CLOCK": line.settings.clock}
        await asyncio.to_thread(
            lambda: self._setup.start(
                Component.INTAKE, port, "intake", "serve", HTTP_PORT=port, INTAKE_HOST="127.0.0.1", **shown, **clock
            )
        )
        return f"https://{HOST}:{port}", lambda source: made[source][0]

    def workers(self, settings: Settings) -> Workers:
        """As many as the plan has, as the workers' user."""
        read = self._setup.secrets
        own = {
            "kafka_user": f"{PREFIX}worker",
            "kafka_password": SecretStr((read / "kafka-worker").read_text().strip()),
            "redis_user": f"{PREFIX}worker",
            "redis_password": SecretStr((read / "redis-worker").read_text().strip()),
        }
        return Workers(settings.model_copy(update=own), self._plan.workers, self._plan.worker)

    async def _people(self, stack: AsyncExitStack, line: Installation, telephone: Any) -> None:  # noqa: ANN401 - as the demo's
        """The console and the exporter."""
        clock, ports = {"CLOCK": line.settings.clock}, self._ports
        shown = {
            "CONSOLE_PORT": ports["console"],
            "CONSOLE_CERTIFICATE": self._setup.certificates / "console.crt",
            "CONSOLE_KEY": self._setup.certificates / "console.key",
        }
        await asyncio.to_thread(
            lambda: self._setup.start(Component.CONSOLE, ports["console"], "console", "serve", **shown, **clock)
        )
        port = ports["exporter"]
        await asyncio.to_thread(
            lambda: self._setup.start(Component.EXPORTER, port, "metrics", "serve", EXPORTER_PORT=port, **clock)
        )

    async def _disturb(self, running: Running) -> None:
        await asyncio.sleep(self._plan.length.total_seconds() / 2)
        await self.look("half-way", running.line)

    async def _report(self, running: Running) -> dict[str, Any]:
        await self.look("at the end", running.line)
        return await super()._report(running)

    async def look(self, when: str, line: Installation) -> None:
        """Ask each process whether it is ready, and the doctor whether anybody is missed."""
        await asyncio.to_thread(self._look, when, str(line.settings.clock))

    def _look(self, when: str, clock: str) -> None:
        context = ssl.create_default_context(cafile=str(self._setup.certificates / "ca.pem"))
        for name, path in (("intake", "readyz"), ("console", "readyz"), ("exporter", "metrics")):
            scheme = "http" if name == "exporter" else "https"
            answer = httpx.get(f"{scheme}://{HOST}:{self._ports[name]}/{path}", verify=context, timeout=20)
            up = name != "exporter" or ("quanzu_kafka_up 1.0" in answer.text and "quanzu_redis_up 1.0" in answer.text)
            if answer.status_code != 200 or not up:
                self.missed.append(f"{when}: {name} answers {answer.status_code}: {answer.text[:300]}")
        try:
            found = json.loads(self._setup.run(Component.DOCTOR, "doctor", "--now", "--json", CLOCK=clock))
        except RuntimeError as error:
            self.missed.append(f"{when}: {error}")
        else:
            self.missed += [f"{when}: doctor --now misses somebody"] if found["missed"] else []


def refused(logs: Mapping[str, Path]) -> list[str]:
    """Logs in which somebody was refused, or something broke."""
    return [f"{name}: {bad}" for name, log in logs.items() for bad in BAD if bad in log.read_text(errors="replace")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--speed", type=float, default=10, help="two cores cannot bear much more")
    parser.add_argument("--report", type=Path, default=Path("production.json"))
    parser.add_argument("--folder", type=Path, help="A new folder for all that is made; none: one that goes away")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quanzu-production-")))
        folder.mkdir(parents=True, exist_ok=True)
        setup = Setup(folder.resolve(), stack)
        setup.prepare()
        setup.serve()
        os.environ |= setup.environment(Component.OPERATOR)
        os.environ["SSL_CERT_FILE"] = str(setup.certificates / "ca.pem")  # feeds and providers trust this authority
        plan = Plan(timedelta(minutes=given.minutes), given.speed, ahead=30)
        demo = Production(setup, load(), plan, Console(stderr=True, quiet=True))
        found = asyncio.run(demo.run())
        workers = {f"worker-{number}": demo_log(setup, number) for number in range(plan.workers)}
        logs = {name: log for name, log in setup.logs.items() if name in set(Component)} | workers
        missed = [*demo.missed, *refused(logs), *_wrong(found)]
    given.report.write_text(json.dumps(found | {"wrong": missed}, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write("\n".join(missed or ["all is as it must be"]) + "\n")
    sys.exit(1 if missed else 0)


def demo_log(setup: Setup, number: int) -> Path:
    return setup.folder / f"data-{Component.OPERATOR}" / f"worker-{number}" / "worker.log"


def _wrong(found: Mapping[str, Any]) -> list[str]:
    must = {"conservation_holds": True, "contacts_twice": 0, "worker_restarts": 0}
    return [f"{name} is {found[name]}, not {value}" for name, value in must.items() if found[name] != value]


if __name__ == "__main__":
    main()
