"""Feed profiles and feed outages. Both are in Redis; the profiles are also on the topic `feeds`."""

from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.base import Model, Text, Token, When


class Hour(NamedTuple):
    """Counts of one hour of the week, summed over past weeks with fading. The unit is a window of ten seconds."""

    week: int  # number of the week since 1970 of the last addition, up to which older values have faded
    watched: float  # number of windows
    active: float  # number of windows with a signal
    signals: float  # number of signals


class FeedProfile(Model):
    """A source's usual traffic. Gaps are measured in expected arrivals: the number of ten-second windows in which a
    signal was to be expected.

    `last`: the window of the last signal, counted from 1970; `gaps`: number of gaps learnt from; `mean`, `square`:
    means of the gaps and of their squares; `hours`: by hour of the week, 0 to 167.
    """

    source: Token
    last: int  # number of the window, since 1970, of the last signal
    gaps: Annotated[int, Field(ge=0)]  # number of gaps learnt from, up to a limit
    mean: float  # of the gaps
    square: float  # mean square of the gaps
    hours: dict[int, Hour] = Field(default_factory=dict)  # by hour of the week, 0 to 167


class Silence(Model):
    """A feed outage: a source has sent nothing for longer than usual.

    `since`: the time of its last signal, None if it never sent any; `expected`: number of signals expected since then
    (if it never sent any: since the source is awaited); `words`: an English sentence for logs and the audit.
    """

    source: Token
    since: When | None
    expected: float  # signals that were expected meanwhile
    at: When  # when the alarm was raised
    words: Text
