"""The console's own settings, read from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from domain.access.webhooks import addresses
from streams.runtime.secret_files import Environment
from streams.runtime.settings import SettingsError


def _addresses(text: str) -> str:
    addresses(text)
    return text


class ConsoleSettings(Environment):
    """The console's settings; each field is read from QUANZU_CONSOLE_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="QUANZU_CONSOLE_", frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="The address the console listens on")
    port: int = Field(8081, ge=0, le=65535, description="The console's port")
    certificate: Path | None = Field(
        None, description="The console's certificate with its chain (PEM), to be served over TLS. Unset: openly"
    )
    key: Path | None = Field(None, description="The file of the certificate's key (PEM)")
    origin: str | None = Field(
        None, description="The address as browsers see it, https://console.example. Unset: http://host:port"
    )
    session_minutes: int = Field(30, ge=1, description="A session ends after so long without a request")
    session_hours: int = Field(
        12,
        ge=1,
        description="A session ends after so long whatever is done, and an officer's telephone forgets tasks so long "
        "after it last reached the console",
    )
    unmask_minutes: int = Field(5, ge=1, description="How long a person's data stays readable after it was unmasked")
    rate_address: str = Field("6000/minute", description="Requests of one address")
    rate_sign_in: str = Field("120/minute", description="Tries to sign in from one address")
    oidc_issuer: str | None = Field(None, description="The OpenID provider's issuer; unset: passwords only")
    oidc_client: str | None = Field(None, description="The client's id there")
    webhook_addresses: Annotated[str, AfterValidator(_addresses)] = Field(
        "",
        description="Addresses inside the network to which webhooks may be sent, exactly: 10.1.2.3,fd00::7. Public "
        "ones need no entry; this machine, link-local and metadata addresses are never permitted",
    )
    syslog: str | None = Field(
        None, description="host:port of the receiver of security events by syslog (RFC 5424 over TLS). Unset: none"
    )
    syslog_ca: Path | None = Field(
        None, description="The authorities that vouch for the receiver of syslog (PEM). Unset: the system's"
    )
    oidc_secret: SecretStr | None = Field(None, description="The client's secret there")


def load() -> ConsoleSettings:
    """Read the settings from the environment. Raises SettingsError naming the invalid variable."""
    try:
        return ConsoleSettings()
    except ValidationError as error:
        lines = [f"QUANZU_CONSOLE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:  # from a file that holds a secret
        raise SettingsError(str(error)) from None
