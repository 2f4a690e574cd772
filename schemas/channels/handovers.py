"""The request by which one province's installation hands a case over to another's, and the answer.

Account and telephone numbers are in the clear: each installation hashes them with a key of its own, so tokens would
mean nothing to the other one. The request is signed, and encrypted on its way.
"""

from typing import Annotated

from pydantic import Field

from schemas.base import Fen, Model, Note, Ref, Text, Token, When
from schemas.casework.cases import CaseId, Danger
from schemas.casework.inputs import MOST_PAYMENTS
from schemas.casework.provinces import MOST_CONTACTS, ContactThere, OfferRefusal, ProvinceGround
from schemas.people.residents import (
    AssumedField,
    BalanceBand,
    DivisionCode,
    Flag,
    Language,
    Occupation,
    Sex,
    TrustedContact,
)
from schemas.risk.evidence import PriorLoss, WatchStatus
from schemas.risk.signals import TransferState

MOST_PHONES = 16


AS_REGISTERED = {"name", "birth_year", "sex", "occupation", "division", "address", "language", "flags", "assumed"}
"""The fields of everybody who is handed over that are as the register has them (schemas/people/residents.py)."""


class GuardianHandedOver(Model):
    """The guardian of a minor who is handed over: warnings go to the guardian. `phones`: those that they hold now, the
    best one to reach them first.
    """

    name: Text
    phones: Annotated[list[Text], Field(min_length=1, max_length=MOST_PHONES)]
    birth_year: Annotated[int, Field(ge=1900, le=2100)]
    sex: Sex
    occupation: Occupation
    division: DivisionCode
    address: Note = ""
    language: Language = Language.CHINESE
    flags: frozenset[Flag] = frozenset()
    assumed: frozenset[AssumedField] = frozenset()


class PersonHandedOver(Model):
    """What the other province must know to warn the resident. `phones`, `accounts`: those that they hold now,
    the best telephone to reach them first. `guardian`: of a minor; None if none is registered or has a telephone.
    """

    name: Text
    phones: Annotated[list[Text], Field(max_length=MOST_PHONES)]
    accounts: Annotated[list[Text], Field(max_length=64)] = Field(default_factory=list)
    birth_year: Annotated[int, Field(ge=1900, le=2100)]
    sex: Sex
    occupation: Occupation
    division: DivisionCode
    address: Note = ""
    language: Language = Language.CHINESE
    balance: BalanceBand = BalanceBand.MIDDLE
    flags: frozenset[Flag] = frozenset()
    assumed: frozenset[AssumedField] = frozenset()
    contacts: Annotated[list[TrustedContact], Field(max_length=8)] = Field(default_factory=list)
    guardian: GuardianHandedOver | None = None


class PaymentHandedOver(Model):
    """A payment of the case: the payee's account, the sum in fen, its time and its state.

    `watched`: the payee's status on the sender's watchlist; None if it has none, or if the payment was told by the
    resident or for them, who need no other evidence.
    """

    transfer: Ref
    account: Text
    amount_fen: Fen
    at: When
    state: TransferState
    watched: WatchStatus | None = None
    institution: Token | None = None


class CaseHandover(Model):
    """A case that is handed over. `offer`: its id, the same in each attempt. `until`: its deadline.

    `asks`: True if the deadline is over and the sender only asks whether the case was taken before. `ended`: True if it
    only tells that it has ended its part of a case that both handled; `asks` is True then too. `prior_loss`: the
    resident's latest loss, so that they are shielded there too; None if none is known.
    """

    offer: Ref
    case: CaseId
    ground: ProvinceGround
    until: When
    asks: bool = False
    ended: bool = False
    danger: Danger
    person: PersonHandedOver
    payments: Annotated[list[PaymentHandedOver], Field(max_length=MOST_PAYMENTS)] = Field(default_factory=list)
    contacts: Annotated[list[ContactThere], Field(max_length=MOST_CONTACTS)] = Field(default_factory=list)
    prior_loss: PriorLoss | None = None


class HandoverTaken(Model):
    """The answer 200: the receiver's case is open. `case`: the id of that case."""

    case: CaseId


class HandoverRefusal(Model):
    """The answer 409: the case is not taken, and why."""

    refused: OfferRefusal
