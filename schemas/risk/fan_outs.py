"""Alerting earlier payers of a suspect: fan-out records on the signals' lanes, and requests to a person."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Model, Note, Reason, Token, When
from schemas.people.staff import Login
from schemas.risk.evidence import WatchEntry


class FanOut(Model):
    """A record that starts the next slice of an entry's fan-out. `id`: of the whole fan-out; `number`: of the slice,
    from 1.

    `after`: the payment after which the slice begins, as stored in Redis. `at`: the time for which the payers' risk is
    assessed. `arrived`: when the signal that began the fan-out arrived, from which latency is measured.
    """

    kind: Literal["fan_out"] = "fan_out"
    id: Token
    number: Annotated[int, Field(ge=1)]
    entry: WatchEntry
    after: Annotated[str, Field(min_length=1, max_length=1_000)]
    at: When
    arrived: When


class PayersAnswered(Model):
    """A person's decision on the request `request`. `alert`: True if the earlier payers of the suspect `subject` are to
    be alerted.
    """

    kind: Literal["payers_answered"] = "payers_answered"
    request: Token
    subject: Annotated[str, Field(pattern=r"^(account|phone):.+$")]
    alert: bool
    by: Login
    at: When
    reason: Reason


class RequestState(StrEnum):
    """The state of a request to alert earlier payers. ASKED: no person has answered; ALERTED: yes, and the payers are
    alerted; REFUSED: no; OVERTAKEN: a new watchlist entry has replaced the one that it was about.
    """

    ASKED = "asked"
    ALERTED = "alerted"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"


class PayersRequest(Model):
    """A request to a person: a watchlist entry would alert more earlier payers than the policy allows without asking.

    `at`: when the request was made; `payments`: the number of payments within the policy's window at that time.
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
