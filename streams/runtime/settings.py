"""All settings of an installation, read from environment variables.

If neither QUANZU_KAFKA nor QUANZU_REDIS is set, Quanzu runs embedded: it starts its own servers (see embedded.py).
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator

from domain.access.ciphers import RecordCipher
from domain.feeds.source_rights import SourceRights, rights_of_sources
from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import LEAST_SECRET
from schemas.base import encrypted_or_local
from schemas.errors import UserError
from streams.runtime.clock import Clock
from streams.runtime.credentials import AccessSettings
from streams.runtime.redis_address import check

LEAST_KEY = 32  # characters
POLICY = Path(__file__).resolve().parents[2] / "deploy" / "policy" / "jilin.toml"


class SettingsError(UserError, ValueError):
    """A setting is missing or invalid; the text says which one and what to write instead."""


class Settings(AccessSettings):
    """The settings that differ between installations; the variable of a field is QUANZU_ and its name in capitals.

    Raises ValidationError if a value is invalid or contradicts another, and ValueError if a file with a secret cannot
    be used; `load` turns both into SettingsError.
    """

    needs_secret: ClassVar[bool] = True
    """Whether QUANZU_SECRET must be set."""

    kafka: str | None = Field(None, description="Kafka's brokers, host:port,host:port. Unset: an embedded broker")
    redis: str | None = Field(
        None,
        description="Redis, redis://host:port/0, or its Sentinels, redis+sentinel://host:port,host:port/service/0. "
        "Unset: an embedded Valkey",
    )
    vault: str | None = Field(
        None,
        description="A separate Redis, written as QUANZU_REDIS is, with the keys that encrypt personal data on the "
        "topics. Unset: nothing is encrypted, and no person can be erased",
    )
    record_cipher: RecordCipher = Field(
        RecordCipher.AES,
        description="How personal data on the topics is encrypted: aes-256-gcm, or sm4-gcm (国密). Both are read",
    )
    embedded: bool = Field(False, description="The servers are Quanzu's own. Set by Quanzu for the processes it starts")
    app_id: str = Field("quanzu", description="The consumer group's name; one for each installation")
    instance: str | None = Field(
        None, description="A name that a worker keeps over restarts (static membership): no rebalance in between"
    )
    partitions: int = Field(4, ge=1, description="Partitions of signals, case topics and dispatches: all the same")
    replication: int = Field(0, ge=0, description="Copies of a topic. 0: one when embedded, else three")
    checkpoint_hours: float = Field(
        24.0,
        ge=0,
        description="Hours between two checkpoints of a partition, from which a lost Redis is rebuilt. 0: none",
    )
    data: Path = Field(Path("data"), description="Folder of the embedded servers, the generated key and exports")
    policy: Path = Field(POLICY, description="The policy file in force")
    secret: SecretStr | None = Field(
        None, description="Key of the keyed hashes of phones, accounts and ID numbers. Embedded: generated in data"
    )
    id_keys: SecretStr | None = Field(
        None,
        description="Later keys of the ID numbers' hashes, the oldest first, separated by commas or lines. The last is "
        "in force; never remove one",
    )
    keys: SecretStr | None = Field(
        None,
        description="Keys by purpose, PURPOSE:KEY, separated by commas or lines: audit, audit-heads, second-factor, "
        "session, delivery, callers, check, vault, intake, intake-public. The first of a purpose is in force, others "
        "are accepted. Embedded: derived from the secret",
    )
    hsm: str | None = Field(
        None,
        description="PKCS #11 address (RFC 7512) of the key in an HSM under which the files of QUANZU_KEYS_FILE are "
        "encrypted: token, object, module-path, pin-source",
    )
    http_port: int = Field(8080, ge=0, le=65535, description="Port of the intake")
    metrics_port: int = Field(9464, ge=0, le=65535, description="Port of a worker's metrics; 0: none")
    metrics_host: str = Field("127.0.0.1", description="The address of metrics and of a worker's health; 0.0.0.0: all")
    exporter_port: int = Field(
        9465, ge=0, le=65535, description="Port of the province's metrics (`quanzu metrics serve`)"
    )
    sources: str | None = Field(
        None, description="Sources that metrics name, besides those with a key: a,b. Others are counted as `other`"
    )
    source_rights: str = Field(
        "police:all",
        description="What sources may send: source:right+right,source:all,*:right. Rights: transfer, call, sms, app, "
        "report, confirmed, lifted, rated. `*`: the sources not named, by default all but confirmed and lifted, which "
        "put a suspect on the watchlist for everybody, or take it off, and rated, a vendor's verdicts about numbers",
    )
    receipts_url: str = Field(
        "http://127.0.0.1:8080/receipts", description="Where providers send receipts, as they see it from outside"
    )
    sms_url: str | None = Field(None, description="The SMS gateway")
    voice_url: str | None = Field(None, description="The gateway of robot calls")
    bank_url: str | None = Field(None, description="The banks' stop-payment gateway")
    station_url: str | None = Field(None, description="The stations' dispatch gateway")
    clock: str | None = Field(
        None, description="Simulated time, speed@start@epoch seconds (see clock.py). Unset: the time of day"
    )
    traces: str | None = Field(
        None, description="An OpenTelemetry collector's OTLP over HTTP, https://host:4318/v1/traces. Unset: no traces"
    )
    traces_ratio: float = Field(0.01, ge=0, le=1, description="The fraction of new traces that is recorded")
    log_format: Literal["text", "json"] = Field("text", description="How a line of the log is written")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged")

    @model_validator(mode="before")
    @classmethod
    def _unset_is_empty(cls, values: dict[str, object]) -> dict[str, object]:
        """Drop empty values: Compose files pass unset variables as empty strings."""
        return {name: value for name, value in values.items() if value != ""}

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        for name in ("sms_url", "voice_url", "bank_url", "station_url"):
            _check_encrypted(f"QUANZU_{name.upper()}", getattr(self, name), "telephone numbers")
        _check_encrypted("QUANZU_TRACES", self.traces, "each case and what is done about it")
        return self

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.kafka is None) != (self.redis is None):
            raise ValueError("QUANZU_KAFKA and QUANZU_REDIS belong together: set both, or neither to run embedded")
        Clock.parse(self.clock)
        self.rights()
        _check_redis("QUANZU_REDIS", self.redis)
        _check_redis("QUANZU_VAULT", self.vault)
        if self.vault is not None and self.vault == self.redis:
            raise ValueError("QUANZU_VAULT and QUANZU_REDIS are one: emptied, it would lose every person. Name another")
        if any(len(key) < LEAST_KEY for key in self._later_id_keys()):
            raise ValueError("QUANZU_ID_KEYS: a key is too short. Make one with `openssl rand -hex 32`")
        if self.kafka is None:
            object.__setattr__(self, "embedded", True)
        if self.replication == 0:
            object.__setattr__(self, "replication", 1 if self.embedded else 3)
        if self.secret is None and self.needs_secret and not self.embedded:
            raise ValueError(
                "QUANZU_SECRET is not set: phones and accounts are known by keyed hashes, and all processes need the "
                "same key. Make one with `openssl rand -hex 32`, keep it safe: without it no resident is found again"
            )
        if self.secret is not None and len(self.secret.get_secret_value().encode()) < LEAST_SECRET:
            raise ValueError(
                f"QUANZU_SECRET is shorter than {LEAST_SECRET} bytes: all numbers could be tried. Make one with "
                "`openssl rand -hex 32`"
            )
        return self

    @property
    def brokers(self) -> list[str]:
        """Kafka's addresses, as host:port. Raises SettingsError if the embedded servers are not started yet."""
        if self.kafka is None:
            raise SettingsError("no Kafka yet: start the embedded servers first (streams.runtime.embedded.Embedded)")
        return [broker.strip() for broker in self.kafka.split(",") if broker.strip()]

    def rights(self) -> SourceRights:
        """Return the rights of each source: the kinds of signals that it may send.

        Raises ValueError if QUANZU_SOURCE_RIGHTS is invalid.
        """
        try:
            return rights_of_sources(self.source_rights)
        except ValueError as error:
            raise ValueError(f"QUANZU_SOURCE_RIGHTS, {error}") from None

    @property
    def has_key(self) -> bool:
        """True if this process has the secret key of the keyed hashes, which all processes have but those that need
        none and were given none.
        """
        return self.secret is not None or self.needs_secret or self.embedded

    def key(self) -> bytes:
        """Return the secret key of the keyed hashes.

        An embedded installation without the setting generates a key and stores it in its data folder; raises OSError
        if it cannot be written there. Raises SettingsError in a process without QUANZU_SECRET.
        """
        if not self.has_key:
            raise SettingsError("QUANZU_SECRET is not set, and this process has to do with numbers. Set it")
        return (
            self.secret.get_secret_value().encode()
            if self.secret
            else secret_file(self.data / "secret", secrets.token_hex(32)).encode()
        )

    def id_number_keys(self) -> IdKeys:
        """Return all keys under which ID numbers are or were hashed, the oldest first; the last is in force. Raises
        SettingsError and OSError as `key` does.
        """
        return IdKeys(self.key(), self._later_id_keys())

    def _later_id_keys(self) -> tuple[bytes, ...]:
        given = self.id_keys.get_secret_value() if self.id_keys else ""
        texts = (text.strip() for line in given.splitlines() for text in line.split(","))
        return tuple(text.encode() for text in texts if text)

    def environment(self) -> dict[str, str]:
        """Return these settings as environment variables (QUANZU_...), with readable secrets, for a child process.
        Raises SettingsError and OSError as `key` does.
        """
        given = {**self.plain(), "secret": self.key().decode()}
        return {f"QUANZU_{name.upper()}": value for name, value in given.items()}


