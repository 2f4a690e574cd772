"""Hand-overs between shifts; on the topic `handovers`."""

from schemas.base import Model, Note, Token, When
from schemas.people.staff import Area, Login


class HandOver(Model):
    """A shift's hand-over to the next shift. `figures`: number of entries by kind; `reds`: the ids of the red cases."""

    id: Token
    area: Area
    at: When
    by: Login
    note: Note = ""
    figures: dict[Token, int]
    reds: list[str]
    digest: str  # of the whole sheet, to identify a printed one
    taken_by: Login | None = None
    taken_at: When | None = None
