"""The secrets of an installation as files in one folder: what compose and Kubernetes hand to the processes."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from streams.runtime.settings import SettingsError, kept
from streams.security.rights import Component

SERVERS = ("kafka", "redis")
OWN = ("secret", "receipts-secret", "kafka-admin", "redis-replica", "redis-sentinel", "sentinels", "grafana-admin")
"""`secret`: QUANZU_SECRET. `kafka-admin`: of the brokers' super user. `redis-replica`, `redis-sentinel`: by which
these come to Redis. `sentinels`: by which whoever asks the Sentinels comes to them. `grafana-admin`: of the boards'
administrator."""


def names() -> tuple[str, ...]:
    """Every secret's file: those of the installation, and a password at each server for each component."""
    return (*OWN, *(f"{server}-{component}" for server in SERVERS for component in Component))


def make(folder: Path) -> list[str]:
    """Make what is missing, 256 random bits each, and return its names. What is there stays."""
    missing = [name for name in names() if not (folder / name).exists()]
    for name in missing:
        kept(folder / name, secrets.token_hex(32))
    return missing


def passwords(folder: Path, server: str) -> Mapping[Component, str]:
    """Each component's password at `kafka` or `redis`. Raises SettingsError that names the file that is missing."""
    return {component: _read(folder / f"{server}-{component}") for component in Component}


def of_servers(folder: Path) -> Mapping[str, str]:
    """The passwords by which replicas and Sentinels come to Redis. Raises as `passwords` does."""
    return {name: _read(folder / f"redis-{name}") for name in ("replica", "sentinel")}


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        raise SettingsError(f"{file} is missing. Make it with `quanzu admin access secrets {file.parent}`") from None
