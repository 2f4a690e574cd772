"""Reads the files that the configuration names: secrets and certificates."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from streams.gateways.configured_files import signing_keys, trusting
from streams.gateways.voice.asterisk.table import AsteriskTable
from streams.gateways.voice.configuration import ConfigurationFault, TrunkTable, VoiceConfiguration
from streams.runtime.secret_files import FileFaultError, read_secret

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class VoiceSecrets:
    """The content of the files that the configuration names.

    `keys`: of orders and receipts, the current one first; `password`: of the trunk, None without a login; `context`:
    for TLS to the trunk, None without TLS; `operators`: the same of the exchange of operators' telephones; `asterisk`:
    the same of Asterisk, None if no calls go through it.
    """

    keys: tuple[bytes, ...]
    password: str | None
    context: ssl.SSLContext | None
    operators: "VoiceSecrets | None" = None
    asterisk: "VoiceSecrets | None" = None


def read_secrets(given: VoiceConfiguration) -> tuple[VoiceSecrets, list[ConfigurationFault]]:
    """Return (the secrets, the faults of the files of keys, passwords and certificates that the configuration names).
    The certificate and key of [orders] are not read. A file that is missing or unusable is a fault, not an exception.
    If there is a fault, do not use the secrets.
    """
    faults: list[ConfigurationFault] = []
    key = given.orders.secret_file
    if given.trunk is not None:
        found = _secrets(given.trunk, "trunk", key, "orders", faults)
    else:
        found = VoiceSecrets(_keys(key, "orders", faults), None, None)
    if (exchange := given.asterisk) is not None:
        found = replace(found, asterisk=_of_asterisk(exchange, found.keys, faults))
    if (desk := given.operators) is not None:
        found = replace(found, operators=_secrets(desk, "operators", desk.secret_file, "operators", faults))
    return found, faults


def _secrets(
    peer: TrunkTable, table: str, secret_file: Path, orders: str, faults: list[ConfigurationFault]
) -> VoiceSecrets:
    """Return the secrets of a SIP peer, of the table `table`, and of the orders of the table `orders`."""
    keys = _keys(secret_file, orders, faults)
    word = peer.password_file
    password = _used(f"[{table}] password_file", word, lambda: read_secret(word), faults) if word else None
    context = _used(f"[{table}] ca, certificate", peer.ca, lambda: _context(peer), faults)
    return VoiceSecrets(keys, password, context)


def _of_asterisk(given: AsteriskTable, keys: tuple[bytes, ...], faults: list[ConfigurationFault]) -> VoiceSecrets:
    word, ca = given.password_file, given.ca
    password = _used("[asterisk] password_file", word, lambda: read_secret(word), faults)
    context = _used("[asterisk] ca", ca, lambda: trusting(ca), faults) if given.is_encrypted else None
    return VoiceSecrets(keys, password, context)


def _keys(secret_file: Path, table: str, faults: list[ConfigurationFault]) -> tuple[bytes, ...]:
    return _used(f"[{table}] secret_file", secret_file, lambda: signing_keys(secret_file, "voice"), faults) or ()


def _context(trunk: TrunkTable) -> ssl.SSLContext | None:
    """Return the TLS context: the trunk's certificate must be of a known authority and for its host name."""
    return trusting(trunk.ca, trunk.certificate, trunk.key) if trunk.transport == "tls" else None


def _used(place: str, file: Path | None, read: Callable[[], Value], faults: list[ConfigurationFault]) -> Value | None:
    try:
        return read()
    except FileFaultError as error:
        faults.append(ConfigurationFault(error.code, place, f"{file}: {error.words}", error.fix))
        return None
