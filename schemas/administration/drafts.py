"""Policies that are not in force: a draft on its way to a second person, and the one that runs in shadow."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Text, Token, When
from schemas.casework.inputs import PolicyHash

MOST_CHARACTERS = 200_000  # eight times Jilin's policy; in UTF-8 and JSON it fits a record of Kafka's


class DraftState(StrEnum):
    """What became of it."""

    OPEN = "open"
    PUBLISHED = "published"
    DROPPED = "dropped"


class Draft(Model):
    """A policy's text that somebody wants in force. It may be wrong still; only a right one is published.

    `writers`: all who wrote its text: none of them publishes it. `base`: the policy in force as it was begun.
    """

    id: Token
    version: Annotated[int, Field(ge=1)] = 1
    text: Annotated[str, Field(max_length=MOST_CHARACTERS)]
    base: PolicyHash
    at: When
    by: Text  # who changed it last
    writers: Annotated[list[Text], Field(min_length=1, max_length=100)]
    note: Note = ""
    state: DraftState = DraftState.OPEN
    policy: PolicyHash | None = None  # as which it was published


class InShadow(Model):
    """The policy that is scored beside the one in force; none: nothing is. Its alerts go to nobody."""

    policy: PolicyHash | None
    since: When
    by: Text
