"""Console accounts and API tokens of programs; on the topic `staff`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.base import Model, Text, When

Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")]
"""A person's sign-in name; it appears in the audit."""

Area = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})?$")]
"""The beginning of the division codes for which a person is responsible, such as `2201`; empty: the whole province."""

MOST_RECOVERY = 10  # recovery codes of one account


class StaffRole(StrEnum):
    """A person's role at the console; each has one."""

    OPERATOR = "operator"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    RELEASE_DESK = "release_desk"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    DISPLAY = "display"  # a wall display: it looks, acts on nothing, and opens no case


class Account(Model):
    """A person's account. `epoch`: increased to end all sessions; sessions of an older epoch are invalid."""

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
    subject: str | None = None  # OIDC issuer and subject
    disabled: bool = False
    epoch: Annotated[int, Field(ge=0)] = 0
    changed_at: When
    changed_by: Text


TokenId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]


class ApiToken(Model):
    """A token by which a program acts as an account. Only its hash is stored."""

    id: TokenId
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    login: Login
    purpose: Text
    until: When  # in wall-clock time
    made_at: When
    made_by: Login
