"""What is learnt of a feed, and its silence: in Redis, the first also on the topic `feeds`."""

from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.base import Model, Text, Token, When


class Hour(NamedTuple):
    """One hour of the week, over the weeks that are remembered; counted in windows of ten seconds."""

    week: int  # since 1970, when it was last added to: what is older has faded until then
    watched: float  # windows
    active: float  # of them with a signal
    signals: float


class FeedProfile(Model):
    """How a source usually sends. Gaps are measured in the arrivals that were expected meanwhile."""

    source: Token
    last: int  # the window, since 1970, in which a signal came last
    gaps: Annotated[int, Field(ge=0)]  # learnt from, up to as many as are remembered
    mean: float
    square: float
    hours: dict[int, Hour] = Field(default_factory=dict)  # by hour of the week, 0 to 167


class Silence(Model):
    """A source that has sent nothing for too long. `since`: heard last; none when it never was."""

    source: Token
    since: When | None
    expected: float  # signals that should have come meanwhile
    at: When  # when it became an alarm
    words: Text
