"""Who works with Quanzu: accounts of the console and tokens of programs, as they lie on the topic `staff`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.base import Model, Text, When

Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")]
"""What a person signs in with; it stands in the audit, never a resident's data."""

Area = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})?$")]
"""The beginning of the division codes that a person is responsible for: `2201`; empty is the whole province."""

MOST_RECOVERY = 10  # codes of one account


class StaffRole(StrEnum):
    """What a person is at the console; one each."""

    OPERATOR = "operator"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    RELEASE_DESK = "release_desk"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Account(Model):
    """A person's account. `epoch` counts up when all sessions shall end: a session of an older one is none."""

    login: Login
    name: Text
    role: StaffRole
    area: Area = ""
    station: Text | None = None
    officer: Text | None = None  # of an officer: the id under which the rosters have him
    password: str | None = None  # argon2id; none: signs in by OIDC only
    must_change: bool = False  # the password is another's choice: it is changed before anything else
    password_until: When | None = None  # of such a one, by the wall's time: then it opens nothing any more
    totp: str | None = None  # the secret, sealed with the installation's key; none: not set up yet
    recovery: list[str] = Field(default_factory=list, max_length=MOST_RECOVERY)  # keyed hashes of the codes left
    subject: str | None = None  # of OIDC: issuer and subject
    disabled: bool = False
    epoch: Annotated[int, Field(ge=0)] = 0
    changed_at: When
    changed_by: Text


TokenId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]


class ApiToken(Model):
    """By which another program acts as an account. Of the token itself only a hash is kept."""

    id: TokenId
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    login: Login
    purpose: Text
    until: When  # by the wall's time
    made_at: When
    made_by: Login
