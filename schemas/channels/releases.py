"""Requests to lift a stop-payment: asked by one person, decided by another; as they lie on the topic `releases`."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from schemas.base import Fen, Model, Note, Token, When, legible
from schemas.casework.cases import CaseId
from schemas.people.residents import DivisionCode, ResidentId
from schemas.people.staff import Login

MOST_REASON = 300
Why = Annotated[str, AfterValidator(legible), StringConstraints(min_length=2, max_length=MOST_REASON)]
"""Why a stop shall be lifted, or is not: short enough that both names fit beside it into the case's reason."""


class ReleaseState(StrEnum):
    """A request's life: open until somebody else has decided."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


class ReleaseRequest(Model):
    """Hardship, or a stop that was wrong. `payment`: the place in the case; `division`: where the payer lives."""

    id: Token
    case: CaseId
    resident: ResidentId
    payment: Annotated[int, Field(ge=0)]
    transfer: Annotated[str, Field(min_length=1, max_length=256)]
    amount_fen: Fen
    division: DivisionCode
    asked_by: Login
    asked_at: When
    due: When  # by when somebody has to decide
    reason: Why
    evidence: Note = ""  # what was shown for it: a hospital's bill, a wage slip
    state: ReleaseState = ReleaseState.ASKED
    decided_by: Login | None = None
    decided_at: When | None = None
    words: Note = ""  # of who decided: why it was refused
