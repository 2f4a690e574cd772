"""Settings of the channels: what providers guarantee, and the keys of their receipts."""

import hashlib
import hmac
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from schemas.levels import Channel
from streams.channels.provider import Kind
from streams.runtime.secret_files import Environment
from streams.runtime.settings import Settings, SettingsError


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",") if code.strip()]


def _refusals(text: str) -> str:
    if wrong := [code for code in _codes(text) if not (code.isascii() and code.isdigit() and 300 <= int(code) <= 599)]:
        raise ValueError(f"{wrong[0]!r} is no status code of a failure. Write codes with commas between: 429,503")
    return text


Refusals = Annotated[str, AfterValidator(_refusals)]


class ChannelSettings(Environment):
    """The settings of the channels; the environment variable of a field is QUANZU_ and its name in capitals."""

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
    receipts_secret: SecretStr | None = Field(
        None,
        description="Key of the receipts' signatures, agreed with the providers. Embedded: derived from the secret",
    )
    receipts_secret_before: SecretStr | None = Field(
        None, description="The key before that one, still taken while providers change over. Unset: only the one"
    )

    @property
    def lease_seconds(self) -> float:
        """Seconds that a lease lasts: longer than one attempt (a question, a request, and the time between)."""
        return 4 * self.provider_seconds

    def kind(self, channel: Channel) -> Kind:
        """Return what the channel's provider guarantees."""
        kinds = {Channel.SMS: self.sms_kind, Channel.PHONE: self.voice_kind, Channel.VISIT: self.station_kind}
        return kinds.get(channel, self.bank_kind)

    def refusals(self, channel: Channel) -> frozenset[int]:
        """Return the additional status codes by which the channel's provider says that nothing was done."""
        told = {
            Channel.SMS: self.sms_refusals,
            Channel.PHONE: self.voice_refusals,
            Channel.VISIT: self.station_refusals,
        }
        return frozenset(map(int, _codes(told.get(channel, self.bank_refusals))))

    def keys(self, settings: Settings) -> tuple[bytes, ...]:
        """Return the keys that receipts may be signed with, the current one first. Raises as `key` does."""
        before = self.receipts_secret_before
        return (self.key(settings), *([before.get_secret_value().encode()] if before else []))

    def key(self, settings: Settings) -> bytes:
        """Return the key that receipts are signed with.

        Raises SettingsError if none is set and the installation is not embedded.
        """
        if self.receipts_secret:
            return self.receipts_secret.get_secret_value().encode()
        if not settings.embedded:
            raise SettingsError(
                "QUANZU_RECEIPTS_SECRET is not set: anybody could forge a receipt. Make one with "
                "`openssl rand -hex 32` and agree it with the providers"
            )
        return hmac.digest(settings.key(), b"receipts", hashlib.sha256).hex().encode()


def load() -> ChannelSettings:
    """Read the settings from the environment. Raises SettingsError that names the wrong variable."""
    try:
        return ChannelSettings()
    except ValidationError as error:
        lines = [f"QUANZU_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:  # a secret's file is unreadable
        raise SettingsError(str(error)) from None
