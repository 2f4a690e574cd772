"""The programs that are measured, each as its documents say to start it."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
VENV = HERE / ".venv"  # Quix Streams' own: it asks for an older librdkafka than confluent-kafka's own peer has
LOCK = HERE / "quix.lock"
BYTEWAX_UNTIL = (3, 12)  # it has no wheel for a later Python


@dataclass(frozen=True, slots=True)
class Program:
    """`state`: where it keeps it. `framework`: whether it does so by its own means, so that it survives a kill.

    `module`: and its arguments.
    """

    name: str
    title: str
    state: str
    module: str
    framework: bool = False

    def command(self, folder: Path) -> Sequence[str]:
        """What starts it; `folder` is its own and empty."""
        if self.name == "bytewax":
            subprocess.run([sys.executable, "-m", "bytewax.recovery", str(folder), "1"], check=True)
            flow = f"{self.module}:flow"
            return [sys.executable, "-m", "bytewax.run", flow, "-r", str(folder), "-s", "1", "-b", "0"]
        python = VENV / "bin" / "python" if self.name == "quix" else sys.executable
        return [str(python), "-W", "ignore", "-m", *self.module.split()]


PROGRAMS = tuple(
    Program(name, title, state, f"tests.tools.bench.{module}", framework)
    for name, title, state, module, framework in (
        ("quanzu", "Quanzu's screening", "Redis", "worker screening", False),
        ("faust", "Faust, Tables", "RocksDB, changelog topics", "peers.faust_tables", True),
        ("quix", "Quix Streams, state", "RocksDB, changelog topic", "peers.quix_state", True),
        ("bytewax", "Bytewax, recovery", "memory, snapshots in SQLite", "peers.bytewax_recovery", True),
        ("aiokafka_memory", "aiokafka's getmany", "memory, lost when killed", "peers.aiokafka_memory", False),
        ("aiokafka_redis", "aiokafka's getmany", "Redis", "peers.aiokafka_redis", False),
        ("confluent_redis", "confluent-kafka's consume", "Redis", "peers.confluent_redis", False),
    )
)


def runnable() -> list[Program]:
    """All of them, with what they need installed; but not Bytewax where there is none for this Python."""
    _install_quix()
    return [each for each in PROGRAMS if each.name != "bytewax" or sys.version_info[:2] <= BYTEWAX_UNTIL]


def started(program: Program, environment: Mapping[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    """Start it; it ends with this process."""
    folder.mkdir(parents=True)
    command = ["setpriv", "--pdeathsig", "KILL", *program.command(folder)]
    with (folder.parent / f"{folder.name}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=log, stderr=log)


def _install_quix() -> None:
    """Make its environment, unless it is what the lock says."""
    stamp, wanted = VENV / ".installed", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, VENV], check=True)
    sync = [str(uv), "pip", "sync", "--quiet", "--python", str(VENV / "bin" / "python"), "--require-hashes", str(LOCK)]
    subprocess.run(sync, check=True)
    stamp.write_text(wanted)
