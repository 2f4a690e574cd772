"""The settings of intake, and the API keys of feeds and of people who handle dead letters."""

import contextlib
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from domain.risk.sharing import LEVELS
from schemas.risk.sharing import Tlp
from streams.runtime.files import Changes
from streams.runtime.secret_files import Environment
from streams.runtime.settings import Settings, SettingsError, secret_file
from streams.runtime.tls import Tls

log = logging.getLogger(__name__)

Entries = list[tuple[str, str]]
"""Pairs of a source (or a person's name) and the SHA-256 of its key, in hex."""
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_ENTRY = re.compile(r"([a-z0-9][a-z0-9._-]{0,31}|\*):([0-9a-f]{64})")

HOW_TO_KEY = (
    "Make a key for each source with `quanzu admin access key SOURCE`, give it to the feed, and set "
    "QUANZU_API_KEYS=source:hash,source:hash to the lines that it prints"
)


class IntakeSettings(Environment):
    """The settings of intake; the environment variable of a field is QUANZU_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="QUANZU_", frozen=True, env_ignore_empty=True)

    api_keys: str | None = Field(
        None, description="The feeds' keys: source:sha256-of-key, separated by commas or lines, or @ and a file of them"
    )
    operator_keys: str | None = Field(
        None, description="The keys of people who may handle dead letters over HTTP: name:sha256, ... Unset: nobody may"
    )
    intake_host: str = Field("127.0.0.1", description="The address that intake listens on; 0.0.0.0: all")
    intake_certificate: Path | None = Field(
        None, description="Intake's certificate with its chain (PEM), to serve it over TLS. Unset: without TLS"
    )
    intake_key: Path | None = Field(None, description="The file of the certificate's key (PEM)")
    intake_client_ca: Path | None = Field(
        None,
        description="The CA of the feeds' certificates (PEM): a feed then needs a certificate that names its source, "
        "besides its key. Unset: the key is enough",
    )
    intake_metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of intake's metrics; 0: none. Without it conservation is not watched"
    )
    rate: str = Field("20000/second", description="Signals that one source may send, such as 20000/second")
    payee_checks: str | None = Field(
        None, description="The sources that may ask about payees before they pay, separated by commas. Unset: none may"
    )
    payee_check_rate: str = Field(
        "2000/second", description="Payees that one source may ask about, such as 2000/second"
    )
    sharing: str | None = Field(
        None,
        description="The centres that suspects are shared with over TAXII 2.1, each with the widest mark that it may "
        "read (clear, green or amber): liaoning:amber,heilongjiang:green. Each needs a key in QUANZU_API_KEYS. Unset: "
        "nothing is shared",
    )
    sharing_name: str | None = Field(
        None, max_length=128, description="The name under which this centre shares suspects: its identity in STIX"
    )
    rate_store: Literal["memory", "redis"] = Field(
        "memory", description="Where the rates are counted: in each process, or in Redis for all of them together"
    )


def tls(intake: IntakeSettings) -> Tls:
    """Return intake's TLS settings; without a certificate and a key, they mean no TLS. No file is read."""
    return Tls("QUANZU_INTAKE", intake.intake_certificate, intake.intake_key, intake.intake_client_ca)


def may_check_payees(intake: IntakeSettings) -> frozenset[str]:
    """Return the names of the sources that may ask about payees before they pay; empty if none may."""
    return frozenset(name.strip() for name in (intake.payee_checks or "").split(",") if name.strip())


def sharing_with(intake: IntakeSettings) -> Mapping[str, Tlp]:
    """Return, by the name of each centre that suspects are shared with, the widest mark that it may read; empty if
    nothing is shared. Raises SettingsError if the setting is invalid, or the centre that shares has no name.
    """
    found: dict[str, Tlp] = {}
    entries = [each.strip() for each in (intake.sharing or "").replace("\n", ",").split(",")]
    for number, entry in enumerate(filter(None, entries), start=1):
        name, _, told = (part.strip() for part in entry.partition(":"))
        if not _SOURCE.fullmatch(name) or told not in LEVELS:
            raise SettingsError(
                f"QUANZU_SHARING, entry {number}: write SOURCE:MARK, such as liaoning:amber. Marks: {', '.join(LEVELS)}"
            )
        found[name] = Tlp(told)
    if found and not intake.sharing_name:
        raise SettingsError("QUANZU_SHARING_NAME is not set: others would not know whose suspects these are. Name it")
    return found


def sources(settings: Settings) -> set[str]:
    """Return the names of the configured sources: those in `settings`, and those with an API key in this environment.

    Invalid keys are left out; if the file of the keys cannot be read, or another setting of intake is invalid, so are
    all keys.
    """
    named = {name.strip() for name in (settings.sources or "").split(",") if name.strip()}
    with contextlib.suppress(SettingsError, ValidationError):  # intake refuses to start on these; a worker may run
        texts = _texts(IntakeSettings().api_keys or "", "QUANZU_API_KEYS")
        named |= {found[1] for text in texts if (found := _ENTRY.fullmatch(text))}
    return named - {"*"}


@dataclass(frozen=True, slots=True)
class Feed:
    """The holder of an API key. `source`: the source that it may send for; None: every source (embedded mode only)."""

    source: str | None

    def may_send(self, source: str) -> bool:
        """Return True if this key may send signals of `source`."""
        return self.source in (None, source)


