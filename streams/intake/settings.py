"""What the ways in may be set to, and the keys of the feeds."""

import contextlib
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from streams.runtime.files import Changes
from streams.runtime.secret_files import Environment
from streams.runtime.settings import Settings, SettingsError, kept
from streams.runtime.tls import Tls

log = logging.getLogger(__name__)

Entries = list[tuple[str, str]]
"""Whose key, and its hash."""
_ENTRY = re.compile(r"([a-z0-9][a-z0-9._-]{0,31}|\*):([0-9a-f]{64})")

HOW_TO_KEY = (
    "Make a key for each source with `quanzu admin access key SOURCE`, give it to the feed, and set "
    "QUANZU_API_KEYS=source:hash,source:hash to the lines that it prints"
)


class IntakeSettings(Environment):
    """Each field is QUANZU_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="QUANZU_", frozen=True, env_ignore_empty=True)

    api_keys: str | None = Field(
        None, description="The feeds' keys: source:sha256-of-key, separated by commas or lines, or @ and a file of them"
    )
    operator_keys: str | None = Field(
        None, description="The keys of who may handle dead letters over HTTP: name:sha256-of-key, ... Unset: nobody may"
    )
    intake_host: str = Field("127.0.0.1", description="The address that intake listens on; 0.0.0.0: all")
    intake_certificate: Path | None = Field(
        None, description="Intake's certificate with its chain (PEM), to be served over TLS. Unset: openly"
    )
    intake_key: Path | None = Field(None, description="The file of the certificate's key (PEM)")
    intake_client_ca: Path | None = Field(
        None,
        description="Who vouches for the feeds' certificates (PEM): then a feed needs one that names its source, "
        "besides its key. Unset: the key is enough",
    )
    intake_metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of intake's metrics; 0: none. Without it conservation is not watched"
    )
    rate: str = Field("20000/second", description="Signals that one source may send, such as 20000/second")
    rate_store: Literal["memory", "redis"] = Field(
        "memory", description="Where the rate is counted: in each process, or in Redis for all of them together"
    )


def tls(intake: IntakeSettings) -> Tls:
    """What intake is served with."""
    return Tls("QUANZU_INTAKE", intake.intake_certificate, intake.intake_key, intake.intake_client_ca)


def sources(settings: Settings) -> set[str]:
    """The sources that are configured: those named, and those that have a key in this process's environment."""
    named = {name.strip() for name in (settings.sources or "").split(",") if name.strip()}
    with contextlib.suppress(SettingsError, ValidationError):  # intake refuses to start on these; a worker need not
        named |= {source for source, _ in _entries(IntakeSettings().api_keys or "")}
    return named - {"*"}


@dataclass(frozen=True, slots=True)
class Feed:
    """Who holds a key. `source` None: may send for any source (embedded only)."""

    source: str | None

    def may_send(self, source: str) -> bool:
        return self.source in (None, source)


class Keys:
    """The keys of the feeds, known by their hashes only."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def feed(self, key: str) -> Feed | None:
        """Whose key it is. All hashes are compared, each in constant time: nothing is learnt from how long it took."""
        presented = hash_of_key(key)
        fitting = [source for source, known in self._entries if hmac.compare_digest(known, presented)]
        return Feed(None if fitting[0] == "*" else fitting[0]) if fitting else None


class KeysOfFile(Keys):
    """Keys in a file: what is written into it counts from the next request on. While it cannot be read, as before."""

    def __init__(self, file: Path, read: Callable[[], Entries]) -> None:
        self._changes, self._read = Changes(file), read
        super().__init__(read())

    def feed(self, key: str) -> Feed | None:
        if self._changes.any():
            try:
                self._entries = self._read()
            except SettingsError as error:
                log.warning("the keys that were read before stay in force: %s", error)
        return super().feed(key)


def load() -> IntakeSettings:
    """Read the settings from the environment. Raises SettingsError naming the variable that is wrong."""
    try:
        return IntakeSettings()
    except ValidationError as error:
        lines = [f"QUANZU_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:  # of a file that holds a secret
        raise SettingsError(str(error)) from None


def make_key(source: str) -> tuple[str, str]:
    """A new key for a source, and its entry for QUANZU_API_KEYS. The key itself is kept nowhere: hand it on.

    Raises SettingsError for a source that no signal could have.
    """
    key = secrets.token_urlsafe(32)
    return key, entry_of(source, key)


def entry_of(source: str, key: str) -> str:
    """A key's entry for QUANZU_API_KEYS. Raises as `make_key` does."""
    entry = f"{source}:{hash_of_key(key)}"
    if not _ENTRY.fullmatch(entry) or source == "*":
        raise SettingsError(f"source {source!r}: write small letters, digits, '.', '_' and '-', at most 32")
    return entry


