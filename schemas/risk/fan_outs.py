"""How an entry of the watchlist reaches those who paid before: records of the signals' lanes, a request to a person."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Model, Note, Reason, Token, When
from schemas.people.staff import Login
from schemas.risk.evidence import WatchEntry


class FanOut(Model):
    """A record of the topic: the next slice of an entry's fan-out. `id` names the fan-out, `number` counts its slices.

    `after`: the payment after which the slice begins, as Redis keeps it. `at` is the moment at which its payers' risk
    is found, `arrived` the arrival of what began the fan-out: the latency's start.
    """

    kind: Literal["fan_out"] = "fan_out"
    id: Token
    number: Annotated[int, Field(ge=1)]
    entry: WatchEntry
    after: Annotated[str, Field(min_length=1, max_length=1_000)]
    at: When
    arrived: When


class PayersAnswered(Model):
    """A record of the topic: a person has decided whether those who paid before are alerted."""

    kind: Literal["payers_answered"] = "payers_answered"
    request: Token
    subject: Annotated[str, Field(pattern=r"^account:.+$")]
    alert: bool
    by: Login
    at: When
    reason: Reason


class RequestState(StrEnum):
    """A request's life: open until a person has answered, or another entry took the place of the one it is about."""

    ASKED = "asked"
    ALERTED = "alerted"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"


class PayersRequest(Model):
    """An entry of the watchlist would alert more payers of earlier payments than the policy allows without asking.

    `at`: since when it waits. `payments`: how many there were within the policy's window when it began to wait.
    """

    id: Token
    entry: WatchEntry
    source: Token
    at: When
    payments: Annotated[int, Field(ge=0)]
    state: RequestState = RequestState.ASKED
    answered_by: Login | None = None
    answered_at: When | None = None
    reason: Note = ""
