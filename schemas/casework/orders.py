"""A stop order: a command to a bank about a payee's account, its legal ground, and who approved it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import MOST_FEN, Fen, Model, Reason, Ref, Text, Token, When
from schemas.casework.movements import MOST_TRACED
from schemas.codes.any_code import AnyCodeField
from schemas.levels import Action
from schemas.people.staff import StaffRole

MOST_PERSONS = 2  # that a policy may require for one order
MOST_HOURS = 48  # of one stop, by law (银发〔2016〕86号)
LegalGround = Annotated[str, Field(max_length=128)]
"""The law that a policy cites for an order without a person's approval; "" for every other order."""
DocumentNumber = Annotated[str, Field(min_length=1, max_length=64)]
"""An order's number as a document (文书号), unique in the province: 吉公反诈止付〔2026〕4817-3305-1192-1号."""


class OrderState(StrEnum):
    """The states of a stop order. A bank is asked to stop the account only while the order is approved."""

    PROPOSED = "proposed"  # waits for persons: no bank knows of it
    APPROVED = "approved"
    DECLINED = "declined"  # a person has decided against it
    WITHDRAWN = "withdrawn"  # no longer needed, before enough persons had approved
    UNDECIDED = "undecided"  # nobody decided while a stop could still help
    LAPSED = "lapsed"  # went out by an automatic rule, and nobody confirmed it in time
    HANDED_OVER = "handed_over"  # another authority has frozen the account
    OVERTURNED = "overturned"  # an objection was upheld


_AFTER_SENDING = (OrderState.APPROVED, OrderState.LAPSED, OrderState.OVERTURNED)


class Approval(Model):
    """A person's approval. `role`: the role in which the person acted."""

    by: Text
    role: StaffRole
    at: When


MOST_LATER_HOPS = 49  # of a trace, beyond the account that the approved order is about


class LaterLimits(Model):
    """What one approval covers beyond its own order: stops of accounts that the money goes on to.

    `hops`: transfers from the approved order's account; `accounts`: different accounts; `amount_fen`: the sum of the
    orders' amounts; `hours`: from the last signature until an order may be made.
    """

    hops: Annotated[int, Field(ge=1, le=MOST_LATER_HOPS)]
    accounts: Annotated[int, Field(ge=1, le=MOST_TRACED)]
    amount_fen: Annotated[int, Field(ge=1, le=MOST_FEN)]
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS)]

    def within(self, most: "LaterLimits") -> bool:
        """Return whether no limit is above the one of `most`."""
        here, there = (tuple(each.model_dump().values()) for each in (self, most))
        return all(mine <= highest for mine, highest in zip(here, there, strict=True))


class StandingApproval(Model):
    """The approval of later orders that was signed with an order. `persons`: how many must sign.

    `until`: the end of its hours, None until enough persons have signed; `ended_at`: when a person's decision, or the
    end of the order's stop, ended it.
    """

    limits: LaterLimits
    persons: Annotated[int, Field(ge=1, le=MOST_PERSONS)]
    approvals: tuple[Approval, ...]
    until: When | None = None
    ended_at: When | None = None

    @property
    def waits(self) -> bool:
        """Whether it waits for another person's signature."""
        return self.until is None and self.ended_at is None

    def in_force(self, now: datetime) -> bool:
        """Return whether orders may be made under it now, as far as its time goes."""
        return self.until is not None and self.ended_at is None and now <= self.until


LEAST_DECISION, MOST_DECISION = 4, 64  # characters of a freezing decision's number
LEAST_AUTHORITY, MOST_AUTHORITY = 2, 128
Decision = Annotated[Text, Field(min_length=LEAST_DECISION, max_length=MOST_DECISION)]
Authority = Annotated[Text, Field(min_length=LEAST_AUTHORITY, max_length=MOST_AUTHORITY)]


class CarriedOut(Model):
    """A bank's confirmation that it carried out an order at `at`. `until`: when the stop ends."""

    bank: Annotated[str, Field(max_length=256)]
    at: When
    until: When


class Freezing(Model):
    """An authority's decision to freeze an account (冻结), as a person recorded it. `decision`: its number."""

    decision: Decision
    authority: Authority
    by: Text
    at: When


class StopOrder(Model):
    """An order to stop a payee's account, or to extend a stop. `step`: the id of the plan's step that sends the order.

    `payee`: the account's token; `hours`: how long the stop lasts. `asked_by`: None if the plan proposed it. `due`: by
    when persons must have decided. `confirm_by`: by when a person must confirm an order that an automatic rule sent;
    None once somebody has. `carried_out`: None until the bank has confirmed it. `later`: the standing approval that was
    signed with it; `under`: the number of the order whose standing approval approved this one, else None.
    """

    step: Token
    number: DocumentNumber
    transfer: Ref
    payee: Annotated[str, Field(max_length=256)]
    amount_fen: Fen
    hours: Annotated[int, Field(ge=0, le=MOST_HOURS)]
    action: Action
    state: OrderState
    ground: AnyCodeField
    asked_by: Text | None = None
    asked_at: When
    due: When
    persons: Annotated[int, Field(ge=0, le=MOST_PERSONS)]
    roles: tuple[StaffRole, ...] = ()
    approvals: tuple[Approval, ...] = ()
    law: LegalGround = ""
    confirm_by: When | None = None
    carried_out: CarriedOut | None = None
    freezing: Freezing | None = None
    later: StandingApproval | None = None
    under: DocumentNumber | None = None

    @property
    def decidable(self) -> bool:
        """Whether a person can still decide: the order waits for approval, or an automatic rule sent it and nobody
        confirmed it.
        """
        return self.state is OrderState.PROPOSED or self.confirm_by is not None

    @property
    def went_out(self) -> bool:
        """Whether a bank may have got the order. One that a rule sent (`persons` is 0) was out when it was declined.
        One that waited for persons when its account was handed over was not out.
        """
        if self.state is OrderState.HANDED_OVER:
            return len(self.approvals) >= self.persons
        return self.state in _AFTER_SENDING or (self.state is OrderState.DECLINED and self.persons == 0)


class ApproveStopAct(Model):
    """Approve a proposed stop order, or confirm an order that an automatic rule sent. `order`: the id of the order's
    step.

    `institution`: the payee's bank or payment institution, where the order does not know it. `later`: stops of the
    accounts that the money goes on to are approved too, within these limits. With it the act may also follow the
    order's approval: to add the standing approval, or the second signature that it needs.
    """

    do: Literal["approve_stop"] = "approve_stop"
    order: Token
    institution: Token | None = None
    later: LaterLimits | None = None


class DeclineStopAct(Model):
    """Decide against a stop order. No bank gets a proposed order; an order that an automatic rule sent is lifted."""

    do: Literal["decline_stop"] = "decline_stop"
    order: Token
    reason: Reason


class HandOverStopAct(Model):
    """Record that an authority has frozen the account of a stop order: the order is handed over to that authority.

    Banks are no longer asked to stop the account. `decision`: the number of the freezing decision.
    """

    do: Literal["hand_over_stop"] = "hand_over_stop"
    order: Token
    decision: Decision
    authority: Authority
