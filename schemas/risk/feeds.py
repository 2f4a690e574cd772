"""Feed profiles and outages: in Redis, the profiles also on the topic `feeds`."""

from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.base import Model, Text, Token, When


class Hour(NamedTuple):
    """One hour of the week, over the weeks remembered; counted in windows of ten seconds."""

    week: int  # number of the week since 1970 of the last addition, up to which older values have faded
    watched: float  # number of windows
    active: float  # number of windows with a signal
    signals: float  # number of signals


class FeedProfile(Model):
    """A source's usual traffic. Gaps are measured in expected arrivals: windows of ten seconds with any signal.

    `last`: the window of the last signal, counted from 1970; `gaps`: how many were learnt from; `mean`, `square`: of
    the gaps and of their squares; `hours`: by hour of the week, 0 to 167.
    """

    source: Token
    last: int  # number of the window, since 1970, of the last signal
    gaps: Annotated[int, Field(ge=0)]  # number of gaps learnt from, up to a limit
    mean: float  # of the gaps
    square: float  # mean square of the gaps
    hours: dict[int, Hour] = Field(default_factory=dict)  # by hour of the week, 0 to 167


class Silence(Model):
    """A feed outage: a source that has sent nothing for too long.

    `since`: its last signal, or None if it never sent any.
    """

    source: Token
    since: When | None
    expected: float  # signals that were expected meanwhile
    at: When  # when the alarm was raised
    words: Text
