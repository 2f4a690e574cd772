"""The policy in force, the one to revert to if it raises too many cases, and earlier ones."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Text, When
from schemas.codes.base import CodeField
from schemas.codes.plan import BreakerCode


class Stopped(Model):
    """A policy that the breaker stopped. `hold`: holds its cases back, until `until`."""

    at: When
    reason: Annotated[BreakerCode, CodeField()]
    hold: str
    until: When


class Earlier(Model):
    """A policy that was in force before, since when, and who published it."""

    policy: str
    since: When
    by: Text


class InForce(Model):
    """The policy in force (a digest). `good`: the last one that passed its trial, or the first one.

    `override`: why a stopped policy is in force again; `stopped`: the breaker's, by digest; `earlier`: latest first.
    """

    policy: str
    good: str
    since: When
    by: Text
    override: Note = ""  # why a stopped policy is in force again: it is not judged again
    stopped: dict[str, Stopped] = Field(default_factory=dict)  # by digest
    earlier: list[Earlier] = Field(default_factory=list)  # earlier policies, latest first
