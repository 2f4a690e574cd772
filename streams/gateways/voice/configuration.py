"""The voice gateway's configuration file (TOML), read and validated.

Each fault is reported with its code, place and fix.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from schemas.base import encrypted_or_local, is_this_machine
from schemas.errors import UserError
from streams.gateways.voice.asterisk.table import AsteriskTable
from streams.gateways.voice.configuration_base import (
    ConfigurationTable,
    Extension,
    Login,
    Number,
    Seconds,
    refused_table,
)
from streams.gateways.voice.incoming.table import IncomingTable

THIRD_NOTICE = "您好，这里是96110反诈中心，请您加入一个三方通话。加入请按1，不方便请挂机。"
RECORDING_NOTICE = "本次通话将会录音，仅用于核实和劝阻。"
RECORDING_NOTICE_KO = "이 통화는 녹음되며, 확인과 피해 예방에만 사용됩니다."


class TrunkTable(ConfigurationTable):
    """The SIP trunk.

    `address`: host:port; `domain`: of SIP addresses, by default the host; `caller`: the centre's own number, which
    every call shows; `register_seconds`: lifetime of a registration, 0 for a trunk that knows this machine's address;
    `local_port`: this side's over UDP, at which a trunk without a registration reaches it; `username`,
    `password_file`: the login for the trunk's challenges; `ca`: PEM file of the trunk's authority, by
    default the system's; `certificate`, `key`: this side's own, if the trunk asks for one.
    """

    address: Annotated[str, StringConstraints(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$")]
    transport: Literal["tls", "tcp", "udp"] = "tls"
    caller: Number
    domain: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,200}$")] | None = None
    register_seconds: Annotated[int, Field(ge=0, le=86400)] = 0
    local_port: Annotated[int, Field(ge=0, le=65535)] = 0
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
        """True if the trunk's address is on this machine."""
        return is_this_machine(self.host)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not 0 < self.port < 65536:
            raise refused_table(
                "bad_port", f"there is no port {self.port}", "write host:port with a port of 1 to 65535"
            )
        if self.transport != "tls" and not self.is_local:
            fix = 'write transport = "tls", or reach the trunk through a TLS proxy or VPN end on 127.0.0.1'
            raise refused_table("plain_transport", f"{self.transport} is open to readers on the way", fix)
        if self.local_port and self.transport != "udp":
            fix = "leave it out: over TCP and TLS, the trunk calls over the connection of the registration"
            raise refused_table("port_unused", f"local_port is not used over {self.transport}", fix)
        if (self.username is None) != (self.password_file is None):
            raise refused_table("half_login", "username and password_file belong together", "set both, or none")
        if (self.certificate is None) != (self.key is None):
            raise refused_table("half_certificate", "certificate and key belong together", "set both, or none")
        return self


class OperatorsTable(TrunkTable):
    """Operators' telephones, which the centre's own exchange reaches: the fields of a trunk, `address` to `key`, are
    those of this exchange.

    `phones`: the telephone of each operator, by login: the user part of its SIP address at the exchange; `srtp`: as in
    [media], to the telephones; `secret_file`: the key that the console signs calls with, with the former key in a
    second line; `reports_url`: that of Quanzu's /receipts/operator-calls; `ring_seconds`: how long a telephone of the
    desk rings; `longest_seconds`: of a talk; `concurrent`: most calls at once; `confirm_key`: that the operator presses
    before the resident is called, by default none; `hold_music`: a WAV file that a resident on hold hears, by default
    silence; `third_parties`: most calls with a third leg at once, of a third party or of a colleague who is asked, 0:
    none; `third_notice`: what a third party hears before they join; it must name the key 1 and no resident;
    `recordings_url`: that of Quanzu's /receipts/call-recordings, by default nothing can be recorded;
    `recording_notice`, `recording_notice_ko`: what all sides hear before a recording, in Chinese and then in Korean.
    """

    phones: Annotated[dict[Login, Extension], Field(min_length=1, max_length=500)]
    srtp: Literal["required", "off"] = "required"
    secret_file: Path
    reports_url: Annotated[str, StringConstraints(max_length=500)]
    ring_seconds: Annotated[float, Field(ge=1, le=120)] = 30.0
    longest_seconds: Annotated[float, Field(ge=10, le=14_400)] = 3600.0
    concurrent: Annotated[int, Field(ge=1, le=500)] = 30
    confirm_key: Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")] | None = None
    hold_music: Path | None = None
    third_parties: Annotated[int, Field(ge=0, le=200)] = 0
    third_notice: Annotated[str, StringConstraints(min_length=1, max_length=200)] = THIRD_NOTICE
    recordings_url: Annotated[str, StringConstraints(max_length=500)] | None = None
    recording_notice: Annotated[str, StringConstraints(min_length=1, max_length=200)] = RECORDING_NOTICE
    recording_notice_ko: Annotated[str, StringConstraints(min_length=1, max_length=200)] = RECORDING_NOTICE_KO

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.srtp == "off" and not self.is_local:
            raise refused_table("plain_sound", "srtp = off lets others listen to the call", 'write srtp = "required"')
        if not encrypted_or_local(self.reports_url):
            fix = "write https://HOST/receipts/operator-calls"
            raise refused_table("plain_reports", "reports_url is no https address", fix)
        if self.recordings_url is not None and not encrypted_or_local(self.recordings_url):
            fix = "write https://HOST/receipts/call-recordings"
            raise refused_table("plain_recordings", "recordings_url is no https address", fix)
        if len(set(self.phones.values())) < len(self.phones):
            raise refused_table(
                "shared_phone", "two operators have one telephone", "give each login a telephone of its own"
            )
        return self


