"""The policy in force, the policy to revert to if it raises too many cases, and earlier policies."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Text, When
from schemas.codes.base import CodeField
from schemas.codes.plan import BreakerCode


class Stopped(Model):
    """A policy that the breaker stopped. `hold`: the id of the hold that keeps its cases back until `until`."""

    at: When
    reason: Annotated[BreakerCode, CodeField()]
    hold: str
    until: When


class Earlier(Model):
    """A policy that was in force before: its digest, since when it was in force, and who published it."""

    policy: str
    since: When
    by: Text


class InForce(Model):
    """The policy in force, as a digest. `good`: the last policy that passed its trial, or the first policy.

    `override`: why a stopped policy is in force again ("" if not); `stopped`: policies that the breaker stopped, by
    digest; `earlier`: earlier policies, latest first.
    """

    policy: str
    good: str
    since: When
    by: Text
    override: Note = ""  # why a stopped policy is in force again: it is not judged again
    stopped: dict[str, Stopped] = Field(default_factory=dict)  # by digest
    earlier: list[Earlier] = Field(default_factory=list)  # earlier policies, latest first
