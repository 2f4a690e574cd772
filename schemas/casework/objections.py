"""An objection to a stop order: the objector, the bank through which the objection came, and the result of
the review.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Fen, Model, Note, Reason, Ref, Text, Token, When

MOST_OBJECTIONS = 20  # that a case takes: later ones are refused


class Objector(StrEnum):
    """The person who objects to a stop; anybody may. HOLDER: of the stopped account; REPRESENTATIVE: a lawyer, a
    guardian or a company's officer; PAYER: the resident, or somebody for them.
    """

    HOLDER = "holder"  # of the stopped account
    REPRESENTATIVE = "representative"  # a lawyer, a guardian, a company's officer
    PAYER = "payer"  # the resident, or somebody for them
    OTHER = "other"


class ObjectionGround(StrEnum):
    """The objector's ground. LAWFUL_PAYMENT: it was for wages, goods or a debt, and no fraud; WRONG_ACCOUNT: the
    account is not the scammer's; FALSE_REPORT: what was reported is not true.
    """

    LAWFUL_PAYMENT = "lawful_payment"  # wages, goods, a debt: no fraud
    WRONG_ACCOUNT = "wrong_account"  # it is another account than the scammer's
    FALSE_REPORT = "false_report"  # what was reported is not true
    OTHER = "other"


class ObjectionState(StrEnum):
    """The state of an objection. WAITING: nobody has decided; UPHELD: the stop was wrong, and is lifted; REJECTED: the
    stop goes on.
    """

    WAITING = "waiting"
    UPHELD = "upheld"  # the stop was wrong, and is lifted
    REJECTED = "rejected"  # the stop goes on


class WrongfulCause(StrEnum):
    """The cause of a wrong stop, as the review found. FALSE_REPORT: somebody reported what they knew to be untrue,
    which alone counts against the report's source; MISTAKEN_REPORT: in good faith; WRONG_ACCOUNT: the order named
    another account than was meant; LAWFUL_PAYMENT: the signals pointed at a fraud, and there was none.
    """

    FALSE_REPORT = "false_report"  # somebody reported what they knew to be untrue
    MISTAKEN_REPORT = "mistaken_report"  # who reported was mistaken in good faith
    WRONG_ACCOUNT = "wrong_account"  # the order named another account than meant
    LAWFUL_PAYMENT = "lawful_payment"  # the signals pointed at a fraud, and there was none
    OTHER = "other"


class StopObjection(Model):
    """An objection to a stop order (`order`: its step's id) or to a hold (`order`: its id), and its review.

    `bank`: the bank through which the objection came (None: made at the centre). `by`: who wrote it down at the centre
    (None: the bank sent it). `receipt`: the bank's own number. `due`: the time by which a person must decide. An upheld
    objection has a `cause`, the agreed `compensation_fen`, and for a false report the `source` against which it counts.
    """

    id: Token
    order: Token
    transfer: Ref
    who: Objector
    bank: Token | None = None
    by: Text | None = None
    receipt: Annotated[str, Field(max_length=128)] = ""
    ground: ObjectionGround
    text: Note = ""
    at: When
    due: When
    state: ObjectionState = ObjectionState.WAITING
    decided_by: Text | None = None
    decided_at: When | None = None
    reason: Note = ""
    cause: WrongfulCause | None = None
    compensation_fen: Fen = 0
    source: Token | None = None

    @property
    def waits(self) -> bool:
        """True if the objection waits for a decision."""
        return self.state is ObjectionState.WAITING


class DecideObjectionAct(Model):
    """A person's decision on an objection. `upheld`: True if the stop was wrong, for the reason `cause`: the stop is
    then lifted, and `compensation_fen` is recorded. False: the stop goes on.
    """

    do: Literal["decide_objection"] = "decide_objection"
    objection: Token
    upheld: bool
    reason: Reason
    cause: WrongfulCause | None = None
    compensation_fen: Fen = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.upheld is (self.cause is None):
            raise ValueError("an objection that is upheld has a cause, and no other has one")
        if self.compensation_fen and not self.upheld:
            raise ValueError("compensation is for an objection that is upheld")
        return self
