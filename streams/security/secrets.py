"""The secrets of an installation, as files in one folder, for Compose and Kubernetes."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from streams.runtime.files import replace_secret
from streams.runtime.settings import SettingsError, secret_file
from streams.security.key_files import KEY_FILES, make_keys
from streams.security.rights import Component

SERVERS = ("kafka", "redis")
RECEIPT_CHANNELS = ("sms", "voice", "bank", "station")  # as in the path /receipts/NAME
RECEIPTS = "receipts-secret"
GATEWAYS = ("sms", "voice")  # the channels whose gateway is Quanzu's own: its file NAME-key has the channel's keys
OWN = (
    *("secret", "receipts-secret", "phones-key", "kafka-admin", "redis-replica", "redis-sentinel", "sentinels"),
    "grafana-admin",
)
"""`secret`: QUANZU_SECRET. `receipts-secret`: the keys of signatures, one for each channel and each bank. `phones-key`:
the key by which the console orders calls of operators' own telephones from the voice gateway. The others
are passwords: `kafka-admin` of the brokers' super user, `redis-replica` and `redis-sentinel` of these at Redis,
`sentinels` of clients at the Sentinels, `grafana-admin` of the administrator of Grafana."""


def names() -> tuple[str, ...]:
    """Return the file names of all secrets: the installation's, the gateways', each component's keys, and each
    component's passwords at each server.
    """
    of_servers = (f"{server}-{component}" for server in SERVERS for component in Component)
    return (*OWN, *map(gateway_key, GATEWAYS), *KEY_FILES, *of_servers)


def gateway_key(channel: str) -> str:
    """Return the name of the file with the keys of a channel's gateway: `CHANNEL-key`. It has the channel's keys of
    receipts-secret.
    """
    return f"{channel}-key"


def bank_signer(code: str) -> str:
    """Return the name that a bank's key has in QUANZU_RECEIPTS_SECRET. `code`: the bank's code in the table of
    institutions.
    """
    return f"bank/{code}"


def province_signer(code: str) -> str:
    """Return the name that another province's key has in QUANZU_RECEIPTS_SECRET. `code`: its code in
    QUANZU_PROVINCES.
    """
    return f"province/{code}"


def make(folder: Path, banks: Iterable[str] = ()) -> list[str]:
    """Create the missing secrets in `folder`, 256 random bits each. Return the names of the files that were created or
    changed; other files are unchanged.

    `banks`: codes of institutions. A key is added for each of them, and for each channel of RECEIPT_CHANNELS, that has
    none; `receipts-secret` is then returned with the number of added keys, such as "receipts-secret (2 keys)". A
    gateway's file is written anew if receipts-secret has other keys of its channel. Raises SettingsError if a file of
    keys is invalid, the file with all keys lacks a key that another file has, or the HSM cannot be used, and OSError if
    a file cannot be read or written.
    """
    derived = {*KEY_FILES, *map(gateway_key, GATEWAYS)}
    missing = [name for name in names() if name not in derived and not (folder / name).exists()]
    for name in missing:
        if name != RECEIPTS:
            secret_file(folder / name, secrets.token_hex(32))
    keys = make_keys(folder)
    added = _add_keys(folder / RECEIPTS, [*RECEIPT_CHANNELS, *map(bank_signer, banks)])
    grown = [f"{RECEIPTS} ({len(added)} keys)"] * bool(added and RECEIPTS not in missing)
    return missing + keys + grown + _write_gateway_keys(folder)


def _write_gateway_keys(folder: Path) -> list[str]:
    """Write the keys of each gateway as receipts-secret has them, one a line. Return the names of the changed files."""
    changed: list[str] = []
    for channel in GATEWAYS:
        file = folder / gateway_key(channel)
        keys = "\n".join(key for signer, key in _entries(folder / RECEIPTS) if signer == channel)
        if not file.exists() or file.read_text("utf-8") != keys:
            replace_secret(file, keys)
            changed.append(file.name)
    return changed


def _entries(file: Path) -> list[tuple[str, str]]:
    """Return the signers and keys in a file with QUANZU_RECEIPTS_SECRET, in its order; none if it does not exist."""
    text = file.read_text("utf-8") if file.exists() else ""
    entries = (each.strip().partition(":") for each in text.replace("\n", ",").split(","))
    return [(signer, key) for signer, _, key in entries if key]


def _add_keys(file: Path, signers: Sequence[str]) -> list[str]:
    """Add a line with a new key to `file` for each signer that has none (QUANZU_RECEIPTS_SECRET).
    Return these signers.
    """
    present = file.read_text("utf-8") if file.exists() else ""
    known = {signer for signer, _ in _entries(file)}
    added = [signer for signer in signers if signer not in known]
    lines = [present.rstrip("\n")] * bool(present) + [f"{signer}:{secrets.token_hex(32)}" for signer in added]
    if added:
        replace_secret(file, "\n".join(lines))
    return added


def passwords(folder: Path, server: str) -> Mapping[Component, str]:
    """Return each component's password at `server` (kafka or redis). Raises SettingsError, naming the file, if one is
    missing, and OSError if one cannot be read.
    """
    return {component: _read(folder / f"{server}-{component}") for component in Component}


def of_servers(folder: Path) -> Mapping[str, str]:
    """Return the Redis passwords of `replica` and `sentinel`, by these names. Raises SettingsError, naming the file, if
    one is missing, and OSError if one cannot be read.
    """
    return {name: _read(folder / f"redis-{name}") for name in ("replica", "sentinel")}


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        raise SettingsError(f"{file} is missing. Make it with `quanzu admin access secrets {file.parent}`") from None
