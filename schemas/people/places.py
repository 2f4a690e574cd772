"""Places where a resident may be looked for: those of the installation, and the list of one search."""

from datetime import time
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.base import Model, Text, Token, When
from schemas.casework.cases import CaseId
from schemas.casework.searches import MOST_PLACES, PlaceNumber
from schemas.people.residents import DivisionCode, ResidentId

Line = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
"""A name or an address, in one line."""


class PlaceKind(StrEnum):
    """The kind of a place. USUAL: where this resident often is, as a supervisor knows it."""

    BANK_BRANCH = "bank_branch"
    HOTEL = "hotel"
    INTERNET_CAFE = "internet_cafe"
    USUAL = "usual"
    OTHER = "other"


class OpeningHours(Model):
    """When a place is open: on each weekday in `days` (0: Monday), from `opens` to `closes`, in the local time. If
    `closes` is not later than `opens`, it closes on the next day.
    """

    days: frozenset[Annotated[int, Field(ge=0, le=6)]] = frozenset(range(7))
    opens: time
    closes: time

    @model_validator(mode="after")
    def _local(self) -> Self:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("hours are local times, without a zone")
        if not self.days:
            raise ValueError("hours need at least one day")
        return self


class Located(Model):
    """A place. `hours`: None if unknown, empty if it never closes. `latitude`, `longitude`: degrees (WGS 84), both or
    neither.
    """

    kind: PlaceKind
    name: Line
    division: DivisionCode
    address: Line
    hours: Annotated[list[OpeningHours], Field(max_length=14)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("coordinates need a latitude and a longitude")
        return self


class PublicPlace(Located):
    """A place of the installation's table, such as a bank's branch. `id`: as the table has it."""

    id: Token


class ListedPlace(Located):
    """A place of one search, under its number."""

    number: PlaceNumber


class SearchList(Model):
    """The places of one search. `input`: the id of the input that starts the search. `told`: the officers to whom a
    notice was sent. The list is erased after the search.
    """

    id: Token
    case: CaseId
    resident: ResidentId
    input: Token
    at: When
    places: Annotated[list[ListedPlace], Field(max_length=MOST_PLACES)]
    told: frozenset[Text] = frozenset()

    def place(self, number: str) -> ListedPlace | None:
        """Return the place with this number in the list, or None if the list has no such place."""
        return next((each for each in self.places if each.number == number), None)
