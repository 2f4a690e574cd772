"""The secrets of an installation, as files in one folder for Compose and Kubernetes."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from streams.runtime.settings import SettingsError, secret_file
from streams.security.rights import Component

SERVERS = ("kafka", "redis")
RECEIPT_CHANNELS = ("sms", "voice", "bank", "station")  # as in the path /receipts/NAME
OWN = ("secret", "receipts-secret", "kafka-admin", "redis-replica", "redis-sentinel", "sentinels", "grafana-admin")
"""`secret`: QUANZU_SECRET. `receipts-secret`: the keys of receipts' signatures, one for each channel. The others are
passwords: `kafka-admin` of the brokers' super user, `redis-replica` and `redis-sentinel` of these at Redis,
`sentinels` of clients at the Sentinels, `grafana-admin` of the administrator of Grafana."""


def names() -> tuple[str, ...]:
    """Return the file names of all secrets: the installation's, and each component's password at each server."""
    return (*OWN, *(f"{server}-{component}" for server in SERVERS for component in Component))


def make(folder: Path) -> list[str]:
    """Create the missing secrets, 256 random bits each, and return the created ones' names. Others stay unchanged."""
    missing = [name for name in names() if not (folder / name).exists()]
    for name in missing:
        secret_file(folder / name, _receipt_keys() if name == "receipts-secret" else secrets.token_hex(32))
    return missing


def _receipt_keys() -> str:
    """Return a key for the receipts of each channel, a line each (QUANZU_RECEIPTS_SECRET)."""
    return "\n".join(f"{channel}:{secrets.token_hex(32)}" for channel in RECEIPT_CHANNELS)


def passwords(folder: Path, server: str) -> Mapping[Component, str]:
    """Return each component's password at `server` (kafka or redis). Raises SettingsError naming a missing file."""
    return {component: _read(folder / f"{server}-{component}") for component in Component}


def of_servers(folder: Path) -> Mapping[str, str]:
    """Return the passwords of replicas and Sentinels at Redis. Raises SettingsError naming a missing file."""
    return {name: _read(folder / f"redis-{name}") for name in ("replica", "sentinel")}


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        raise SettingsError(f"{file} is missing. Make it with `quanzu admin access secrets {file.parent}`") from None
