"""Cases that pass from one province's installation to another's: the offer, its answer, and a case that was taken over.

Neither has free text: nothing that a person wrote about a resident leaves the province with a case.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Model, Ref, Text, Token, When
from schemas.levels import Action, Level, Result

MOST_OFFERS = 8  # of one case
MOST_TAKEN = 8  # hand-overs that one case remembers
MOST_CONTACTS = 80  # that one hand-over tells


class ProvinceGround(StrEnum):
    """Why another province is to handle a resident: LIVES, IS or BANKS there."""

    LIVES = "lives"
    IS = "is"
    BANKS = "banks"


class OfferState(StrEnum):
    """The state of an offer. UNANSWERED: not acknowledged by its deadline; LATE: acknowledged after it or after a
    refusal, so that both provinces handle the resident; ENDED: a supervisor has ended this province's part of it.
    """

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    LATE = "late"
    ENDED = "ended"


class OfferRefusal(StrEnum):
    """Why a province does not take a case over. NOT_TAKING: its policy takes none from the sender; TOO_LATE: the
    offer's deadline is over; NO_TELEPHONE: nobody could warn the resident; INVALID: the request cannot be read, or
    hands a case over to the installation that sent it; CROSSING: it hands the same resident over to the sender itself,
    and its offer goes before; TOO_MANY: the sender has handed over as many cases in the last hour as are taken.
    """

    NOT_TAKING = "not_taking"
    TOO_LATE = "too_late"
    NO_TELEPHONE = "no_telephone"
    INVALID = "invalid"
    CROSSING = "crossing"
    TOO_MANY = "too_many"


class CaseOffer(Model):
    """An offer of the case to the province `province`. `id`: the id of the step that sends it; `by`: who made the
    offer.

    `level`: the case's when it was offered. `told_level`, `told_payments`: its level and number of payments when the
    attempt `told_since` was planned; that attempt and later ones tell at least these. `until`: the deadline for the
    answer. `asks_until`: until when the other province is asked whether it has taken the case, after an offer without
    an answer. `other_case`: the id of the case there; None until it is known. `refusal`: why it is refused, else None;
    CROSSING too if it gave way to the other province's offer. `crossed`: the other province's offer of the resident
    gave way to this one.
    """

    id: Token
    province: Token
    ground: ProvinceGround
    by: Text
    at: When
    level: Level
    told_level: Level
    told_payments: int
    told_since: int = 1
    until: When
    asks_until: When
    state: OfferState = OfferState.OFFERED
    other_case: Ref | None = None
    answered_at: When | None = None
    refusal: OfferRefusal | None = None
    crossed: bool = False

    @property
    def waits(self) -> bool:
        """True if the offer has no answer yet and has not been marked as past its deadline."""
        return self.state is OfferState.OFFERED


class TakenCase(Model):
    """A hand-over that this case took. `province`, `offer`, `other_case`: the sender's code, and its ids of the offer
    and of its case. `both`: the sender handles the resident too, because the acknowledgement came after the deadline.
    `ended`: the sender has told since that it has ended its part. `level`, `payments`: the level and the number of
    payments that the sender has told.
    """

    province: Token
    offer: Ref
    other_case: Ref
    ground: ProvinceGround
    level: Level
    payments: int
    at: When
    both: bool = False
    ended: bool = False


class ContactThere(Model):
    """A contact that the sender has tried, with its results in their order."""

    action: Action
    results: Annotated[list[Result], Field(max_length=MOST_CONTACTS)] = Field(default_factory=list)


class OfferCaseAct(Model):
    """Hand the case over to another province of the policy, which has until the deadline of the case's level to
    acknowledge it.
    """

    do: Literal["offer_case"] = "offer_case"
    province: Token
    ground: ProvinceGround


class EndHereAct(Model):
    """End this province's part of a case that both provinces handle; `offer`: the offer that was acknowledged late."""

    do: Literal["end_here"] = "end_here"
    offer: Token
