"""Policies not in force: drafts that await a second person, and the policy that runs in shadow."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Text, Token, When
from schemas.casework.inputs import PolicyHash
from schemas.people.staff import Area

MOST_CHARACTERS = 200_000  # eight times Jilin's policy; in UTF-8 and JSON it fits in a Kafka record


class DraftState(StrEnum):
    """The state of a policy draft. DROPPED: its authors gave it up."""

    OPEN = "open"
    PUBLISHED = "published"
    DROPPED = "dropped"


class Draft(Model):
    """A policy text that somebody wants to put in force. The text may be invalid; only a valid text is published.

    `writers`: all persons who wrote the text; none of them may publish it. `base`: the policy that was in force when
    the draft was begun.
    """

    id: Token
    area: Area = ""  # of the person who began it; people of other areas do not see it
    version: Annotated[int, Field(ge=1)] = 1
    text: Annotated[str, Field(max_length=MOST_CHARACTERS)]
    base: PolicyHash
    at: When
    by: Text  # the person who changed it last
    writers: Annotated[list[Text], Field(min_length=1, max_length=100)]
    note: Note = ""
    state: DraftState = DraftState.OPEN
    policy: PolicyHash | None = None  # the hash under which it was published


class InShadow(Model):
    """The policy that runs in shadow: it scores the signals beside the policy in force, and no alert is sent for it.

    `policy`: its hash, None if no policy runs in shadow.
    """

    policy: PolicyHash | None
    since: When
    by: Text
