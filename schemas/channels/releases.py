"""Requests to lift a stop-payment, on the topic `releases`: one person asks, another decides."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from schemas.base import Fen, Model, Note, Token, When, legible
from schemas.casework.cases import CaseId
from schemas.people.residents import DivisionCode, ResidentId
from schemas.people.staff import Login

LEAST_REASON, MOST_REASON = 2, 300
Why = Annotated[str, AfterValidator(legible), StringConstraints(min_length=LEAST_REASON, max_length=MOST_REASON)]
"""The reason for lifting a stop, or for refusing."""


class ReleaseState(StrEnum):
    """The state of a request to lift a stop: ASKED until another person has decided."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


class ReleaseRequest(Model):
    """A request to lift a stop, for hardship or because the stop was wrong.

    `payment`: the payment's index in the case, from 0; `division`: the payer's division code.
    """

    id: Token
    case: CaseId
    resident: ResidentId
    payment: Annotated[int, Field(ge=0)]
    transfer: Annotated[str, Field(min_length=1, max_length=256)]
    amount_fen: Fen
    division: DivisionCode
    asked_by: Login
    asked_at: When
    due: When  # by when somebody must decide
    reason: Why
    evidence: Note = ""  # the documents shown: a hospital's bill, a wage slip
    state: ReleaseState = ReleaseState.ASKED
    decided_by: Login | None = None
    decided_at: When | None = None
    words: Note = ""  # the decider's words, such as the reason for refusing
