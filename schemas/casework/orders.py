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
MOST_STOPS = 2  # requests for a stop that one account gets, by the same law; a policy may have less
LegalGround = Annotated[str, Field(max_length=128)]
"""The law that a policy cites for an order without a person's approval; "" for every other order."""
DocumentNumber = Annotated[str, Field(min_length=1, max_length=64)]
"""An order's number as a document (文书号), unique in the province: 吉公反诈止付〔2026〕4817-3305-1192-1号."""


class OrderState(StrEnum):
    """The states of a stop order. PROPOSED: waits for persons, and no bank knows of it; DECLINED: a person decided
    against it; WITHDRAWN: no longer needed before it was sent; UNDECIDED: nobody decided while a stop could still
    help; LAPSED: an automatic rule sent it, and nobody confirmed it in time; HANDED_OVER: another authority has frozen
    the account; OVERTURNED: an objection was upheld.

    A bank is asked to stop the account only while the order is APPROVED.
    """

    PROPOSED = "proposed"  # waits for persons: no bank knows of it
    APPROVED = "approved"
    DECLINED = "declined"  # a person has decided against it
    WITHDRAWN = "withdrawn"  # no longer needed, before it was sent to a bank
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
    """The limits of a standing approval: which further stops, of accounts that the money goes on to, one approval
    covers.

    `hops`: the most transfers from the approved order's account. `accounts`: the most different accounts. `amount_fen`:
    the highest sum of the orders' amounts. `hours`: the time from the last signature within which an order must be
    made.
    """

    hops: Annotated[int, Field(ge=1, le=MOST_LATER_HOPS)]
    accounts: Annotated[int, Field(ge=1, le=MOST_TRACED)]
    amount_fen: Annotated[int, Field(ge=1, le=MOST_FEN)]
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS)]

    def within(self, most: "LaterLimits") -> bool:
        """Return True if each of the four limits is at most as high as the same limit of `most`; equal limits count as
        within.
        """
        here, there = (tuple(each.model_dump().values()) for each in (self, most))
        return all(mine <= highest for mine, highest in zip(here, there, strict=True))


class StandingApproval(Model):
    """The approval of later orders that persons signed together with an order. `persons`: how many must sign.

    `until`: the end of its hours; None until enough persons have signed. `ended_at`: when a person's decision, or the
    end of the order's stop, ended it; None while it has not ended.
    """

    limits: LaterLimits
    persons: Annotated[int, Field(ge=1, le=MOST_PERSONS)]
    approvals: tuple[Approval, ...]
    until: When | None = None
    ended_at: When | None = None

    @property
    def waits(self) -> bool:
        """True if the standing approval has not ended and still needs another person's signature."""
        return self.until is None and self.ended_at is None

    def in_force(self, now: datetime) -> bool:
        """Return True if enough persons have signed, nobody has ended the approval, and `now` is before `until`.
        `now` must have a UTC offset.
        """
        return self.until is not None and self.ended_at is None and now < self.until


LEAST_DECISION, MOST_DECISION = 4, 64  # characters of a freezing decision's number
LEAST_AUTHORITY, MOST_AUTHORITY = 2, 128
Decision = Annotated[Text, Field(min_length=LEAST_DECISION, max_length=MOST_DECISION)]
Authority = Annotated[Text, Field(min_length=LEAST_AUTHORITY, max_length=MOST_AUTHORITY)]


class CarriedOut(Model):
    """A bank's confirmation that it carried out an order at `at`. `until`: when the stop ends."""

    bank: Annotated[str, Field(max_length=256)]
    at: When
    until: When


class FreezeEndKind(StrEnum):
    """How a freeze ended. BANK: by the bank's word; DECISION: by a decision of the authority, as a person recorded;
    PERIOD: its time was over, and no renewal was recorded.
    """

    BANK = "bank"
    DECISION = "decision"
    PERIOD = "period"


class FreezeEnd(Model):
    """The end of a freeze (解除冻结) at `at`. `decision`, `by`: of DECISION, the number of the authority's decision and
    the person who recorded it; else "" and None. `freed`: of PERIOD, how much (fen) of each transfer was frozen until
    then by its bank's word, which the bank has not withdrawn. `told`: True if the bank has said so too (BANK: False).
    """

    kind: FreezeEndKind
    at: When
    decision: Annotated[Text, Field(max_length=MOST_DECISION)] | Literal[""] = ""
    by: Text | None = None
    freed: dict[Ref, Fen] = Field(default_factory=dict)
    told: bool = False


