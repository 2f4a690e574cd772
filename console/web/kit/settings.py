"""The console's own settings, read from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from console.web.auth.passwords import require_list
from domain.access.reveals import quotas
from domain.access.webhooks import addresses, permitted_ports
from streams.runtime.secret_files import Environment
from streams.runtime.settings import SettingsError


def _addresses(text: str) -> str:
    addresses(text)
    return text


def _ports(text: str) -> str:
    permitted_ports(text)
    return text


def _quotas(text: str) -> str:
    quotas(text)
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
    session_minutes: int = Field(30, ge=1, description="A session ends after so long without an act of the person")
    waiting_hours: int = Field(
        12,
        ge=1,
        description="The same for a wall display and an officer's telephone, which wait for events without an act",
    )
    session_hours: int = Field(
        12,
        ge=1,
        description="A session ends after so long whatever is done, and an officer's telephone forgets tasks so long "
        "after it last reached the console",
    )
    unmask_minutes: int = Field(5, ge=1, description="How long a person's data stays readable after it was unmasked")
    reveal_quotas: Annotated[str, AfterValidator(_quotas)] = Field(
        "operator=20/60,officer=10/30,supervisor=20/60,release_desk=20/40,auditor=20/20",
        description="How many residents' data a person may reveal within an hour, by role; after the slash, together "
        "with the red cases that the person has claimed",
    )
    rate_address: str = Field("6000/minute", description="Requests of one address")
    streams_account: int = Field(24, ge=1, description="Open event streams of one account at one console process")
    streams: int = Field(1000, ge=1, description="Open event streams of one console process; the next one gets 429")
    journal_account: int = Field(4, ge=1, description="The same for /api/v1/stream, of one account")
    journal_streams: int = Field(
        40, ge=1, description="The same for /api/v1/stream, of the process: each of them reads the journal"
    )
    rate_sign_in: str = Field("120/minute", description="Tries to sign in from one address")
    public_page: bool = Field(
        False, description="Whether /report takes reports from anybody without an account, for operators to check"
    )
    public_check: bool = Field(
        False,
        description="Whether /check tells anybody what is known about a number, account or link",
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of the console's metrics (the public check); 0: none"
    )
    rate_report: str = Field("20/hour", description="Reports on the public page from one address")
    rate_report_phone: str = Field("10/hour", description="Reports on the public page that give one telephone")
    rate_report_county: str = Field("120/hour", description="Reports on the public page from one county")
    rate_reports: str = Field("600/hour", description="Reports on the public page from all addresses")
    breached_passwords: Annotated[Path, AfterValidator(require_list)] | None = Field(
        None,
        description="A file with the SHA-1 of passwords that became public in breaches, sorted, as haveibeenpwned.com "
        "publishes it. Nobody can choose one of them. Unset: only what is easily guessed is refused",
    )
    oidc_issuer: str | None = Field(None, description="The OpenID provider's issuer; unset: passwords only")
    oidc_client: str | None = Field(None, description="The client's id there")
    oidc_acr: str = Field(
        "",
        description="Values of `acr` (separated by blanks), one of which the provider must state: how it knows who it "
        "is. With an issuer, this or the next is needed, since the provider answers for the second factor",
    )
    oidc_amr: str = Field("", description="Values of `amr`, such as `mfa hwk`, one of which the provider must state")
    phones_url: str | None = Field(
        None,
        description="The voice gateway that rings operators' own telephones, https://host:port. Unset: operators call "
        "from any telephone, and record how the call went",
    )
    phones_secret: SecretStr | None = Field(
        None, description="The key that calls are signed with: of [operators] secret_file of that gateway"
    )
    webhook_addresses: Annotated[str, AfterValidator(_addresses)] = Field(
        "",
        description="Addresses inside the network to which webhooks may be sent, exactly: 10.1.2.3,fd00::7. Public "
        "ones need no entry; this machine, link-local and metadata addresses are never permitted",
    )
    webhook_ports: Annotated[str, AfterValidator(_ports)] = Field(
        "", description="Ports to which webhooks may be sent besides 443: 8443,9443"
    )
    syslog: str | None = Field(
        None, description="host:port of the receiver of security events by syslog (RFC 5424 over TLS). Unset: none"
    )
    syslog_ca: Path | None = Field(
        None, description="The authorities that vouch for the receiver of syslog (PEM). Unset: the system's"
    )
    audit_heads: Path | None = Field(
        None,
        description="A folder on write-once storage for the signed ends of the audit's chains: a new file at most "
        "every ten minutes. Unset: none, keep `quanzu audit heads` by hand",
    )
    oidc_secret: SecretStr | None = Field(None, description="The client's secret there")


def load() -> ConsoleSettings:
    """Return the settings from the environment. Raises SettingsError that names each invalid variable."""
    try:
        return ConsoleSettings()
    except ValidationError as error:
        lines = [f"QUANZU_CONSOLE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:  # from a file that holds a secret
        raise SettingsError(str(error)) from None
