"""Reads the files that the configuration names: secrets and certificates."""

import ssl
from pathlib import Path

from streams.gateways.voice.configuration import (
    LEAST_SECRET,
    MOST_SECRETS,
    ConfigurationFault,
    TrunkTable,
    VoiceConfiguration,
    VoiceSecrets,
)


def read_secrets(given: VoiceConfiguration) -> tuple[VoiceSecrets, list[ConfigurationFault]]:
    """Return the secrets, and the faults of the files. With a fault, the secrets are not to be used."""
    faults: list[ConfigurationFault] = []
    keys = _keys(given.orders.secret_file, faults)
    password_file = given.trunk.password_file
    password = _text("[trunk] password_file", password_file, faults) if password_file else None
    return VoiceSecrets(keys, password, _context(given.trunk, faults)), faults


def _keys(file: Path, faults: list[ConfigurationFault]) -> tuple[bytes, ...]:
    place = "[orders] secret_file"
    keys = _text(place, file, faults).split()
    if keys and (len(keys) > MOST_SECRETS or any(len(key) < LEAST_SECRET for key in keys)):
        fix = "write one line, made with `openssl rand -hex 32`, and a second one only while it is exchanged"
        words = f"{file} has not one or two keys of at least {LEAST_SECRET} characters"
        faults.append(ConfigurationFault("weak_secret", place, words, fix))
    return tuple(key.encode() for key in keys)


def _text(place: str, file: Path, faults: list[ConfigurationFault]) -> str:
    fix = "name the file that holds the secret, and let this user alone read it"
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        faults.append(ConfigurationFault("unreadable_secret", place, f"{file} cannot be read ({why})", fix))
        return ""
    if not text:
        faults.append(ConfigurationFault("empty_secret", place, f"{file} is empty", fix))
    elif file.stat().st_mode & 0o007:
        words = f"{file} can be read by every user of this machine"
        faults.append(ConfigurationFault("open_secret", place, words, f"run `chmod o-rwx {file}`"))
    return text


def _context(trunk: TrunkTable, faults: list[ConfigurationFault]) -> ssl.SSLContext | None:
    """Return the TLS context: the trunk's certificate must be of a known authority and for its host name."""
    if trunk.transport != "tls":
        return None
    try:
        context = ssl.create_default_context(cafile=trunk.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if trunk.certificate:
            context.load_cert_chain(trunk.certificate, trunk.key)
    except (OSError, ssl.SSLError) as error:
        fix = "name PEM files: ca of the trunk's authority; certificate and key of this end, without a pass phrase"
        faults.append(ConfigurationFault("bad_certificate", "[trunk] ca, certificate", str(error), fix))
        return None
    return context