class NumbersTable(ConfigurationTable):
    """Which numbers may be called, and how they are written for the trunk. Orders have E.164: +8613800000000.

    `allowed`: the prefixes of numbers that may be called; `strip`: removed from the front; `prefix`: then put in front.
    """

    allowed: Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^\+[0-9]{1,10}$")], ...], Field(min_length=1)]
    strip: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{0,5}$")] = ""
    prefix: Annotated[str, StringConstraints(pattern=r"^\+?[0-9*#]{0,8}$")] = ""

    def dialled(self, number: str) -> str | None:
        """Return an E.164 number in the form that the trunk wants, or None if it may not be called."""
        if not any(number.startswith(prefix) for prefix in self.allowed):
            return None
        return self.prefix + number.removeprefix(self.strip)


class CallsTable(ConfigurationTable):
    """How calls are made.

    `concurrent`: most calls at once; `per_second`: most new calls a second; `waiting`: most orders that wait,
    `wait_seconds`: for how long at most; `ring_seconds`: how long a call rings before it is given up;
    `longest_seconds`: of an answered call; `repeat`: how often the message is played, with `pause_seconds` between;
    `key_seconds`: the time to press a key after the last time; `on_mailbox`: play the message once, or hang up at once;
    `over`: the SIP trunk, or the Asterisk of [asterisk].
    """

    over: Literal["trunk", "asterisk"] = "trunk"
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


