"""A hold on outgoing transfers of the resident's own account: the last resort, approved by two persons, for a limited
time.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Fen, Model, Note, Reason, Text, Token, When
from schemas.casework.orders import Approval, DocumentNumber, LegalGround
from schemas.levels import LastResort
from schemas.people.staff import StaffRole

MOST_OWN_HOLDS = 20  # of a case, of those that are open or took effect
MOST_KEPT_HOLDS = 2 * MOST_OWN_HOLDS  # in a case's state: the oldest of the others leave it; the journal has them
MOST_DELAY_HOURS = 24  # of a delay, while somebody talks with the resident
MOST_HOLD_DAYS = 30  # of one hold: Singapore's Protection from Scams Act 2025 has the same
LEAST_HOLD_PERSONS, MOST_HOLD_PERSONS = 2, 3


class AllowanceSpan(StrEnum):
    """The span of time for which the living allowance is granted, again and again."""

    DAY = "day"
    WEEK = "week"


class OwnHoldState(StrEnum):
    """The states of a hold. PROPOSED: waits for persons, and no bank knows of it; ASKED: approved, on its way to the
    bank; IN_FORCE: confirmed by the bank; UNCONFIRMED: the bank has not answered, so it may have the hold or not;
    LIFTING: the bank is asked to end it. These five are open, the others are final.

    LIFTED: the bank ended it early; ENDED: its time is over; DECLINED: by a person; UNDECIDED: not enough persons
    approved in time; WITHDRAWN: no longer needed before the bank confirmed it; REFUSED: by the bank; FAILED: the order
    could not be sent.
    """

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
        """True if the hold waits for persons, is on its way to the bank, or may be in force there (the first five
        states).
        """
        return self in _OPEN

    @property
    def liftable(self) -> bool:
        """True if the hold can be lifted, and therefore objected to: the bank has it, may have it, or is about to get
        it (ASKED, IN_FORCE, UNCONFIRMED).
        """
        return self in _AT_THE_BANK

    @property
    def counts_for_account(self) -> bool:
        """True if the hold counts towards the number of holds that the policy permits for one account, because a bank
        has or may have had it.
        """
        return self in _AT_THE_BANK | {OwnHoldState.LIFTING, OwnHoldState.LIFTED, OwnHoldState.ENDED}


_AT_THE_BANK = frozenset({OwnHoldState.ASKED, OwnHoldState.IN_FORCE, OwnHoldState.UNCONFIRMED})
_OPEN = _AT_THE_BANK | {OwnHoldState.PROPOSED, OwnHoldState.LIFTING}


class OwnHold(Model):
    """A hold on one of the resident's own accounts (`own_account`: a token). `id`: unique in the case.

    A delay is a hold of hours, for which a bank is asked while an operator talks with the resident: it has `hours`, and
    no `days`; a hold has the reverse. A delay may need no approval (`persons` 0).

    `law`: the local ground that the policy cites; `allowance_fen`: what the resident may still pay or draw in each
    `allowance_span`; `due`: by when persons must have decided. `until`: when it ends at the latest: None until it is
    approved; the bank may name an earlier end. `step`: of the request to the bank; None until then.
    """

    id: Token
    number: DocumentNumber
    own_account: Annotated[str, Field(max_length=256)]
    state: OwnHoldState
    resort: LastResort
    reason: Note  # "" of a delay, whose ground is the talk
    law: LegalGround
    days: Annotated[int, Field(ge=0, le=MOST_HOLD_DAYS)]
    hours: Annotated[int, Field(ge=0, le=MOST_DELAY_HOURS)] = 0
    allowance_fen: Annotated[Fen, Field(ge=1)]
    allowance_span: AllowanceSpan
    persons: Annotated[int, Field(ge=0, le=MOST_HOLD_PERSONS)]
    roles: tuple[StaffRole, ...]
    asked_by: Text
    asked_at: When
    due: When
    approvals: tuple[Approval, ...] = ()
    step: Token | None = None
    until: When | None = None
    confirmed_at: When | None = None  # by the bank
    bank: Token | None = None  # that has confirmed it

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if bool(self.days) is self.is_delay:
            raise ValueError("a hold has days, a delay has hours")
        if not self.is_delay and self.persons < LEAST_HOLD_PERSONS:
            raise ValueError(f"a hold needs {LEAST_HOLD_PERSONS} persons")
        return self

    @property
    def counts_for_case(self) -> bool:
        """True if the hold counts towards the number of holds that one case may have: it is open, or a bank has or may
        have had it.
        """
        return self.state.open or self.state.counts_for_account

    @property
    def is_delay(self) -> bool:
        """True if it is a delay, which lasts hours; False for a hold, which lasts days."""
        return self.hours > 0


class OwnHoldAnswerState(StrEnum):
    """A bank's answers to a hold on the resident's own account. IN_FORCE: it has begun; REFUSED: the bank does not
    carry out the order; LIFTED: it has ended, as ordered or by the bank's own decision.
    """

    IN_FORCE = "in_force"
    REFUSED = "refused"
    LIFTED = "lifted"  # asked for, or by the bank itself


class ProposeHoldAct(Model):
    """Propose a hold on outgoing transfers of the resident's own account. `account`: its index in the case, from 0.

    `duress`: True if the operator states that somebody forces the resident; otherwise the case must show that a contact
    has not dissuaded them. `reason`: a text for the persons who approve.
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


class DelayOutgoingAct(Model):
    """Ask the banks of the resident's own accounts to delay outgoing transfers while the operator talks with them."""

    do: Literal["delay_outgoing"] = "delay_outgoing"


class EndDelayAct(Model):
    """End the delays of the resident's own accounts before their time."""

    do: Literal["end_delay"] = "end_delay"
