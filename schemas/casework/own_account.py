"""A hold on outgoing transfers of the resident's own account: the last resort, ordered by two persons, for a time."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Fen, Model, Reason, Text, Token, When
from schemas.casework.orders import Approval, DocumentNumber, LegalGround
from schemas.levels import LastResort
from schemas.people.staff import StaffRole

MOST_OWN_HOLDS = 20  # of a case
MOST_HOLD_DAYS = 30  # of one hold: Singapore's Protection from Scams Act 2025 has the same
LEAST_HOLD_PERSONS, MOST_HOLD_PERSONS = 2, 3


class AllowanceSpan(StrEnum):
    """How often the resident may use the living allowance."""

    DAY = "day"
    WEEK = "week"


class OwnHoldState(StrEnum):
    """The states of a hold. No bank knows of one before it is ASKED. The first five are open, the others are ends."""

    PROPOSED = "proposed"  # waits for persons
    ASKED = "asked"  # approved, and on its way to the bank
    IN_FORCE = "in_force"  # the bank has confirmed it
    UNCONFIRMED = "unconfirmed"  # the bank has not answered: it may have it or not
    LIFTING = "lifting"  # the bank is asked to end it
    LIFTED = "lifted"  # the bank has ended it early
    ENDED = "ended"  # its time is over
    DECLINED = "declined"
    UNDECIDED = "undecided"  # not enough persons approved in time
    WITHDRAWN = "withdrawn"  # no longer needed before the bank had confirmed it
    REFUSED = "refused"  # by the bank
    FAILED = "failed"  # the order could not be sent

    @property
    def open(self) -> bool:
        """Whether the hold waits for persons, is on its way to the bank, or has an effect there."""
        return self in _OPEN

    @property
    def liftable(self) -> bool:
        """Whether the hold can be lifted, and so objected to: the bank has it, may have it, or is about to get it."""
        return self in _AT_THE_BANK

    @property
    def counts(self) -> bool:
        """Whether the hold counts among those that the policy permits for an account: a bank has or may have had it."""
        return self in _AT_THE_BANK | {OwnHoldState.LIFTING, OwnHoldState.LIFTED, OwnHoldState.ENDED}


_AT_THE_BANK = frozenset({OwnHoldState.ASKED, OwnHoldState.IN_FORCE, OwnHoldState.UNCONFIRMED})
_OPEN = _AT_THE_BANK | {OwnHoldState.PROPOSED, OwnHoldState.LIFTING}


class OwnHold(Model):
    """A hold on one of the resident's own accounts (`own_account`: a token). `id`: unique in the case.

    `law`: the local ground that the policy cites; `allowance_fen`: what the resident may still pay or draw in each
    `allowance_span`; `due`: by when persons must have decided. `until`: when it ends at the latest: None until it is
    approved; the bank may name an earlier end. `step`: of the request to the bank; None until then.
    """

    id: Token
    number: DocumentNumber
    own_account: Annotated[str, Field(max_length=256)]
    state: OwnHoldState
    resort: LastResort
    reason: Reason
    law: LegalGround
    days: Annotated[int, Field(ge=1, le=MOST_HOLD_DAYS)]
    allowance_fen: Annotated[Fen, Field(ge=1)]
    allowance_span: AllowanceSpan
    persons: Annotated[int, Field(ge=LEAST_HOLD_PERSONS, le=MOST_HOLD_PERSONS)]
    roles: tuple[StaffRole, ...]
    asked_by: Text
    asked_at: When
    due: When
    approvals: tuple[Approval, ...] = ()
    step: Token | None = None
    until: When | None = None
    confirmed_at: When | None = None  # by the bank
    bank: Token | None = None  # that has confirmed it


class OwnHoldAnswerState(StrEnum):
    """A bank's answers to a hold on the resident's own account."""

    IN_FORCE = "in_force"
    REFUSED = "refused"
    LIFTED = "lifted"  # asked for, or by the bank itself


class ProposeHoldAct(Model):
    """Propose a hold on outgoing transfers of the resident's own account. `account`: its index in the case, from 0.

    `duress`: the operator states that somebody forces the resident; else the case must show that a contact has not
    dissuaded them. `reason`: what the approvers must know.
    """

    do: Literal["propose_hold"] = "propose_hold"
    account: Annotated[int, Field(ge=0, le=63)]
    duress: bool = False
    reason: Reason


class ApproveHoldAct(Model):
    """Approve a proposed hold on the resident's own account. `hold`: its id."""

    do: Literal["approve_hold"] = "approve_hold"
    hold: Token


class DeclineHoldAct(Model):
    """Decide against a proposed hold: no bank gets it."""

    do: Literal["decline_hold"] = "decline_hold"
    hold: Token
    reason: Reason


class LiftHoldAct(Model):
    """End a hold before its time: the bank is asked to lift it."""

    do: Literal["lift_hold"] = "lift_hold"
    hold: Token
    reason: Reason
