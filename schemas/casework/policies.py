"""Which policy is in force, which one is gone back to if it floods the province, and which ones did."""

from pydantic import Field

from schemas.base import Model, Note, Text, When


class Stopped(Model):
    """A policy that the breaker has stopped. `hold`: what keeps its cases back, until `until`."""

    at: When
    reason: Note
    hold: str
    until: When


class Earlier(Model):
    """A policy that was in force before, since when and by whom."""

    policy: str
    since: When
    by: Text


class InForce(Model):
    """The policy in force. `good`: the last one that was in force for a whole trial, or has none before it."""

    policy: str
    good: str
    since: When
    by: Text
    override: Note = ""  # why a policy that was stopped is in force all the same: it is not judged again
    stopped: dict[str, Stopped] = Field(default_factory=dict)  # by the policy's hash
    earlier: list[Earlier] = Field(default_factory=list)  # those before it, the latest first
