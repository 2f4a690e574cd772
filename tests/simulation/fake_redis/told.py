"""What the simulated Redis tells of itself: INFO, and the settings that CONFIG GET gives."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.fake_redis.core import SimRedis

_RUN_ASKED = {(b"server", b"replication")}
USED, MAXIMUM = 1_000_000, 100_000_000  # bytes; all of them where the server is full


def information(server: "SimRedis", sections: Sequence[bytes]) -> bytes:
    """INFO's reply: the sections asked for, or all that there are."""
    if tuple(sections) in _RUN_ASKED and not (server.links or server.primary or server.min_replicas):
        return _run_told(server.run_id, server.replid, server.replid2) + b"%d\r\n" % server.offset
    wanted = [name.lower() for name in sections] or list(_SECTIONS)
    if b"all" in wanted or b"everything" in wanted or b"default" in wanted:
        wanted = list(_SECTIONS)
    told = [_SECTIONS[name](server) for name in _SECTIONS if name in wanted]
    return "\r\n".join(told).encode()


@lru_cache(maxsize=64)
def _run_told(run_id: str, replid: str, replid2: str) -> bytes:
    """What each script and each batch asks for, up to the offset."""
    return (
        f"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:{run_id}\r\ntcp_port:6379\r\n\r\n"
        "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n"
        f"master_replid:{replid}\r\nmaster_replid2:{replid2}\r\nmaster_repl_offset:"
    ).encode()


def _server(server: "SimRedis") -> str:
    return f"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:{server.run_id}\r\ntcp_port:6379\r\n"


def _memory(server: "SimRedis") -> str:
    used = MAXIMUM if server.full else USED
    return f"# Memory\r\nused_memory:{used}\r\nmaxmemory:{MAXIMUM}\r\nmaxmemory_policy:noeviction\r\n"


def _persistence(_server: "SimRedis") -> str:
    return (
        "# Persistence\r\nloading:0\r\nrdb_last_bgsave_status:ok\r\naof_enabled:1\r\naof_last_bgrewrite_status:ok\r\n"
        "aof_last_write_status:ok\r\n"
    )


def _replication(server: "SimRedis") -> str:
    lines = ["# Replication", f"role:{'slave' if server.primary else 'master'}"]
    if server.primary:
        up = any(link.replica is server and link.up for link in server.primary.links)
        lines += ["master_host:primary", "master_port:6379", f"master_link_status:{'up' if up else 'down'}"]
        lines += [f"slave_repl_offset:{server.offset}", "slave_read_only:1"]
    lines.append(f"connected_slaves:{sum(link.up for link in server.links)}")
    if server.min_replicas and server.primary is None:
        lines.append(f"min_slaves_good_slaves:{server.good_replicas}")
    for number, link in enumerate(server.links):
        where = f"ip={link.replica.name},port=6379,state=online,offset={link.applied},lag=0"
        lines.append(f"slave{number}:{where}")
    lines += ["master_failover_state:no-failover", f"master_replid:{server.replid}"]
    lines += [f"master_replid2:{server.replid2}", f"master_repl_offset:{server.offset}", ""]
    return "\r\n".join(lines)


_SECTIONS: dict[bytes, Callable[["SimRedis"], str]] = {
    b"server": _server,
    b"memory": _memory,
    b"persistence": _persistence,
    b"replication": _replication,
}


def settings_of(server: "SimRedis") -> dict[bytes, bytes]:
    """What CONFIG GET knows."""
    return {
        b"maxmemory": b"%d" % MAXIMUM,
        b"maxmemory-policy": b"noeviction",
        b"appendonly": b"yes",
        b"appendfsync": b"everysec",
        b"save": b"",
        b"timeout": b"0",
        b"min-replicas-to-write": b"%d" % server.min_replicas,
        b"min-replicas-max-lag": b"10",
    }
