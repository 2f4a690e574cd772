"""Known vulnerabilities of Redis and Valkey that concern an installation, and the versions that fix them.

A server reports its version but not what a distribution has patched in it. A finding is therefore a warning: no worker
refuses to start. Only vulnerabilities that a client may use over the network are listed, and only those that no setting
of deploy/redis excludes. Sources: the CVE records, and the projects' release notes. Kafka's clients cannot read the
version of a broker: docs/how-to/release.md names the versions.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.runtime.setting_faults import Wrong

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Advisory:
    """A known vulnerability of one server program.

    `cve`: its number; `server`: "redis" or "valkey"; `what`: what an attacker can do; `fixed`: the first version with
    the fix in each release line, oldest line first. A line that is not in `fixed` has no fix if it is older than the
    last one there, and is not vulnerable if it is newer. Versions before `since` are not judged.
    """

    cve: str
    server: str
    what: str
    fixed: tuple[Version, ...]
    since: Version = (0, 0, 0)


ADVISORIES = (
    Advisory(
        "CVE-2026-81934",  # CISA VA-26-239-01
        "redis",
        "a client that is not signed in runs code through the TLS port",
        ((6, 2, 24), (7, 2, 16), (7, 4, 11), (8, 2, 9), (8, 4, 6), (8, 6, 6), (8, 8, 2), (8, 10, 1)),
    ),
    Advisory(
        "CVE-2025-49844",  # GHSA-4789-qfc9-5f9q
        "redis",
        "a user who may run scripts, as each component may, runs code on the server",
        ((6, 2, 20), (7, 2, 11), (7, 4, 6), (8, 0, 4), (8, 2, 2)),
    ),
    Advisory(
        "CVE-2026-56684",  # release notes of 8.0.10, 8.1.9, 9.0.5, 9.1.1
        "valkey",
        "a user who may end connections runs code through the TLS port",
        ((8, 0, 10), (8, 1, 9), (9, 0, 5), (9, 1, 1)),
        since=(8, 0, 0),
    ),
    Advisory(
        "CVE-2025-49844",  # release notes of 8.1.4
        "valkey",
        "a user who may run scripts, as each component may, runs code on the server",
        ((7, 2, 11), (8, 0, 6), (8, 1, 4)),
    ),
)


def vulnerable(info: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield a warning for each known vulnerability of a server's version.

    `info`: the answer to INFO server, by field.

    A version that does not begin with three numbers is not judged.
    """
    server = str(info.get("server_name", "redis"))
    told = str(info.get("valkey_version") or info.get("redis_version", ""))
    if version := _numbers(told):
        yield from (_wrong(told, each) for each in ADVISORIES if each.server == server and _open(version, each))


def _numbers(told: str) -> Version | None:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _open(version: Version, advisory: Advisory) -> bool:
    """Return whether a version lacks the fix: it is older in its line, or its line has none and a later one has."""
    own = [each for each in advisory.fixed if each[:2] == version[:2]]
    return advisory.since <= version < (own[0] if own else advisory.fixed[-1])


def _wrong(told: str, advisory: Advisory) -> Wrong:
    versions = ", ".join(".".join(map(str, each)) for each in advisory.fixed)
    what = f"{advisory.server} {told} is older than the fix of {advisory.cve}: {advisory.what}"
    do = (
        f"Install one of {versions} or a later one, on the primary, its replicas, the Sentinels and the vault. "
        "If your distribution has patched its own version, its advisory names this CVE"
    )
    return Wrong(what, do, warns=True)
