"""The voice gateway's configuration file (TOML): read, validated, and every fault told with its code, place and fix."""

import ipaddress
import ssl
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import encrypted_or_local
from schemas.errors import UserError

Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,15}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=600)]
LEAST_SECRET = 16  # characters
MOST_SECRETS = 2


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _refused(code: str, words: str, fix: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{words}|{fix}", {"words": words, "fix": fix})


class TrunkTable(_Table):
    """The SIP trunk. `address`: host:port; `domain`: of SIP addresses, by default the host; `caller`: the centre's own
    number, the only one that calls show; `register`: seconds of a registration, 0 for a trunk that knows this
    machine's address; `password_file`: of the trunk's challenges; `ca`: PEM file of its authority, by default the
    system's; `certificate`, `key`: of this end, if the trunk asks for one.
    """

    address: Annotated[str, StringConstraints(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$")]
    transport: Literal["tls", "tcp", "udp"] = "tls"
    caller: Number
    domain: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,200}$")] | None = None
    register_seconds: Annotated[int, Field(ge=0, le=86400)] = 0
    username: Annotated[str, StringConstraints(pattern=r"^[^\s\"\\]{1,100}$")] | None = None
    password_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def host(self) -> str:
        """The trunk's host name or IP address."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The trunk's port."""
        return int(self.address.rpartition(":")[2])

    @property
    def is_local(self) -> bool:
        """Whether the trunk is on this machine, by its address."""
        return is_loopback(self.host)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not 0 < self.port < 65536:
            raise _refused("bad_port", f"there is no port {self.port}", "write host:port with a port of 1 to 65535")
        if self.transport != "tls" and not self.is_local:
            fix = 'write transport = "tls", or reach the trunk through a TLS proxy or VPN end on 127.0.0.1'
            raise _refused("plain_transport", f"{self.transport} is open to readers on the way", fix)
        if (self.username is None) != (self.password_file is None):
            raise _refused("half_login", "username and password_file belong together", "set both, or none")
        if (self.certificate is None) != (self.key is None):
            raise _refused("half_certificate", "certificate and key belong together", "set both, or none")
        return self


class NumbersTable(_Table):
    """Which numbers are called, and how they are written to the trunk. Orders have E.164: +8613800000000.

    `allowed`: the prefixes of numbers that may be called; `strip` is taken off the front, `prefix` is put there.
    """

    allowed: Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^\+[0-9]{1,10}$")], ...], Field(min_length=1)]
    strip: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{0,5}$")] = ""
    prefix: Annotated[str, StringConstraints(pattern=r"^\+?[0-9*#]{0,8}$")] = ""

    def dialled(self, number: str) -> str | None:
        """Return an E.164 number as the trunk wants it, or None if it may not be called."""
        if not any(number.startswith(prefix) for prefix in self.allowed):
            return None
        return self.prefix + number.removeprefix(self.strip)


class CallsTable(_Table):
    """How calls are made. `concurrent`: calls at once; `per_second`: new ones; `waiting`: orders that may wait, and
    `wait_seconds`: for how long; `ring_seconds`: until a call is given up; `longest_seconds`: of an answered call;
    `repeat`: how often the message is played, with `pause_seconds` between; `key_seconds`: for a key after the last
    time; `on_mailbox`: play the message once, or hang up at once.
    """

    concurrent: Annotated[int, Field(ge=1, le=500)] = 30
    per_second: Annotated[float, Field(gt=0, le=100)] = 5.0
    waiting: Annotated[int, Field(ge=0, le=10_000)] = 500
    wait_seconds: Seconds = 60.0
    ring_seconds: Annotated[float, Field(ge=1, le=120)] = 45.0
    longest_seconds: Annotated[float, Field(ge=5, le=600)] = 180.0
    repeat: Annotated[int, Field(ge=1, le=5)] = 2
    pause_seconds: Annotated[float, Field(ge=0, le=10)] = 1.0
    key_seconds: Annotated[float, Field(ge=0, le=30)] = 6.0
    on_mailbox: Literal["play", "hang_up"] = "play"


class MediaTable(_Table):
    """`srtp`: required, or off for a trunk on this machine; `rtp_ports`: the first and last UDP port of sound."""

    srtp: Literal["required", "off"] = "required"
    rtp_ports: tuple[Annotated[int, Field(ge=1024, le=65534)], Annotated[int, Field(ge=1024, le=65535)]] = (
        20000,
        20999,
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        first, last = self.rtp_ports
        if first % 2 or last < first:
            raise _refused("bad_ports", "rtp_ports are no range of ports", "write an even port and a greater one")
        return self


class SpeechTable(_Table):
    """`recordings`: the folder of the centre's recordings with its index.toml; without it, or for a text that is not
    recorded, espeak-ng speaks, with `words_per_minute`.
    """

    recordings: Path | None = None
    words_per_minute: Annotated[int, Field(ge=80, le=300)] = 150


class OrdersTable(_Table):
    """Where orders are taken: `host`, `port`; `certificate`, `key`: of this server, needed beyond this machine;
    `secret_file`: the key of orders and receipts that is agreed with Quanzu, in a second line the former one.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8086
    secret_file: Path
    certificate: Path | None = None
    key: Path | None = None
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise _refused("half_certificate", "certificate and key belong together", "set both, or none")
        if self.certificate is None and not is_loopback(self.host):
            fix = "name the server's certificate and key, or listen on 127.0.0.1"
            raise _refused("plain_orders", "orders have telephone numbers", fix)
        return self


class ReceiptsTable(_Table):
    """Where results are reported: `url`, Quanzu's /receipts/voice."""

    url: Annotated[str, StringConstraints(max_length=500)]

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if not encrypted_or_local(self.url):
            raise _refused("plain_receipts", "it is no https address", "write https://HOST/receipts/voice")
        return self


class StorageTable(_Table):
    """`file`: the SQLite file of orders and results; `keep_days`: how long an id is remembered."""

    file: Path
    keep_days: Annotated[int, Field(ge=9, le=365)] = 30


class VoiceConfiguration(_Table):
    """The whole file. `log_level`, `log_format`: of the log."""

    trunk: TrunkTable
    numbers: NumbersTable
    orders: OrdersTable
    receipts: ReceiptsTable
    storage: StorageTable
    calls: CallsTable = CallsTable()
    media: MediaTable = MediaTable()
    speech: SpeechTable = SpeechTable()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @model_validator(mode="after")
    def _secure_sound(self) -> Self:
        if self.media.srtp == "off" and not self.trunk.is_local:
            fix = 'write srtp = "required" in [media]'
            raise _refused("plain_sound", "srtp = off lets others listen to the call", fix)
        return self


@dataclass(frozen=True, slots=True)
class ConfigurationFault:
    """A fault of the file. `code`: what kind; `place`: [table] key; `words`: what is wrong; `fix`: what to do."""

    code: str
    place: str
    words: str
    fix: str

    def __str__(self) -> str:
        return f"{self.place}: {self.code}: {self.words}. {self.fix[:1].upper()}{self.fix[1:]}"


class VoiceConfigurationError(UserError):
    """Raised if the file cannot be used. `faults`: each one."""

    def __init__(self, file: Path, faults: list[ConfigurationFault]) -> None:
        super().__init__("\n".join(f"{file}, {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class VoiceSecrets:
    """What the named files hold: the `keys` of orders and receipts, the current one first,
    the `password` of the trunk, and its TLS `context`.
    """

    keys: tuple[bytes, ...]
    password: str | None
    context: ssl.SSLContext | None


def read_configuration(file: Path) -> VoiceConfiguration:
    """Return the configuration in a file; relative paths in it start at its folder.

    Raises VoiceConfigurationError with every fault that is found.
    """
    try:
        given = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise VoiceConfigurationError(file, [_fault("unreadable", "(file)", error.strerror or "")]) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise VoiceConfigurationError(file, [_fault("not_toml", "(file)", str(error))]) from None
    try:
        found = VoiceConfiguration.model_validate(given)
    except ValidationError as error:
        raise VoiceConfigurationError(file, [_of_pydantic(each) for each in error.errors()]) from None
    return _anchored(found, file.parent)


def is_loopback(host: str) -> bool:
    """Return whether `host` is an address of this machine alone, or the name localhost."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fault(code: str, place: str, words: str) -> ConfigurationFault:
    return ConfigurationFault(code, place, words, "docs/how-to/voice-gateway.md has a file to start from")


def _of_pydantic(error: object) -> ConfigurationFault:
    told: dict[str, object] = dict(error)  # type: ignore[call-overload]
    where = [str(each) for each in told["loc"]]  # type: ignore[attr-defined]
    place = f"[{where[0]}] {'.'.join(where[1:])}".rstrip() if where else "(file)"
    context = told.get("ctx")
    if isinstance(context, dict) and "fix" in context:
        return ConfigurationFault(str(told["type"]), place, str(context["words"]), str(context["fix"]))
    return _fault(str(told["type"]), place, str(told["msg"]))


def _anchored(found: VoiceConfiguration, folder: Path) -> VoiceConfiguration:
    """Return the configuration with every path made absolute."""
    tables: dict[str, BaseModel] = {}
    for name in ("trunk", "orders", "storage", "speech"):
        table: BaseModel = getattr(found, name)
        paths = {key: folder / value for key, value in table if isinstance(value, Path)}
        tables[name] = table.model_copy(update=paths)
    return found.model_copy(update=tables)
