"""Settings of the channels: what providers guarantee, and the keys of their receipts."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from domain.access.webhooks import Address, addresses
from domain.payments.institutions import Institutions, InstitutionsError
from domain.payments.institutions import load as load_institutions
from schemas.base import encrypted_or_local
from schemas.levels import Channel
from streams.channels.provider import Kind
from streams.channels.push_encryption import derived_vapid_key, vapid_key
from streams.channels.signing import MOST_KEYS
from streams.runtime.secret_files import Environment
from streams.runtime.settings import Settings, SettingsError
from streams.security.secrets import RECEIPT_CHANNELS, bank_signer, province_signer

INSTITUTIONS = Path(__file__).resolve().parents[2] / "deploy" / "institutions" / "china.toml"
LEAST_KEY = 16  # characters
_PROVINCE = re.compile(r"[a-z][a-z0-9_-]{0,15}")  # a code of QUANZU_PROVINCES
MOST_NAMED = 4  # of the signers without a key


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",") if code.strip()]


def _refusals(text: str) -> str:
    if wrong := [code for code in _codes(text) if not (code.isascii() and code.isdigit() and 300 <= int(code) <= 599)]:
        raise ValueError(f"{wrong[0]!r} is no status code of a failure. Write codes with commas between: 429,503")
    return text


def _contact(text: str) -> str:
    if not text.startswith(("mailto:", "https://")):
        raise ValueError("write mailto:address or https://page")
    return text


def _addresses(text: str) -> str:
    addresses(text)
    return text


def _provinces(text: str) -> str:
    for pair in _codes(text):
        code, mark, address = pair.partition("=")
        if not mark or not _PROVINCE.fullmatch(code) or not encrypted_or_local(address):
            raise ValueError("write CODE=https://HOST for each province, with commas between; http:// is for 127.0.0.1")
    if len({pair.partition("=")[0] for pair in _codes(text)}) < len(_codes(text)):
        raise ValueError("a province's code is there twice")
    return text


Refusals = Annotated[str, AfterValidator(_refusals)]


class ChannelSettings(Environment):
    """The settings of the channels; the environment variable of a field is QUANZU_ and its name in capitals.

    Raises ValidationError if a value is invalid, and ValueError if a file with a secret cannot be used; `load` turns
    both into SettingsError.
    """

    model_config = SettingsConfigDict(env_prefix="QUANZU_", frozen=True, env_ignore_empty=True)

    sms_kind: Kind = Field(Kind.IDEMPOTENT, description="What the SMS gateway promises: idempotent, askable or neither")
    voice_kind: Kind = Field(Kind.IDEMPOTENT, description="What the voice gateway promises")
    bank_kind: Kind = Field(Kind.IDEMPOTENT, description="What the banks' gateway promises")
    station_kind: Kind = Field(Kind.IDEMPOTENT, description="What the stations' gateway promises")
    sms_refusals: Refusals = Field(
        "",
        description="Status codes, such as 429,503, by which the SMS gateway says that it has certainly not sent. "
        "A 4xx other than 408 and 429 always says so",
    )
    voice_refusals: Refusals = Field(
        "", description="Status codes by which the voice gateway says that it has certainly done nothing"
    )
    bank_refusals: Refusals = Field(
        "", description="Status codes by which the banks' gateway says that it has certainly done nothing"
    )
    station_refusals: Refusals = Field(
        "", description="Status codes by which the stations' gateway says that it has certainly done nothing"
    )
    provider_seconds: float = Field(3.0, gt=0, description="How long a provider may take to answer")
    channel_concurrency: int = Field(32, ge=1, description="Requests under way at once, for each channel and worker")
    institutions: Path = Field(
        INSTITUTIONS, description="Banks and payment institutions that get stop orders, with the cards of each"
    )
    push_key: SecretStr | None = Field(
        None,
        description="Private key of push messages to officers' telephones (VAPID), made by "
        "`quanzu admin access push-key`. Unset: no push messages; embedded: derived from the secret",
    )
    push_contact: Annotated[str, AfterValidator(_contact)] = Field(
        "mailto:admin@quanzu.invalid",
        description="Whom a push service writes to about our messages: mailto:address or https://page",
    )
    push_addresses: Annotated[str, AfterValidator(_addresses)] = Field(
        "", description="Addresses inside the network to which push messages may be sent, exactly: 10.1.2.3,fd00::7"
    )
    provinces: Annotated[str, AfterValidator(_provinces)] = Field(
        "",
        description="Other provinces' installations, to which cases are handed over and from which they come: "
        "CODE=https://HOST of each one's intake, separated by commas. Each has a key province/CODE in "
        "QUANZU_RECEIPTS_SECRET, and the policy's [handover] names its code",
    )
    receipts_secret: SecretStr | None = Field(
        None,
        description="Keys of the signatures of orders and receipts, one for each provider: sms:KEY,voice:KEY,bank:KEY,"
        "station:KEY, bank/CODE:KEY for each institution of QUANZU_INSTITUTIONS and province/CODE:KEY for each "
        "province of QUANZU_PROVINCES, separated by commas or lines. A second key is the former one, still in force "
        "while its provider changes over. Embedded: derived from the secret",
    )

    @property
    def lease_seconds(self) -> float:
        """How long one attempt of a dispatch may last, in wall-clock seconds (four times `provider_seconds`): longer
        than the question to the provider whether it has the order, the request, and the time between.

        For so long, a dispatch is locked against other workers, and an address against a second visit.
        """
        return 4 * self.provider_seconds

    def known_institutions(self) -> Institutions:
        """Return the table of banks and payment institutions. Raises SettingsError if its file cannot be read or is
        invalid.
        """
        try:
            return load_institutions(self.institutions.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, InstitutionsError) as error:
            raise SettingsError(f"QUANZU_INSTITUTIONS: {self.institutions}: {error}") from None

    def kind(self, channel: Channel) -> Kind:
        """Return the guarantee of the channel's provider about repeated requests; for payments and any other channel,
        that of the banks' gateway.
        """
        kinds = {Channel.SMS: self.sms_kind, Channel.PHONE: self.voice_kind, Channel.VISIT: self.station_kind}
        return kinds.get(channel, self.bank_kind)

    def refusals(self, channel: Channel) -> frozenset[int]:
        """Return the additional HTTP status codes by which the channel's provider states that nothing was done; empty
        if none is set.
        """
        told = {
            Channel.SMS: self.sms_refusals,
            Channel.PHONE: self.voice_refusals,
            Channel.VISIT: self.station_refusals,
        }
        return frozenset(map(int, _codes(told.get(channel, self.bank_refusals))))

    def province_addresses(self) -> Mapping[str, str]:
        """Return the address (https, without a slash at the end) of each other province's intake, by the province's
        code; empty if there is none.
        """
        pairs = (pair.partition("=") for pair in _codes(self.provinces))
        return {code: address.rstrip("/") for code, _, address in pairs}

    def vapid(self, settings: Settings) -> EllipticCurvePrivateKey | None:
        """Return the private key that signs push messages; None if none is set and the installation is not embedded.

        An embedded installation without the setting derives it from its secret. Raises SettingsError if the set key is
        invalid, or the secret is needed and cannot be read.
        """
        if self.push_key:
            try:
                return vapid_key(self.push_key.get_secret_value())
            except ValueError:
                raise SettingsError(
                    "QUANZU_PUSH_KEY is invalid: make one with `quanzu admin access push-key`"
                ) from None
        return derived_vapid_key(settings.key()) if settings.embedded else None

    def push_private(self) -> frozenset[Address]:
        """Return the exact IP addresses inside the network to which push messages may be sent; empty if none is set."""
        return addresses(self.push_addresses)

    def signers(self) -> tuple[str, ...]:
        """Return the names of all signers of receipts: each channel, each bank and payment institution of the table
        (bank/CODE), and each other province (province/CODE).

        Raises SettingsError if the table cannot be read or is invalid.
        """
        provinces = map(province_signer, self.province_addresses())
        return (*RECEIPT_CHANNELS, *map(bank_signer, self.known_institutions().by_code), *provinces)

    def receipt_keys(self, settings: Settings) -> Mapping[str, tuple[bytes, ...]]:
        """Return the keys for signing orders and verifying receipts, by signer, the current key first.

        Raises SettingsError if a signer has no key or over two, two signers have the same key, an entry is invalid or a
        key shorter than 16 characters, or the table of banks cannot be read. An embedded installation without the
        setting derives all keys from its secret; any other raises SettingsError.
        """
        if self.receipts_secret:
            return _receipt_keys(self.receipts_secret.get_secret_value(), self.signers())
        if not settings.embedded:
            raise SettingsError(
                "QUANZU_RECEIPTS_SECRET is not set: anybody could forge a receipt. Make a key for each provider with "
                "`openssl rand -hex 32`, write sms:KEY,voice:KEY,bank:KEY,station:KEY and bank/CODE:KEY for each bank, "
                "and agree each with its provider"
            )
        secret = settings.key()  # read once: it may be in a file
        return {name: (_derived(secret, name),) for name in self.signers()}


def _derived(secret: bytes, name: str) -> bytes:
    return hmac.digest(secret, f"receipts:{name}".encode(), hashlib.sha256).hex().encode()


def _receipt_keys(text: str, signers: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
    """Return signer -> keys, from the text of QUANZU_RECEIPTS_SECRET; an empty tuple for a signer without keys.

    Raises SettingsError that names the invalid entry.
    """
    found: dict[str, tuple[bytes, ...]] = dict.fromkeys(signers, ())
    for number, pair in enumerate(text.replace("\n", ",").split(","), 1):
        name, _, key = pair.strip().partition(":")
        if not pair.strip():
            continue
        if name not in found or len(key) < LEAST_KEY:  # the error must not repeat the key
            raise SettingsError(
                f"QUANZU_RECEIPTS_SECRET, entry {number}: write CHANNEL:KEY, CHANNEL one of "
                f"{', '.join(RECEIPT_CHANNELS)}, bank/CODE of QUANZU_INSTITUTIONS or province/CODE of "
                f"QUANZU_PROVINCES, KEY of at least {LEAST_KEY} characters"
            )
        found[name] = (*found[name], key.encode())
    _check_keys(found)
    return found


def _check_keys(found: Mapping[str, tuple[bytes, ...]]) -> None:
    if missing := [name for name, keys in found.items() if not keys]:
        rest = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        raise SettingsError(
            f"QUANZU_RECEIPTS_SECRET has no key for {', '.join(missing[:MOST_NAMED])}{rest}. Add {missing[0]}:KEY, "
            "made with `openssl rand -hex 32` and agreed with that provider; `quanzu admin access secrets FOLDER` adds "
            "all that FOLDER/receipts-secret lacks. Or take the bank out of QUANZU_INSTITUTIONS"
        )
    if wrong := [name for name, keys in found.items() if len(keys) > MOST_KEYS]:
        raise SettingsError(
            f"QUANZU_RECEIPTS_SECRET has {len(found[wrong[0]])} keys for {wrong[0]}: at most {MOST_KEYS}"
        )
    every = [key for keys in found.values() for key in keys]
    if len(set(every)) != len(every):
        raise SettingsError(
            "QUANZU_RECEIPTS_SECRET has one key twice. Make a key for each provider: none may sign for another"
        )


def load() -> ChannelSettings:
    """Return the channels' settings from the environment variables.

    Raises SettingsError, naming the variable, if a setting is invalid, and also if a file with a secret cannot be used.
    """
    try:
        return ChannelSettings()
    except ValidationError as error:
        lines = [f"QUANZU_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:  # a secret's file is unreadable
        raise SettingsError(str(error)) from None
