"""Who can go to a resident's door: officers and grid workers, their shifts, and the visits they are on."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import Model, Note, Text, When
from schemas.inputs import VisitStage
from schemas.levels import Level
from schemas.residents import DivisionCode, Language, ResidentId


class Role(StrEnum):
    """Who may be sent where is the level's question: see domain/officers."""

    OFFICER = "officer"  # 民警
    AUXILIARY = "auxiliary"  # 辅警
    GRID_WORKER = "grid_worker"  # 网格长
    BUILDING_HEAD = "building_head"  # 楼栋长


class Shift(Model):
    """On duty from `start` until before `end`."""

    start: When
    end: When

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError("a shift ends after it starts")
        return self


class Officer(Model):
    """One who visits. `division` is where he works from, as fine as it is known."""

    id: Text
    name: Text
    role: Role
    division: DivisionCode
    languages: frozenset[Language] = frozenset({Language.CHINESE})
    shifts: list[Shift] = Field(default_factory=list, max_length=400)


class Roster(Model):
    """A station's people and their shifts; a new one replaces the old one whole."""

    station: Text
    officers: list[Officer] = Field(default_factory=list, max_length=500)


class TaskState(StrEnum):
    """Whether an officer still has a visit on his hands, and why not."""

    OPEN = "open"
    REFUSED = "refused"
    LATE = "late"  # the case did not wait any longer and sent the next one
    ENDED = "ended"


class Task(Model):
    """A visit given to an officer."""

    dispatch: Annotated[str, Field(min_length=1, max_length=200)]
    case: Annotated[str, Field(min_length=1, max_length=200)]
    resident: ResidentId
    officer: Text
    at: When
    state: TaskState = TaskState.OPEN
    note: Note = ""
    level: Level | None = None  # of the case as the visit was given out
    stage: VisitStage | None = None  # the latest that was reported
    place: str | None = None  # the address, as a keyed hash
    joins: str | None = None  # the dispatch whose visit to the same address it is part of