def hash_of_key(key: str) -> str:
    """A key is 256 random bits, so a plain hash cannot be tried through."""
    return hashlib.sha256(key.encode()).hexdigest()


def keys_for(settings: Settings, intake: IntakeSettings) -> Keys:
    """The keys in force. Embedded and with none set, one for all sources is made and kept (`embedded_key`).

    Raises SettingsError when an entry cannot be read, or when there is none.
    """
    given = intake.api_keys
    if given is None and settings.embedded:
        return Keys([("*", hash_of_key(embedded_key(settings)))])
    if given is None:
        raise SettingsError(f"QUANZU_API_KEYS is not set: nobody could send a signal. {HOW_TO_KEY}")
    return _keys(given, lambda: _feeds(given, settings))


def _keys(given: str, read: Callable[[], Entries]) -> Keys:
    return KeysOfFile(Path(given[1:]), read) if given.startswith("@") else Keys(read())


def _feeds(given: str, settings: Settings) -> Entries:
    entries = _entries(given)
    if any(source == "*" for source, _ in entries) and not settings.embedded:
        raise SettingsError("QUANZU_API_KEYS: a key for all sources (*) is for trying out. Name the source")
    if not entries:
        raise SettingsError(f"QUANZU_API_KEYS holds no key: nobody could send a signal. {HOW_TO_KEY}")
    return entries


def operator_keys(settings: Settings, intake: IntakeSettings) -> Keys | None:
    """The keys of who may handle dead letters; none: nobody may. Embedded, one is made and kept in the data folder.

    Raises SettingsError when an entry cannot be read.
    """
    given = intake.operator_keys
    if given is None:
        key = kept(settings.data / "operator-key", secrets.token_urlsafe(32)) if settings.embedded else None
        return Keys([("operator", hash_of_key(key))]) if key else None
    return _keys(given, lambda: _operators(given))


def _operators(given: str) -> Entries:
    entries = _entries(given, "QUANZU_OPERATOR_KEYS")
    if any(name == "*" for name, _ in entries):
        raise SettingsError("QUANZU_OPERATOR_KEYS: a name is kept with what is done. Write each one's own, not *")
    return entries


def embedded_key(settings: Settings) -> str:
    """The key of an installation for trying out, kept in its data folder, readable by its owner only."""
    return kept(settings.data / "api-key", secrets.token_urlsafe(32))


def _entries(given: str, variable: str = "QUANZU_API_KEYS") -> Entries:
    return [_entry(number, text, variable) for number, text in enumerate(_texts(given, variable), start=1)]


def _texts(given: str, variable: str) -> list[str]:
    if given.startswith("@"):
        try:
            given = Path(given[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable}: the file cannot be read: {error}") from None
    lines = [line for line in given.splitlines() if not line.lstrip().startswith("#")]
    return [text.strip() for line in lines for text in line.split(",") if text.strip()]


def _entry(number: int, text: str, variable: str) -> tuple[str, str]:
    match = _ENTRY.fullmatch(text)
    if match is None:  # the text is not shown: it may be the key itself, put here by mistake
        raise SettingsError(f"{variable}, entry {number}: write source:sha256-of-key, the hash as 64 hex digits")
    return match[1], match[2]
