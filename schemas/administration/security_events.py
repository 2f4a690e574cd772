"""Security events of the console, for a security centre: on the topic `security-events`, and by syslog."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from schemas.base import Model, Text, When


class SecurityEventKind(StrEnum):
    """The kinds of security events: failed sign-ins (PASSWORD_WRONG, CODE_WRONG, PROVIDER_REFUSED; GUESSING: too many
    attempts at one login; SPRAYING: too many wrong answers from one address), refused requests (FORBIDDEN,
    TOKEN_REFUSED; TOO_OFTEN: above a limit), changes of second factors, and revealed personal data.

    KEY_REFUSED: a security key's answer is wrong. KEY_CLONED: a key's counter did not rise, so somebody may have a copy
    of it. MASS_REVEALING: one person revealed many residents' data within minutes.
    """

    PASSWORD_WRONG = "password-wrong"  # noqa: S105 - a kind's name
    CODE_WRONG = "code-wrong"  # of the authenticator, or a recovery code
    GUESSING = "guessing"  # too many attempts at one login: locked for a time
    SPRAYING = "spraying"  # too many wrong answers from one address, at all logins
    FORBIDDEN = "forbidden"  # not for this role, area or token, or a form that no page of the console sent
    TOKEN_REFUSED = "token-refused"  # noqa: S105 - a kind's name
    PROVIDER_REFUSED = "provider-refused"  # the OpenID provider did not vouch, or no account is bound
    RECOVERY_CODE_SPENT = "recovery-code-spent"
    SECOND_FACTOR_SET_UP = "second-factor-set-up"
    KEY_ADDED = "key-added"  # a security key
    KEY_REMOVED = "key-removed"
    KEY_REFUSED = "key-refused"  # a security key's answer is wrong: its challenge, origin, signature or verification
    KEY_CLONED = "key-cloned"  # a security key's counter did not rise: somebody may have a copy of it
    REVEALED = "revealed"  # a resident's data
    TOO_OFTEN = "too-often"  # above the limit of requests, searches, uploads or streams of a person, or of an address
    MASS_REVEALING = "mass-revealing"  # one person revealed many residents' data within minutes


class SecurityEvent(Model):
    """One security event. It has no personal data of residents, and no secret.

    `who`: a login; or, if no account has the typed text as login, "h:" and a keyed hash of that text, because people
    type passwords into that field; "" if unknown. `address`: the client's IPv4 address or IPv6 network. `on`: the route
    or the token's id.
    """

    at: When
    kind: SecurityEventKind
    who: Annotated[str, StringConstraints(max_length=128)] = ""
    address: Annotated[str, StringConstraints(max_length=64)] = ""
    on: Text | None = None
