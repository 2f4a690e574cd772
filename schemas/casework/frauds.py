"""What a case keeps of warnings that reached the resident, and of frauds that the police recorded afterwards."""

from typing import Annotated

from pydantic import Field

from schemas.base import Fen, Model, Ref, Token, When
from schemas.levels import Action, Level
from schemas.risk.reported_frauds import MatchedBy, MatchStrength, RecordVersion

MOST_WARNINGS, MOST_FRAUDS = 64, 16  # kept in one case

MessageName = Annotated[str, Field(max_length=96)]
"""The name of a message's template, such as `sms.zh.police`, or of an operator's script, such as
`operator_call.police`; "" for a warning without one, such as a visit."""


class GivenWarning(Model):
    """A warning that reached the resident, or a trusted contact of theirs.

    `number`: of the case that gave it; a later case knows it too. `level`: of the case at that time.
    """

    number: Annotated[int, Field(ge=1)]
    at: When
    level: Level
    action: Action
    message: MessageName = ""


class RecordedFraud(Model):
    """A fraud in the police's own records whose victim is the resident. `id`: the record's, `source:id`.

    `number`: of the case in which it was first recorded. It counts there, unless it happened before that case was
    opened and the case is not the resident's first. `happened_at`: its last payment, or the report if the record states
    none (`dated` false). `loss_fen`: None if not stated. `after_warning_days`: days from the latest warning before it;
    None if no warning of the 90 days before came. `by`, `strength`: how the record was matched.
    """

    id: Ref
    number: Annotated[int, Field(ge=1)]
    version: RecordVersion
    happened_at: When
    reported_at: When
    loss_fen: Fen | None = None
    scam_type: Token | None = None
    dated: bool
    by: MatchedBy
    strength: MatchStrength
    after_warning_days: Annotated[float, Field(ge=0)] | None = None
