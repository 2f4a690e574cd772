"""What an officer's telephone sends: acts on the visits, each with an id made on the device. Sent twice, it is one."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from schemas.base import Model, Note, Text, When
from schemas.casework.inputs import Checklist, OutcomeAct, VisitStage

ActId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""128 random bits of the device."""

TaskRef = Annotated[str, Field(min_length=1, max_length=200)]
"""The dispatch of a task."""

LEAST_REASON = 2  # characters of a reason for a refusal
_TOLD_BY_OFFICERS = frozenset(VisitStage) - {VisitStage.ASSIGNED, VisitStage.HANDED_OVER}


class _DeviceAct(Model):
    id: ActId
    at: When  # by the device's clock, put right by the server's at their last contact


class StageAct(_DeviceAct):
    """How far the officer has come. A refusal has its reason in `note`, a visit that was made its outcome."""

    do: Literal["stage"] = "stage"
    dispatch: TaskRef
    stage: VisitStage
    checklist: Checklist | None = None
    outcome: OutcomeAct | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.stage not in _TOLD_BY_OFFICERS:
            raise ValueError(f"{self.stage.value} is no stage that an officer tells")
        if self.stage is VisitStage.REFUSED and len(self.note.strip()) < LEAST_REASON:
            raise ValueError("a refusal needs a reason")
        if self.stage is VisitStage.DONE and (self.outcome is None or self.checklist is None):
            raise ValueError("a visit that was made has an outcome and a checklist")
        return self


class HandOverAct(_DeviceAct):
    """The shift ends: to a colleague (`to`, his id on the roster), or back to the desk."""

    do: Literal["hand_over"] = "hand_over"
    dispatch: TaskRef
    to: Text | None = None
    note: Note = ""


class InterpreterLanguage(StrEnum):
    """What an interpreter is asked for."""

    CHINESE = "chinese"
    KOREAN = "korean"
    SIGN = "sign"


class InterpreterAct(_DeviceAct):
    """The officer and the resident do not understand each other."""

    do: Literal["interpreter"] = "interpreter"
    dispatch: TaskRef
    language: InterpreterLanguage
    note: Note = ""


class CheckInAct(_DeviceAct):
    """I am safe: the clock of the check-in begins anew."""

    do: Literal["check_in"] = "check_in"
    dispatch: TaskRef


class SeenAct(_DeviceAct):
    """The officer has read that a visit is no longer asked for."""

    do: Literal["seen"] = "seen"
    dispatch: TaskRef


class DuressAct(_DeviceAct):
    """The officer is in danger. `silent`: his telephone must neither ring nor show anything."""

    do: Literal["duress"] = "duress"
    dispatch: TaskRef | None = None
    silent: bool = False


DeviceAct = Annotated[
    StageAct | HandOverAct | InterpreterAct | CheckInAct | SeenAct | DuressAct, Field(discriminator="do")
]

act_adapter: TypeAdapter[StageAct | HandOverAct | InterpreterAct | CheckInAct | SeenAct | DuressAct] = TypeAdapter(
    DeviceAct
)
