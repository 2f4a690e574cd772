"""Third parties in an operator's call with a resident: who may join, and on what ground."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.base import Model, Text, When

MOST_ADMITTED = 8  # third parties in one call of the desk, one after another

PartyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
"""Who it is: the code of an institution, the index of a trusted contact in the register, or the id of an officer. No
name, and no telephone number.
"""


class ThirdPartyKind(StrEnum):
    """The kinds of third parties. BANK: a bank's desk; CONTACT: a trusted contact of the resident; OFFICER: an officer
    with an open visit to the resident.
    """

    BANK = "bank"
    CONTACT = "contact"
    OFFICER = "officer"


class EmergencyGround(StrEnum):
    """The grounds on which a supervisor admits a third party without the resident's consent: the three kinds of danger
    to life or property in which Article 13(4) of the Personal Information Protection Law asks for no consent.

    LIFE_AT_RISK: the resident may harm themselves or be harmed; UNDER_CONTROL: somebody controls what the resident says
    or does, so that a consent or refusal is not theirs; MONEY_LEAVING: a transfer is being made now.
    """

    LIFE_AT_RISK = "life_at_risk"
    UNDER_CONTROL = "under_control"
    MONEY_LEAVING = "money_leaving"


class AdmitThirdPartyAct(Model):
    """A third party may join the desk's call that goes on. `emergency`: a supervisor's ground; None if the resident has
    consented in the call: the operator who heard it then writes this act.

    It holds for this call and this party, and for no other.
    """

    do: Literal["admit_third_party"] = "admit_third_party"
    kind: ThirdPartyKind
    party: PartyName
    emergency: EmergencyGround | None = None

    @property
    def reason(self) -> str:
        """Return the ground as the audit stores it: the value of `emergency`, or "consent" if the resident has
        consented.
        """
        return self.emergency.value if self.emergency else "consent"


class AdmittedThirdParty(Model):
    """A third party who may join the call of the desk that began at `call_at`. `by`: who recorded it, at `at`."""

    kind: ThirdPartyKind
    party: PartyName
    emergency: EmergencyGround | None = None
    by: Text
    at: When
    call_at: When


class ThirdPartyCallState(StrEnum):
    """The states of a third party's leg. RINGING: the telephone rings, or whoever answered has not yet pressed the key;
    JOINED: they take part; LEFT: they took part, and have hung up or were dropped. The others: they never took part.
    """

    RINGING = "ringing"
    JOINED = "joined"
    LEFT = "left"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def goes_on(self) -> bool:
        """True if the leg has not ended."""
        return self in (ThirdPartyCallState.RINGING, ThirdPartyCallState.JOINED)


class ThirdPartyInCall(Model):
    """A third party of a call. `number`: counts those who were called in this call, from 1."""

    number: Annotated[int, Field(ge=1, le=MOST_ADMITTED)]
    kind: ThirdPartyKind
    party: PartyName
    state: ThirdPartyCallState


class ThirdPartyAct(ThirdPartyInCall):
    """A report of the voice gateway on a third party of the desk's call. `state`: never RINGING."""

    do: Literal["third_party"] = "third_party"

    @model_validator(mode="after")
    def _settled(self) -> Self:
        if self.state is ThirdPartyCallState.RINGING:
            raise ValueError("state: a telephone that rings is not reported to the case")
        return self
