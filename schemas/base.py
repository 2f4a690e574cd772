"""What every model on a topic shares: frozen, strict about unknown fields, zoned times, integer fen."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

# A time outside is a broken clock or a joke, not an event. In UTC: it must stay inside when it is read in another zone.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


ANY_VERSION: Literal["ignore"] = "ignore"
"""How what lies on a topic or in Redis is read, `extra=ANY_VERSION`: a newer version, which runs beside this one while
an installation is upgraded, may write fields that are not known here yet. They are passed over."""


class Model(BaseModel):
    """A plain, frozen value; a field nobody knows is refused, so that a misspelt one is never lost in silence.

    So it is with what people and other programs hand in. What our own processes have written: see ANY_VERSION.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null", allow_inf_nan=False)


def _plausible(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"the year must lie between {EARLIEST.year} and {LATEST.year - 1}")
    return at


_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def legible(text: str) -> str:
    """The text without what is not seen but does something: control characters, which move a terminal's cursor, and
    the marks that turn the direction of writing, by which an address reads as another.

    They are taken out rather than refused: a receipt or a report is not lost for a stray byte in its remark. Names and
    ids (`Text`) are another matter: a changed one is another's, so there they are refused.
    """
    return text if text.isprintable() else _HIDDEN.sub("", text)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only printable characters are allowed")
    return text


When = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""A moment with its zone."""

MOST_FEN = 10**13
Fen = Annotated[int, Field(strict=True, ge=0, le=MOST_FEN)]
"""Money in fen (1/100 yuan); at most 100 billion yuan."""

NAME = r"^[a-z0-9][a-z0-9._-]{0,31}$"
Token = Annotated[str, StringConstraints(pattern=NAME)]
"""A short name that may stand in a metric's label: a source, a scam type, a step."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_printable)]
"""A line of printable text."""

Note = Annotated[str, StringConstraints(max_length=2000), AfterValidator(legible)]
"""What a person wrote down, as it may be shown."""

Reason = Annotated[str, AfterValidator(legible), StringConstraints(min_length=2, max_length=500)]
"""Why somebody did what needs a reason."""

Ref = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""An id that another record has: a dispatch's, an input's, a transfer's (a signal's uid), a payee's token."""
