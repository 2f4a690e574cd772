"""A hand-over between two shifts, as it lies on the topic `handovers`."""

from schemas.base import Model, Note, Token, When
from schemas.people.staff import Area, Login


class HandOver(Model):
    """What one shift left to the next. `figures`: how many of each kind stood on the sheet; `reds`: cases named."""

    id: Token
    area: Area
    at: When
    by: Login
    note: Note = ""
    figures: dict[Token, int]
    reds: list[str]
    digest: str  # of the whole sheet as it was, by which a printed one is known again
    taken_by: Login | None = None
    taken_at: When | None = None