class MediaTable(ConfigurationTable):
    """The sound.

    `srtp`: required, or off for a trunk on this machine; `rtp_ports`: the first and last UDP port for sound.
    """

    srtp: Literal["required", "off"] = "required"
    rtp_ports: tuple[Annotated[int, Field(ge=1024, le=65534)], Annotated[int, Field(ge=1024, le=65535)]] = (
        20000,
        20999,
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        first, last = self.rtp_ports
        if first % 2 or last < first:
            raise refused_table("bad_ports", "rtp_ports are no range of ports", "write an even port and a greater one")
        return self

    @property
    def streams(self) -> int:
        """The number of streams of sound that can have a port at once: each takes an even one."""
        first, last = self.rtp_ports
        return (last - first) // 2 + 1


class SpeechTable(ConfigurationTable):
    """How messages are spoken.

    `recordings`: the folder of the centre's recordings with its index.toml. Without it, and for a text that is not
    recorded, espeak-ng speaks, at `words_per_minute`.
    """

    recordings: Path | None = None
    words_per_minute: Annotated[int, Field(ge=80, le=300)] = 150


class OrdersTable(ConfigurationTable):
    """Where orders are taken.

    `host`, `port`: to listen on; `certificate`, `key`: this server's, required unless it listens on this machine only;
    `secret_file`: the key of orders and receipts that is agreed with Quanzu, with the former key in a second line;
    `metrics_port`: 0: no metrics.
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
            raise refused_table("half_certificate", "certificate and key belong together", "set both, or none")
        if self.certificate is None and not is_this_machine(self.host):
            fix = "name the server's certificate and key, or listen on 127.0.0.1"
            raise refused_table("plain_orders", "orders have telephone numbers", fix)
        return self


class ReceiptsTable(ConfigurationTable):
    """Where results are reported. `url`: that of Quanzu's /receipts/voice."""

    url: Annotated[str, StringConstraints(max_length=500)]

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if not encrypted_or_local(self.url):
            raise refused_table("plain_receipts", "it is no https address", "write https://HOST/receipts/voice")
        return self


class StorageTable(ConfigurationTable):
    """Where orders and results are stored. `file`: an SQLite file; `keep_days`: how long an order's id is remembered,
    and how long its result is reported again until Quanzu accepts it.
    """

    file: Path
    keep_days: Annotated[int, Field(ge=9, le=365)] = 30


class VoiceConfiguration(ConfigurationTable):
    """The whole configuration file. `trunk`: None if nothing goes over a SIP trunk; `asterisk`: None if no calls go
    through an Asterisk; `operators`: None if no operator's telephone can be rung; `incoming`: None if calls to the
    centre are refused; `log_level`, `log_format`: of the log.
    """

    trunk: TrunkTable | None = None
    asterisk: AsteriskTable | None = None
    numbers: NumbersTable
    orders: OrdersTable
    receipts: ReceiptsTable
    storage: StorageTable
    calls: CallsTable = CallsTable()
    media: MediaTable = MediaTable()
    speech: SpeechTable = SpeechTable()
    operators: OperatorsTable | None = None
    incoming: IncomingTable | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @model_validator(mode="after")
    def _has_a_way(self) -> Self:
        if self.trunk is None and (self.calls.over == "trunk" or self.operators is not None):
            fix = 'add [trunk]; without operators\' telephones, [asterisk] and over = "asterisk" in [calls] do as well'
            raise refused_table("no_trunk", "calls go over a SIP trunk, and there is no table [trunk]", fix)
        if self.asterisk is None and self.calls.over == "asterisk":
            raise refused_table(
                "no_asterisk", "calls go through Asterisk, and there is no [asterisk]", "add [asterisk]"
            )
        return self

    @model_validator(mode="after")
    def _secure_sound(self) -> Self:
        if self.media.srtp == "off" and self.trunk is not None and not self.trunk.is_local:
            fix = 'write srtp = "required" in [media]'
            raise refused_table("plain_sound", "srtp = off lets others listen to the call", fix)
        return self

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.incoming is not None and self.operators is None:
            fix = "add [operators] with their telephones, or leave [incoming] out"
            raise refused_table("nobody_answers", "[incoming] needs operators' telephones", fix)
        return self

    @model_validator(mode="after")
    def _answered_by_persons(self) -> Self:
        if self.incoming and self.operators and self.operators.confirm_key is None and not self.incoming.no_mailbox:
            words = "a mailbox that answers an operator's telephone would count as a talk, and nobody would call back"
            fix = 'write confirm_key = "1" in [operators], or no_mailbox = true in [incoming] if no telephone has one'
            raise refused_table("mailbox_answers", words, fix)
        return self

    @model_validator(mode="after")
    def _enough_ports(self) -> Self:
        """An operator's call has two streams of sound and one of a third party, an incoming one up to two, an automated
        one has one.
        """
        pairs = sum(each.concurrent for each in (self.operators, self.incoming) if each is not None)
        thirds = self.operators.third_parties if self.operators else 0
        automated = self.calls.concurrent if self.calls.over == "trunk" else 0  # Asterisk has the sound of its calls
        wanted = automated + 2 * pairs + thirds
        if self.media.streams < wanted:
            words = f"[media] rtp_ports are enough for {self.media.streams} streams, and the calls have up to {wanted}"
            raise refused_table("too_few_ports", words, f"widen them to {2 * wanted} ports, or lower concurrent")
        return self


@dataclass(frozen=True, slots=True)
class ConfigurationFault:
    """A fault in the file. `code`: its kind; `place`: "[table] key"; `words`: what is wrong; `fix`: how to
    correct it.
    """

    code: str
    place: str
    words: str
    fix: str

    def __str__(self) -> str:
        return f"{self.place}: {self.code}: {self.words}. {self.fix[:1].upper()}{self.fix[1:]}"


class VoiceConfigurationError(UserError):
    """The configuration file cannot be used. `faults`: all faults that were found."""

    def __init__(self, file: Path, faults: list[ConfigurationFault]) -> None:
        super().__init__("\n".join(f"{file}, {fault}" for fault in faults))
        self.faults = faults


def read_configuration(file: Path) -> VoiceConfiguration:
    """Return the configuration in a file, read and validated. Relative paths in it start at the file's folder, and are
    returned with that folder in front.

    Raises VoiceConfigurationError with all faults that are found, also if the file cannot be read.
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
    for name in ("trunk", "asterisk", "orders", "storage", "speech", "operators", "incoming"):
        table: BaseModel | None = getattr(found, name)
        if table is None:
            continue
        paths = {key: folder / value for key, value in table if isinstance(value, Path)}
        tables[name] = table.model_copy(update=paths)
    return found.model_copy(update=tables)
