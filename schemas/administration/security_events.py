"""Security events of the console, for a security centre: on the topic `security-events`, and by syslog."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from schemas.base import Model, Text, When


class SecurityEventKind(StrEnum):
    """The kinds of security events."""

    PASSWORD_WRONG = "password-wrong"  # noqa: S105 - a kind's name
    CODE_WRONG = "code-wrong"  # of the authenticator, or a recovery code
    GUESSING = "guessing"  # too many attempts at one login: locked for a time
    SPRAYING = "spraying"  # too many wrong answers from one address, at all logins
    FORBIDDEN = "forbidden"  # signed in, but not for this role, area or token
    TOKEN_REFUSED = "token-refused"  # noqa: S105 - a kind's name
    PROVIDER_REFUSED = "provider-refused"  # the OpenID provider did not vouch, or no account is bound
    RECOVERY_CODE_SPENT = "recovery-code-spent"
    SECOND_FACTOR_SET_UP = "second-factor-set-up"
    KEY_ADDED = "key-added"  # a security key
    KEY_REMOVED = "key-removed"
    KEY_REFUSED = "key-refused"  # a security key's answer is wrong: its challenge, origin, signature or verification
    KEY_CLONED = "key-cloned"  # a security key's counter did not rise: somebody may have a copy of it
    REVEALED = "revealed"  # a resident's data
    MASS_REVEALING = "mass-revealing"  # one person revealed many residents' data within minutes


class SecurityEvent(Model):
    """One security event. It has no personal data of residents, and no secret.

    `who`: a login; or "h:" and a keyed hash of the typed text if no account has it as login, because people type
    passwords into that field; "" if unknown. `address`: the client's IPv4 address or IPv6 network. `on`: the route or
    the token's id.
    """

    at: When
    kind: SecurityEventKind
    who: Annotated[str, StringConstraints(max_length=128)] = ""
    address: Annotated[str, StringConstraints(max_length=64)] = ""
    on: Text | None = None
