"""Who can go to a resident's door: officers and grid workers, their shifts, and the visits they are on."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import Fen, Model, Note, Text, Token, When
from schemas.casework.inputs import VisitStage
from schemas.levels import Level
from schemas.people.residents import DivisionCode, Language, ResidentId


class Role(StrEnum):
    """Who may be sent where is the level's question: see domain/visits/officers."""

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


class AbsenceKind(StrEnum):
    """Why somebody is away."""

    LEAVE = "leave"
    SICK = "sick"
    TRAINING = "training"
    OTHER = "other"


class Absence(Model):
    """Somebody is away; what he would have worked meanwhile is in the roster's open shifts."""

    id: Token
    officer: Text
    start: When
    end: When
    kind: AbsenceKind

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError("an absence ends after it starts")
        return self


class OpenShift(Model):
    """A shift that nobody has: whose it was, and the absence by which it came free."""

    id: Token
    shift: Shift
    officer: Text
    absence: Token


class SwapState(StrEnum):
    """How far a swap has come."""

    ASKED = "asked"
    ACCEPTED = "accepted"  # by the other: a supervisor has to approve
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Swap(Model):
    """`asker` wants `other` to take his shift, for `wanted` of the other's or for nothing. `by`: who moved it last."""

    id: Token
    at: When
    asker: Text
    shift: Shift
    other: Text
    wanted: Shift | None = None
    state: SwapState = SwapState.ASKED
    by: Text | None = None


class Feed(Model):
    """Who has the token may read these shifts as a calendar; kept is its SHA-256. No officer: the whole station's."""

    officer: Text | None = None
    token: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RosterChange(Model):
    """Who changed a roster last, by which form: the same sent again counts once."""

    at: When
    by: Text
    form: Text


class Roster(Model):
    """A station's people and their shifts; a new one replaces the old one whole."""

    station: Text
    officers: list[Officer] = Field(default_factory=list, max_length=500)
    absences: list[Absence] = Field(default_factory=list, max_length=1000)
    open_shifts: list[OpenShift] = Field(default_factory=list, max_length=2000)
    swaps: list[Swap] = Field(default_factory=list, max_length=1000)
    feeds: list[Feed] = Field(default_factory=list, max_length=501)
    changed: RosterChange | None = None  # none: put by a station's own system


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
    division: DivisionCode | None = None  # where it goes
    worth_fen: Fen | None = None  # what is lost by making another before it, as it was given out: domain/visits/rounds
    stage: VisitStage | None = None  # the latest that was reported
    place: str | None = None  # the address, as a keyed hash
    joins: str | None = None  # the dispatch whose visit to the same address it is part of
    to: Text | None = None  # the colleague to whom it was handed over
    heard_at: When | None = None  # at the door: when the officer last said that he is safe
    seen: bool = False  # its officer knows that it is no longer asked for