class Keys:
    """API keys with their holders. Only hashes of the keys are stored."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def feed(self, key: str) -> Feed | None:
        """Return the holder of `key` as a Feed, or None if the key is unknown.

        All hashes are compared in constant time, against timing attacks.
        """
        presented = hash_of_key(key)
        fitting = [source for source, known in self._entries if hmac.compare_digest(known, presented)]
        return Feed(None if fitting[0] == "*" else fitting[0]) if fitting else None


class KeysOfFile(Keys):
    """API keys read from a file. The constructor raises SettingsError if the file cannot be read or is invalid.

    A changed file takes effect with the next request. If it cannot be read then, a warning is logged and the keys read
    before stay valid.
    """

    def __init__(self, file: Path, read: Callable[[], Entries]) -> None:
        self._changes, self._read = Changes(file), read
        super().__init__(read())

    def feed(self, key: str) -> Feed | None:
        """Return the holder of `key`, or None if the key is unknown. Reads the file again if it has changed."""
        if self._changes.any():
            try:
                self._entries = self._read()
            except SettingsError as error:
                log.warning("the keys that were read before stay in force: %s", error)
        return super().feed(key)


def load() -> IntakeSettings:
    """Return the settings from the environment. Raises SettingsError, naming each invalid variable, or the file with a
    secret that cannot be used.
    """
    try:
        return IntakeSettings()
    except ValidationError as error:
        lines = [f"QUANZU_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:  # raised for a file that holds a secret
        raise SettingsError(str(error)) from None


def make_key(source: str) -> tuple[str, str]:
    """Return (a new API key for a source, the key's entry "source:hash" for QUANZU_API_KEYS).

    The key is not stored, so the caller must pass it on. Raises SettingsError if the source's name is invalid or
    reserved.
    """
    key = secrets.token_urlsafe(32)
    return key, entry_of(source, key)


def entry_of(source: str, key: str) -> str:
    """Return a key's entry for QUANZU_API_KEYS, "source:hash". Raises SettingsError if the source's name is invalid or
    reserved for the brokers' own users.
    """
    entry = f"{source}:{hash_of_key(key)}"
    if not _ENTRY.fullmatch(entry) or source == "*":
        raise SettingsError(f"source {source!r}: write small letters, digits, '.', '_' and '-', at most 32")
    if _reserved(source):
        raise SettingsError(f"source {source!r}: this name is kept for the brokers' own users. Name it otherwise")
    return entry


def hash_of_key(key: str) -> str:
    """Return a key's SHA-256 in hex. A key is 256 random bits, so a plain hash cannot be brute-forced."""
    return hashlib.sha256(key.encode()).hexdigest()


def keys_for(settings: Settings, intake: IntakeSettings) -> Keys:
    """Return the API keys in force. In embedded mode without configured keys, one key for all sources is made and
    stored in the data folder.

    Raises SettingsError if an entry or the file of the keys is invalid, or if no key is configured outside embedded
    mode, and OSError if the made key cannot be stored.
    """
    given = intake.api_keys
    if given is None and settings.embedded:
        return Keys([("*", hash_of_key(embedded_key(settings)))])
    if given is None:
        raise SettingsError(f"QUANZU_API_KEYS is not set: nobody could send a signal. {HOW_TO_KEY}")
    return _keys(given, lambda: _feeds(given, settings))


def _keys(given: str, read: Callable[[], Entries]) -> Keys:
    return KeysOfFile(Path(given[1:]), read) if given.startswith("@") else Keys(read())


def _reserved(source: str) -> bool:
    """Return whether the source has a name that the brokers trust: a certificate with the name would make it a super
    user.
    """
    return source == "admin" or source.startswith(("kafka", "quanzu"))


def _feeds(given: str, settings: Settings) -> Entries:
    entries = _entries(given)
    if found := [source for source, _ in entries if _reserved(source)]:
        raise SettingsError(
            f"QUANZU_API_KEYS: a source must not be called {found[0]}, as the brokers' own users are. Name it otherwise"
        )
    if any(source == "*" for source, _ in entries) and not settings.embedded:
        raise SettingsError("QUANZU_API_KEYS: a key for all sources (*) is for trying out. Name the source")
    if not entries:
        raise SettingsError(f"QUANZU_API_KEYS holds no key: nobody could send a signal. {HOW_TO_KEY}")
    return entries


def operator_keys(settings: Settings, intake: IntakeSettings) -> Keys | None:
    """Return the keys of people who may handle dead letters, or None if nobody may.

    In embedded mode without configured keys, one key is made and stored in the data folder. Raises SettingsError if an
    entry or the file of the keys is invalid, and OSError if the made key cannot be stored.
    """
    given = intake.operator_keys
    if given is None:
        key = secret_file(settings.data / "operator-key", secrets.token_urlsafe(32)) if settings.embedded else None
        return Keys([("operator", hash_of_key(key))]) if key else None
    return _keys(given, lambda: _operators(given))


def _operators(given: str) -> Entries:
    entries = _entries(given, "QUANZU_OPERATOR_KEYS")
    if any(name == "*" for name, _ in entries):
        raise SettingsError("QUANZU_OPERATOR_KEYS: each act is recorded with a name. Write each person's name, not *")
    return entries


def embedded_key(settings: Settings) -> str:
    """Return the API key of an embedded installation, made on the first call and stored in its data folder.

    Only the owner of the folder may read it. Raises OSError if it cannot be stored.
    """
    return secret_file(settings.data / "api-key", secrets.token_urlsafe(32))


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
