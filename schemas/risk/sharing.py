"""Suspects that other centres may be told of: the only store of a suspect's plain number beside the signals."""

from datetime import UTC
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import LongText, Model, Token, When


class Tlp(StrEnum):
    """With whom a confirmed suspect may be shared: the levels of the Traffic Light Protocol 2.0 of FIRST, the widest
    first.
    """

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


class SharedSuspect(Model):
    """A confirmed suspect that is shared, or was until it was lifted or marked otherwise (`revoked`).

    `id`: its subject on the watchlist, with a token in place of the number; `suspect`: the telephone, account number or
    link itself. `since`: the time from which it has been shared; `at`: of the latest decision. `tlp`: the recipients;
    of a revoked suspect, those who may have had it.
    """

    id: Annotated[str, Field(pattern=r"^(account|phone|link):[^@]+$", max_length=128)]
    suspect: LongText
    since: When
    at: When
    scam_type: Token | None = None
    tlp: Tlp
    revoked: bool = False

    @property
    def period(self) -> str:
        """Return the id of the period of sharing: the suspect's id, a space, and `since` in UTC (ISO 8601). A suspect
        that is shared again after a withdrawal gets a new id, so that the withdrawal remains for recipients who have
        not read it.
        """
        return f"{self.id} {self.since.astimezone(UTC).isoformat()}"