class SettingsWithoutSecret(Settings):
    """The settings of a process that hashes and compares no numbers, so it need not have QUANZU_SECRET."""

    needs_secret: ClassVar[bool] = False


def load(*, secret: bool = True) -> Settings:
    """Return the settings from the environment variables. `secret`: True if the process needs QUANZU_SECRET.

    Raises SettingsError, with a text for the operator, if a setting is missing or invalid.
    """
    try:
        return Settings() if secret else SettingsWithoutSecret()
    except ValidationError as error:
        raise SettingsError("\n".join(_in_words(detail["loc"], detail["msg"]) for detail in error.errors())) from None
    except ValueError as error:  # raised for a file that holds a secret
        raise SettingsError(str(error)) from None


def _check_encrypted(name: str, url: str | None, what: str) -> None:
    """Raise ValueError unless requests to an address are encrypted or stay on this machine. `what` is in them."""
    if url is not None and not encrypted_or_local(url):
        raise ValueError(
            f"{name} is not https://: {what} would travel in the clear. Write https://host; http:// is for "
            "127.0.0.1 only"
        )


def _check_redis(name: str, url: str | None) -> None:
    try:
        check(url or "redis://")
    except ValueError as error:
        raise ValueError(f"{name} cannot be read: {error}") from None


def _in_words(location: tuple[int | str, ...], message: str) -> str:
    name = "".join(f"QUANZU_{str(part).upper()}: " for part in location[:1])
    return name + message.removeprefix("Value error, ")


def secret_file(path: Path, new: str) -> str:
    """Return the secret in the file `path`. If the file is missing, create it with the content `new`, readable by its
    owner only.

    If two processes create it at once, both return the same secret. Raises OSError if the folder cannot be written, or
    the file cannot be read.
    """
    with suppress(FileNotFoundError):
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.touch(mode=0o600)
    made.write_text(new)
    try:
        os.link(made, path)  # fails if the file exists: of two processes that start at once, one wins
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return path.read_text().strip()
