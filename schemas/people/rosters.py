"""Rosters: officers and grid workers, their shifts, and the visits given to them."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import Fen, Model, Note, Text, Token, When
from schemas.casework.inputs import VisitStage
from schemas.levels import Level
from schemas.people.residents import DivisionCode, Language, ResidentId


class Role(StrEnum):
    """The role of a visitor. domain/visits/officers says which roles a level needs."""

    OFFICER = "officer"  # 民警
    AUXILIARY = "auxiliary"  # 辅警
    GRID_WORKER = "grid_worker"  # 网格长
    BUILDING_HEAD = "building_head"  # 楼栋长


class Shift(Model):
    """A time on duty, from `start` (inclusive) to `end` (exclusive)."""

    start: When
    end: When

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError("a shift ends after it starts")
        return self


class Officer(Model):
    """A person who makes visits. `division`: where they work from, as precisely as known. `phone`: their duty telephone
    in E.164, for text messages and calls about visits that wait; None: not known.
    """

    id: Text
    name: Text
    role: Role
    division: DivisionCode
    languages: frozenset[Language] = frozenset({Language.CHINESE})
    phone: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")] | None = None
    shifts: list[Shift] = Field(default_factory=list, max_length=400)


class AbsenceKind(StrEnum):
    """The reason why a person is absent."""

    LEAVE = "leave"
    SICK = "sick"
    TRAINING = "training"
    OTHER = "other"


class Absence(Model):
    """A person's absence, from `start` (inclusive) to `end` (exclusive). `officer`: the person's id on the roster.

    The person loses the parts of their shifts within the absence. Those that are not over become open shifts, until
    somebody takes them over.
    """

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
    """A shift without a person. `officer`: who had the shift; `absence`: the id of the absence that freed it."""

    id: Token
    shift: Shift
    officer: Text
    absence: Token


class SwapState(StrEnum):
    """The state of a swap of shifts. ACCEPTED: the asked person accepted, and a supervisor must still approve."""

    ASKED = "asked"
    ACCEPTED = "accepted"  # by the person asked; a supervisor must still approve
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Swap(Model):
    """A swap of shifts: `asker` wants `other` to take `shift`, and takes `wanted` in return (None: nothing). `by`: the
    last person who acted on the swap.
    """

    id: Token
    at: When
    asker: Text
    shift: Shift
    other: Text
    wanted: Shift | None = None
    state: SwapState = SwapState.ASKED
    by: Text | None = None


class Feed(Model):
    """A calendar feed: anybody who has the token can read these shifts.

    `token`: the SHA-256 of the token. `officer`: the person whose shifts they are; None: those of the whole station.
    """

    officer: Text | None = None
    token: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    until: When  # the address ends; a new one is made before


class RosterChange(Model):
    """The last change of a roster: when, by whom, and by which form. The same form counts once."""

    at: When
    by: Text
    form: Text


class Roster(Model):
    """A station's people and their shifts. A new roster replaces the whole old one."""

    station: Text
    officers: list[Officer] = Field(default_factory=list, max_length=500)
    absences: list[Absence] = Field(default_factory=list, max_length=1000)
    open_shifts: list[OpenShift] = Field(default_factory=list, max_length=2000)
    swaps: list[Swap] = Field(default_factory=list, max_length=1000)
    feeds: list[Feed] = Field(default_factory=list, max_length=501)
    changed: RosterChange | None = None  # None: written by the station's own system


class TaskState(StrEnum):
    """The state of an officer's task.

    OPEN: the officer still has to make the visit. REFUSED: the officer refused or handed over. LATE: the case sent
    another officer. ENDED: done, nobody at home, or no longer needed.
    """

    OPEN = "open"  # it is to be made
    REFUSED = "refused"  # or handed over
    LATE = "late"  # the case stopped waiting and sent another officer
    ENDED = "ended"  # done, nobody at home, or no longer needed


class Task(Model):
    """A visit given to an officer. `place`: a keyed hash of the address. `heard_at`: the officer's last check-in.

    `worth_fen`: the money (fen) that is expected to be lost if another visit is made first. `joins`: the dispatch whose
    visit to the same address includes this one, or None.
    """

    dispatch: Annotated[str, Field(min_length=1, max_length=200)]
    case: Annotated[str, Field(min_length=1, max_length=200)]
    resident: ResidentId
    officer: Text
    at: When
    state: TaskState = TaskState.OPEN
    note: Note = ""
    level: Level | None = None  # of the case when the visit was given
    division: DivisionCode | None = None  # of the address
    worth_fen: Fen | None = None  # expected loss if another visit comes first (domain/visits/rounds), at that time
    stage: VisitStage | None = None  # the latest one reported
    accepted_at: When | None = None
    place: str | None = None  # the address, as a keyed hash
    joins: str | None = None  # the dispatch whose visit to the same address it is part of
    to: Text | None = None  # the colleague to whom it was handed over
    heard_at: When | None = None  # at the door: the officer's last check-in as safe
    seen: bool = False  # the officer knows that it is no longer needed