class Freezing(Model):
    """An authority's decision to freeze an account (冻结), as a person recorded it. `decision`: its number; `by`, `at`:
    who recorded it, and when; `until`: the end of its period, unless the authority renews it (if sooner than six months
    after `at`, another person must record the end); `ended`: None while it is in force. `after_told_end`: True if the
    account's bank had said before that a freeze of the account had ended, and may repeat that. `unclear_at`: when the
    bank said again that a freeze had ended, without saying which one; None if it has not, or has since said that the
    account is frozen.
    """

    decision: Decision
    authority: Authority
    by: Text
    at: When
    until: When
    ended: FreezeEnd | None = None
    after_told_end: bool = False
    unclear_at: When | None = None


class StopOrder(Model):
    """An order to stop a payee's account, or to extend a stop. `step`: the id of the plan's step that sends the order;
    `payee`: the account's token; `hours`: how long the stop lasts; `asked_by`: None if the plan proposed it;
    `asked_too`: who asked for it once it was proposed, also if they may not approve it; `due`: the time by which
    persons must have decided; `persons`, `roles`: how many persons must approve it, and the roles that may.

    `law`: the legal ground of an order that an automatic rule sent, else ""; `confirm_by`: the time by which a person
    must confirm such an order, None once somebody has. `carried_out`: None until the bank has confirmed it. `later`:
    the standing approval that was signed with it, or None. `under`: the number of the order whose standing approval
    approved this one, or None. `amended`: the version of the case in which the amount was last changed; 0: never.
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
    asked_too: tuple[Text, ...] = ()
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
    amended: Annotated[int, Field(ge=0)] = 0

    @property
    def decidable(self) -> bool:
        """True if a person can still decide on the order: it waits for approval, or an automatic rule sent it and
        nobody has confirmed it yet.
        """
        return self.state is OrderState.PROPOSED or self.confirm_by is not None

    @property
    def went_out(self) -> bool:
        """True if the order was sent, so that a bank may have received it.

        An order that an automatic rule sent (`persons` is 0) was sent before a person declined it. An order whose
        account was handed over while it still waited for approvals was not sent, nor was one that was approved and
        WITHDRAWN before its step went out.
        """
        if self.state is OrderState.HANDED_OVER:
            return len(self.approvals) >= self.persons
        return self.state in _AFTER_SENDING or (self.state is OrderState.DECLINED and self.persons == 0)


class ApproveStopAct(Model):
    """Approve a proposed stop order, or confirm an order that an automatic rule sent. `order`: the id of the order's
    step.

    `institution`: the payee's bank or payment institution, if the order lacks it. `later`: if given, stops of the
    accounts that the money goes on to are approved too, within these limits; the act is then possible after the order's
    approval as well, to add the standing approval or its second signature.
    """

    do: Literal["approve_stop"] = "approve_stop"
    order: Token
    institution: Token | None = None
    later: LaterLimits | None = None


class DeclineStopAct(Model):
    """Decide against a stop order. A proposed order is not sent to a bank; the stop of an automatic order is lifted."""

    do: Literal["decline_stop"] = "decline_stop"
    order: Token
    reason: Reason


class HandOverStopAct(Model):
    """Record that an authority has frozen the account of a stop order: the order is handed over to that authority.

    Banks are no longer asked to stop the account. `decision`: the number of the freezing decision; `until`: the end of
    the period that it names, at most a year long; None: the usual six months. On an account whose freeze is in force,
    a later `until` records that the authority has renewed the freeze.
    """

    do: Literal["hand_over_stop"] = "hand_over_stop"
    order: Token
    decision: Decision
    authority: Authority
    until: When | None = None


class EndFreezeAct(Model):
    """Record that the authority which froze the account of an order has ended the freeze (解除冻结). `decision`: the
    number of its decision, such as that of the notice to the bank (协助解除冻结财产通知书).
    """

    do: Literal["end_freeze"] = "end_freeze"
    order: Token
    decision: Decision
