"""What every model on a topic shares: frozen, strict about unknown fields, zoned times, integer fen."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

EARLIEST, LATEST = 2000, 2100  # years: a date outside is a broken clock or a joke, not an event


class Model(BaseModel):
    """A plain, frozen value; a field nobody knows is refused, so that a misspelt one is never lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null", allow_inf_nan=False)


def _plausible(at: datetime) -> datetime:
    if not EARLIEST <= at.year < LATEST:
        raise ValueError(f"the year must lie between {EARLIEST} and {LATEST - 1}")
    return at


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only printable characters are allowed")
    return text


When = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""A moment with its zone."""

Fen = Annotated[int, Field(strict=True, ge=0, le=10**13)]
"""Money in fen (1/100 yuan); at most 100 billion yuan."""

Token = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
"""A short name that may stand in a metric's label: a source, a scam type, a step."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_printable)]
"""A line of printable text."""

Note = Annotated[str, StringConstraints(max_length=2000)]
"""What a person wrote down."""
