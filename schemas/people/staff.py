"""Console accounts of people and of programs (service accounts), and API tokens; on the topic `staff`."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.base import Model, Text, When

Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")]
"""A person's sign-in name; it appears in the audit."""

Area = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})?$")]
"""The beginning of the division codes for which a person is responsible, such as `2201`; empty: the whole province."""

MOST_RECOVERY = 10  # recovery codes of one account
MOST_KEYS = 10  # security keys of one account
MOST_COUNTER = 2**32 - 1


class StaffRole(StrEnum):
    """The role of an account at the console; each account has one.

    Three roles administer, and nobody has two of them: the system administrator asks for accounts, tokens and webhooks,
    the security administrator confirms or refuses, and the auditor reads the audit.
    """

    OPERATOR = "operator"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    RELEASE_DESK = "release_desk"
    AUDITOR = "auditor"
    SYSTEM_ADMINISTRATOR = "system_administrator"
    SECURITY_ADMINISTRATOR = "security_administrator"
    DISPLAY = "display"  # a wall display: it looks, acts on nothing, and opens no case
    SERVICE = "service"  # a program: it has tokens for /api/v1, no password, no session and no pages


class Scope(StrEnum):
    """A right that a token may have. READ_CASES: read cases; FOLLOW_CASES: the stream of case events; WORDS: beside the
    codes, sentences and what people wrote, without numbers of anybody; NOTE: write notes; RING: tell the console of a
    caller; ACT: the acts that programs may do (domain/access/accounts.py). No scope exists for revealing personal data,
    approving or releasing.
    """

    READ_CASES = "cases.read"
    FOLLOW_CASES = "cases.follow"  # the stream of case events
    WORDS = "cases.words"  # beside the codes, sentences and what people wrote; without numbers of anybody
    NOTE = "cases.note"
    RING = "calls.ring"  # a telephone exchange tells of a caller
    ACT = "cases.act"  # the acts that domain/access/accounts.py leaves to programs


CredentialId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,1400}$")]
"""A WebAuthn credential's id in base64url."""


class SecurityKey(Model):
    """A WebAuthn credential that proves a person's identity: a security key, or a telephone or computer.

    `public_key`: the COSE key in base64url. `counter`: the signature counter of its last use; 0 if the key has no
    counter.
    """

    id: CredentialId
    public_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,4096}$")]
    counter: Annotated[int, Field(ge=0, le=MOST_COUNTER)]
    name: Text
    added_at: When
    used_at: When | None = None


class Account(Model):
    """The account of a person or, with the role `service`, of a program.

    `epoch`: increased to end all sessions and tokens: a session or token of an older epoch is invalid.
    """

    login: Login
    name: Text
    role: StaffRole
    area: Area = ""
    station: Text | None = None
    officer: Text | None = None  # an officer's id on the rosters
    password: str | None = None  # argon2id hash; None: signs in by OIDC only
    must_change: bool = False  # the password was chosen by somebody else and must be changed first
    password_until: When | None = None  # expiry of such a password, in wall-clock time
    totp: str | None = None  # the secret, encrypted with the installation's key; None: not set up yet
    recovery: list[str] = Field(default_factory=list, max_length=MOST_RECOVERY)  # keyed hashes of unused codes
    security_keys: list[SecurityKey] = Field(default_factory=list, max_length=MOST_KEYS)
    subject: str | None = None  # OIDC issuer and subject
    disabled: bool = False
    epoch: Annotated[int, Field(ge=0)] = 0
    changed_at: When
    changed_by: Text

    @model_validator(mode="after")
    def _service_has_no_sign_in(self) -> Self:
        signs_in = self.password or self.totp or self.subject or self.officer or self.security_keys
        if self.role is StaffRole.SERVICE and signs_in:
            raise ValueError("a service account has no password, second factor, security key, subject or officer")
        return self


TokenId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]


class ApiToken(Model):
    """A token by which a program acts as its service account. Only the token's SHA-256 is stored.

    `epoch`: the account's epoch when the token was made; the token is invalid once the account has another epoch.
    `confirmed_by`: the second administrator.
    """

    id: TokenId
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    login: Login
    purpose: Text
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    epoch: Annotated[int, Field(ge=0)]
    until: When  # in wall-clock time
    made_at: When
    made_by: Login
    confirmed_by: Login
