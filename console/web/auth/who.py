"""The person of a request, and what lies in that person's area."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from schemas.people.staff import StaffRole


@dataclass(frozen=True, slots=True)
class Who:
    """Who is signed in. `area`: the beginning of the division codes he is responsible for; empty is all."""

    login: str
    name: str
    role: StaffRole
    area: str
    station: str | None
    officer: str | None
    session: str  # a hash of the session's token: the CSRF token is made of it

    def sees(self, division: str) -> bool:
        """Whether a place is in the person's area."""
        return division.startswith(self.area)


class NotSignedInError(Exception):
    """Nobody is signed in: a page leads to the sign-in, the API answers 401."""


class ForbiddenError(Exception):
    """The person may not do this: 403."""


class NotFoundError(Exception):
    """There is no such thing, or it lies in another's area, which is not told apart: 404."""


def _who(request: Request) -> Who:
    found: Who = request.state.who  # set by the door's guard, which runs first
    return found


Signed = Annotated[Who, Depends(_who)]
"""A parameter of an endpoint behind a door: who is signed in."""
