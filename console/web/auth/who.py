"""The person or program of a request, their role and area, and the errors for missing rights."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from schemas.people.staff import Scope, StaffRole


@dataclass(frozen=True, slots=True)
class Who:
    """The account that sends a request. `area`: the prefix of the division codes that it is responsible for; "":
    everywhere.

    `officer`: the officer's id on the rosters, or None.
    """

    login: str
    name: str
    role: StaffRole
    area: str
    station: str | None
    officer: str | None
    session: str  # the hash of the session's token, or "token:" and the API token's id
    scopes: frozenset[Scope] = frozenset()  # of the API token; a person's session has none
    token: str | None = None  # the API token's id, which goes into the audit

    def sees(self, division: str) -> bool:
        """Return True if a division code is in the account's area."""
        return division.startswith(self.area)

    def require(self, division: str) -> None:
        """Raise OtherAreaError unless a division code is in the account's area."""
        if not self.sees(division):
            raise OtherAreaError


class NotSignedInError(Exception):
    """Nobody is signed in: a page redirects to the sign-in, the API answers 401."""


class ForbiddenError(Exception):
    """The role may not do this, or the request has no valid CSRF token: 403."""


class NotFoundError(Exception):
    """The object does not exist or is in another area. Both are answered with 404, so that the answer
    reveals nothing.
    """


class OtherAreaError(NotFoundError):
    """The object is in another area. The answer is that of NotFoundError; a security event records the attempt."""


def whole_province(who: Who) -> None:
    """Raise ForbiddenError if the person is responsible only for a part of the province. For pages about the whole
    province: policies and the official form.
    """
    if who.area:
        raise ForbiddenError


def _who(request: Request) -> Who:
    found: Who = request.state.who  # set by the door's guard, which runs first
    return found


Signed = Annotated[Who, Depends(_who)]
"""A parameter type of an endpoint behind a door (kit/door.py): the signed-in account."""
