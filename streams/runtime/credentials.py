"""Credentials for Kafka and Redis: TLS and users with passwords, and the errors when a server refuses them."""

import ssl
from pathlib import Path
from typing import Literal, Self

import aiokafka.errors
import kafka.errors
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, ResponseError

from schemas.errors import UserError
from streams.runtime.redis_address import Login
from streams.runtime.secret_files import Environment

HOW_TO_LOGIN = (
    "Set QUANZU_REDIS_USER and QUANZU_REDIS_PASSWORD_FILE to a user of Redis's ACL file; "
    "`quanzu admin access redis` makes it"
)
HOW_TO_ALLOW = (
    "Let Redis read the ACL file that this version's `quanzu admin access redis` makes (ACL LOAD): "
    "it has what each needs"
)
HOW_TO_GRANT = "Run deploy/kafka/acls.sh, or `quanzu admin access kafka` for the commands, as a user who may alter ACLs"
SCRIPT_DENIED = "ACL failure in script"
_KAFKA_DENIED = (
    aiokafka.errors.TopicAuthorizationFailedError,
    aiokafka.errors.GroupAuthorizationFailedError,
    aiokafka.errors.ClusterAuthorizationFailedError,
    aiokafka.errors.SaslAuthenticationFailed,
    kafka.errors.AuthorizationError,
    kafka.errors.SaslAuthenticationFailedError,
)


class AccessError(UserError, RuntimeError):
    """A server refuses this process access or a permission. The text says which server, why, and how to correct it.

    A retry cannot help, so the operation is not retried.
    """


class AccessSettings(Environment):
    """The users, passwords and CA files for Kafka, Redis, the vault and the Sentinels.

    The environment variable of a field is QUANZU_ and its name in capitals. A secret may instead be in a file that
    QUANZU_..._FILE names. Raises ValidationError if a password would be sent without TLS, a user or password is
    missing, or a CA file is unusable.
    """

    model_config = SettingsConfigDict(env_prefix="QUANZU_", frozen=True)

    kafka_tls: bool = Field(False, description="Whether to connect to Kafka over TLS")
    kafka_ca: Path | None = Field(
        None, description="The CA certificates for the brokers' certificates (PEM). Unset: the system's"
    )
    kafka_user: str | None = Field(None, description="The user at Kafka (SASL/SCRAM), over TLS only")
    kafka_password: SecretStr | None = Field(None, description="The user's password at Kafka")
    kafka_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="The SASL mechanism for the password at Kafka"
    )
    redis_user: str | None = Field(
        None, description="The user at Redis and at the vault (ACL), over TLS only: rediss://"
    )
    redis_password: SecretStr | None = Field(None, description="The user's password at Redis and at the vault")
    redis_ca: Path | None = Field(
        None, description="The CA certificates for Redis and its Sentinels (PEM). Unset: the system's"
    )
    sentinel_user: str | None = Field(None, description="The user at the Sentinels")
    sentinel_password: SecretStr | None = Field(None, description="The user's password at the Sentinels")

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.kafka_user and not self.kafka_tls:
            raise ValueError(
                "QUANZU_KAFKA_USER is set and QUANZU_KAFKA_TLS is not: personal data would pass openly. "
                "Set QUANZU_KAFKA_TLS=true, and QUANZU_KAFKA to the brokers' TLS port"
            )
        _both("QUANZU_KAFKA_USER", self.kafka_user, "QUANZU_KAFKA_PASSWORD", self.kafka_password)
        if self.redis_user and self.redis_password is None:
            raise ValueError("QUANZU_REDIS_USER is set and no password: set QUANZU_REDIS_PASSWORD_FILE")
        for name in ("redis", "vault"):
            if self.redis_password and not str(getattr(self, name, None) or "rediss:").startswith("rediss"):
                raise ValueError(
                    f"QUANZU_REDIS_PASSWORD is set and QUANZU_{name.upper()} is not rediss://: the password would pass "
                    "openly. Write rediss://host:port/0, or rediss+sentinel://..., with its TLS port"
                )
        for name in ("kafka_ca", "redis_ca"):
            if (file := getattr(self, name)) is not None:
                authorities(f"QUANZU_{name.upper()}", file)
        return self

    def redis_login(self) -> Login:
        """Return the login for Redis, the vault and their Sentinels; a part that is not set is None."""
        return Login(
            self.redis_user,
            _plain(self.redis_password),
            self.sentinel_user,
            _plain(self.sentinel_password),
            None if self.redis_ca is None else str(self.redis_ca),
        )


def denied(error: BaseException | None) -> AccessError | None:
    """Return an AccessError with advice if `error` means that Kafka or Redis denied access or a permission, else None,
    also for None. The AccessError is not raised.
    """
    if isinstance(error, AuthenticationError | AuthorizationError):
        return AccessError(f"Redis does not let this user in: {_said(error)}. {HOW_TO_LOGIN}")
    if isinstance(error, NoPermissionError) or (isinstance(error, ResponseError) and SCRIPT_DENIED in str(error)):
        return AccessError(f"Redis does not let this user do what it must: {_said(error)}. {HOW_TO_ALLOW}")
    if isinstance(error, _KAFKA_DENIED):
        return AccessError(f"Kafka does not let this user do what it must ({error}). {HOW_TO_GRANT}")
    return None


def _said(error: BaseException) -> str:
    return str(error).rstrip(".")


def authorities(setting: str, file: Path | None) -> ssl.SSLContext:
    """Return a TLS context for a client that trusts the CA certificates in `file`, or those of the system if `file`
    is None.

    Raises ValueError, naming `setting`, if the file cannot be read or contains no certificate.
    """
    try:
        return ssl.create_default_context(cafile=None if file is None else str(file))
    except (OSError, ssl.SSLError) as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ValueError(
            f"{setting} = {file}: {why}. Name a PEM file with the certificate of the authority, -----BEGIN CERTIFICATE"
        ) from None


def _both(user: str, name: str | None, password: str, word: SecretStr | None) -> None:
    if (name is None) != (word is None):
        raise ValueError(f"{user} and {password} (or {password}_FILE) belong together: set both, or neither")


def _plain(word: SecretStr | None) -> str | None:
    return None if word is None else word.get_secret_value()
