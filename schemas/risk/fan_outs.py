"""How a watchlist entry reaches earlier payers: fan-out records on the signals' lanes, and requests to a person."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Model, Note, Reason, Token, When
from schemas.people.staff import Login
from schemas.risk.evidence import WatchEntry


class FanOut(Model):
    """A record for the next slice of an entry's fan-out. `id` identifies the fan-out, `number` counts its slices.

    `after`: the payment after which the slice begins, as stored in Redis. `at`: the time for which its payers' risk is
    assessed. `arrived`: the arrival of the signal that began the fan-out, from which latency is measured.
    """

    kind: Literal["fan_out"] = "fan_out"
    id: Token
    number: Annotated[int, Field(ge=1)]
    entry: WatchEntry
    after: Annotated[str, Field(min_length=1, max_length=1_000)]
    at: When
    arrived: When


class PayersAnswered(Model):
    """A record with a person's decision on alerting earlier payers."""

    kind: Literal["payers_answered"] = "payers_answered"
    request: Token
    subject: Annotated[str, Field(pattern=r"^account:.+$")]
    alert: bool
    by: Login
    at: When
    reason: Reason


class RequestState(StrEnum):
    """The state of a request: open (ASKED) until a person answers, or another entry replaces its own (OVERTAKEN)."""

    ASKED = "asked"
    ALERTED = "alerted"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"


class PayersRequest(Model):
    """A watchlist entry would alert more earlier payers than the policy allows without asking.

    `at`: when it began to wait. `payments`: their number within the policy's window at that time.
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
