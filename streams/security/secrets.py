"""The secrets of an installation, as files in one folder, for Compose and Kubernetes."""

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from streams.runtime.settings import SettingsError, secret_file
from streams.security.rights import Component

SERVERS = ("kafka", "redis")
RECEIPT_CHANNELS = ("sms", "voice", "bank", "station")  # as in the path /receipts/NAME
RECEIPTS = "receipts-secret"
OWN = ("secret", "receipts-secret", "kafka-admin", "redis-replica", "redis-sentinel", "sentinels", "grafana-admin")
"""`secret`: QUANZU_SECRET. `receipts-secret`: the keys of signatures, one for each channel and each bank. The others
are passwords: `kafka-admin` of the brokers' super user, `redis-replica` and `redis-sentinel` of these at Redis,
`sentinels` of clients at the Sentinels, `grafana-admin` of the administrator of Grafana."""


def names() -> tuple[str, ...]:
    """Return the file names of all secrets: the installation's, and each component's password at each server."""
    return (*OWN, *(f"{server}-{component}" for server in SERVERS for component in Component))


def bank_signer(code: str) -> str:
    """Return the name that a bank's key has in QUANZU_RECEIPTS_SECRET. `code`: the bank's code in the table of
    institutions.
    """
    return f"bank/{code}"


def make(folder: Path, banks: Iterable[str] = ()) -> list[str]:
    """Create the missing secrets in `folder`, 256 random bits each. Return the names of those created; others are
    unchanged.

    `banks`: codes of institutions. A key is added for each of them that has none.
    """
    missing = [name for name in names() if not (folder / name).exists()]
    for name in missing:
        if name != RECEIPTS:
            secret_file(folder / name, secrets.token_hex(32))
    added = _add_keys(folder / RECEIPTS, [*RECEIPT_CHANNELS, *map(bank_signer, banks)])
    return missing + [f"{RECEIPTS} ({len(added)} keys)"] * bool(added and RECEIPTS not in missing)


def _add_keys(file: Path, signers: Sequence[str]) -> list[str]:
    """Add a line with a new key to `file` for each signer that has none (QUANZU_RECEIPTS_SECRET).
    Return these signers.
    """
    present = file.read_text("utf-8") if file.exists() else ""
    known = {entry.strip().partition(":")[0] for entry in present.replace("\n", ",").split(",")}
    added = [signer for signer in signers if signer not in known]
    lines = [present.rstrip("\n")] * bool(present) + [f"{signer}:{secrets.token_hex(32)}" for signer in added]
    if added:
        made = file.with_name(f".{file.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text("\n".join(lines), "utf-8")
        made.replace(file)
    return added


def passwords(folder: Path, server: str) -> Mapping[Component, str]:
    """Return each component's password at `server` (kafka or redis). Raises SettingsError that names a missing file."""
    return {component: _read(folder / f"{server}-{component}") for component in Component}


def of_servers(folder: Path) -> Mapping[str, str]:
    """Return the Redis passwords of `replica` and `sentinel`. Raises SettingsError that names a missing file."""
    return {name: _read(folder / f"redis-{name}") for name in ("replica", "sentinel")}


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        raise SettingsError(f"{file} is missing. Make it with `quanzu admin access secrets {file.parent}`") from None
