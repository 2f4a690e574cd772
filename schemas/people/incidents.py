"""Major incidents: one campaign with many residents, declared by a supervisor for an area; on the topic `incidents`."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Reason, Text, When
from schemas.people.staff import Area

IncidentId = Annotated[str, Field(pattern=r"^m[0-9a-f]{20}$")]
"""`m` and a hash of the form that declared it."""


class Incident(Model):
    """A major incident, in force until a person ends it. `script`: the text that operators of the area say to
    residents.
    """

    id: IncidentId
    campaign: Text
    area: Area
    at: When
    by: Text
    reason: Reason
    script: Note = ""
    ended_at: When | None = None
    ended_by: Text | None = None
    end_reason: Note = ""

    @property
    def in_force(self) -> bool:
        """True if the incident has not ended."""
        return self.ended_at is None
