"""A copy of deploy/ in a folder of its own, with its settings, and the containers that are started from it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streams.intake.settings import make_key

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
FEEDS = ("bank", "police")
CARRIER = "smpp.carrier.example"
PASSWORD = "carrier1"
NETWORK = "quanzu_line"
READY = ("python", "-m", "streams.probe", "http://127.0.0.1:9464/readyz")


@dataclass
class Stack:
    """The installation. `folder`: what is made for it; `image`: Quanzu's; `keys`: each feed's."""

    folder: Path
    image: str
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def deploy(self) -> Path:
        """The copy of deploy/."""
        return self.folder / "deploy"

    def prepare(self) -> None:
        """Write what an operator writes: the settings, the carrier's account, and the feeds' keys and certificates.

        Raises CalledProcessError if an image is missing, RuntimeError if the machine has an installation: its
        containers and volumes have the same names, and would be removed at the end.
        """
        project = ("--filter", "label=io.podman.compose.project=quanzu")
        for kind in (["ps", "--all"], ["volume", "ls"]):
            if self.ran(["podman", *kind, "--quiet", *project]).strip():
                raise RuntimeError(
                    "this machine has an installation (podman ps --all, podman volume ls): try it elsewhere"
                )
        shutil.copytree(DEPLOY, self.deploy, ignore=shutil.ignore_patterns(".env", "secrets", "certificates"))
        digests = {"DIGEST_OF": str(DEPLOY / "images" / "digest.sh")}
        lines = self.ran([str(DEPLOY / "images.sh")], digests)
        entries = []
        for feed in FEEDS:
            self.keys[feed], entry = make_key(feed)
            entries.append(entry)
        settings = {
            "TRIAL": "1",
            "QUANZU_IMAGE": self.image,
            "QUANZU_LISTEN": "127.0.0.1",
            "COMPOSE_PROFILES": "sms",
            "QUANZU_SMS_URL": "https://gateway-sms:8090",
            "QUANZU_SMS_REFUSALS": "503",
            "QUANZU_API_KEYS": ",".join(entries),
        }
        text = lines + "".join(f"{name}={value}\n" for name, value in settings.items())
        (self.deploy / ".env").write_text(text)
        gateway = self.deploy / "gateways" / "gateway.toml"
        gateway.write_text(gateway.read_text() + 'ca = "/run/secrets/ca.pem"\n')
        (self.deploy / "secrets").mkdir(mode=0o750)
        (self.deploy / "secrets" / "carrier-main").write_text(PASSWORD)
        (self.deploy / "secrets" / "carrier-main").chmod(0o440)
        # The first call makes the certificates of compose.yaml too, which names of its own leave out.
        for names in ([], [CARRIER, *FEEDS]):
            self.ran([str(DEPLOY / "certificates.sh"), str(self.deploy / "certificates"), *names])

    def ran(self, command: list[str], more: Mapping[str, str] | None = None) -> str:
        """Return what a command printed. Raises CalledProcessError if it failed, with its errors on our own."""
        environment = {**os.environ, "QUANZU": f"{sys.executable} {ROOT / 'quanzu.py'}", **(more or {})}
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True, cwd=self.folder)
        return done.stdout

    def script(self, *words: str) -> str:
        """Return what stack.sh printed."""
        return self.ran([str(self.deploy / "stack.sh"), *words])

    def operator(self, *words: str) -> str:
        """Return what a command of Quanzu's printed, in a container of the operator's with our folder `exchange`."""
        exchange = self.folder / "exchange"
        exchange.mkdir(exist_ok=True)
        exchange.chmod(0o777)
        once = ["podman-compose", "--file", str(self.deploy / "compose.yaml"), "run", "--rm", "--no-deps", "-T"]
        return self.ran([*once, "--volume", f"{exchange}:/exchange", "topics", *words])

    def container(self, service: str) -> str:
        """Return the id of a service's container. Raises LookupError if there is none."""
        filters = ("label=io.podman.compose.project=quanzu", f"label=com.docker.compose.service={service}")
        asked = ["podman", "ps", "--quiet", *(word for each in filters for word in ("--filter", each))]
        found = self.ran(asked).split()
        if len(found) != 1:
            raise LookupError(f"{service} has {len(found)} running containers")
        return found[0]

    def kill(self, service: str) -> None:
        """Kill a service's first process from outside, as a fault does; its restart policy starts it again."""
        pid = self.ran(["podman", "inspect", "--format", "{{.State.Pid}}", self.container(service)])
        os.kill(int(pid), signal.SIGKILL)

    def ready(self, service: str, seconds: float) -> None:
        """Return when a service is healthy and, if it is a worker, ready. Raises TimeoutError if it is not in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                asked = [["podman", "healthcheck", "run", self.container(service)]]
                if service.startswith("worker-"):
                    asked.append(["podman", "exec", self.container(service), *READY])
                if not any(subprocess.run(each, check=False, capture_output=True).returncode for each in asked):
                    return
            except LookupError:
                pass
            time.sleep(1)
        raise TimeoutError(f"{service} is not ready after {seconds:.0f} s")

    def rights(self) -> dict[str, list[str]]:
        """Return by container what it has that it must not: root, capabilities, a root file system to write to."""
        wrong: dict[str, list[str]] = {}
        names = self.ran(["podman", "ps", "--quiet", "--filter", "label=io.podman.compose.project=quanzu"]).split()
        shown = "{{.Name}} {{.State.Pid}} {{.HostConfig.ReadonlyRootfs}}"
        for each in names:
            name, pid, read_only = self.ran(["podman", "inspect", "--format", shown, each]).split()
            status = dict(
                line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
            )
            found = [] if read_only == "true" else ["writable root"]
            found += ["root"] if "0" in status["Uid"].split() else []
            found += [kind for kind in ("CapEff", "CapPrm", "CapBnd") if int(status[kind], 16)]
            found += [] if status["NoNewPrivs"].strip() == "1" else ["may gain privileges"]
            found += [] if status["Seccomp"].strip() == "2" else ["no seccomp"]
            wrong[name] = found
        return wrong
