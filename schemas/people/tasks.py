"""Acts on visits, sent by officers' telephones. The device makes each act's id, so a repetition counts once."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from schemas.base import Model, Note, Text, Token, When
from schemas.casework.acts import OutcomeAct
from schemas.casework.inputs import TOLD_BY_SYSTEM, Checklist, VisitStage
from schemas.casework.searches import PlaceNumber, PlaceState
from schemas.people.residents import InterpreterLanguage

ActId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""128 random bits made by the device, in hex."""

TaskRef = Annotated[str, Field(min_length=1, max_length=200)]
"""The dispatch id of a task."""

LEAST_REASON = 2  # characters of a reason for a refusal
_TOLD_BY_OFFICERS = frozenset(VisitStage) - TOLD_BY_SYSTEM - {VisitStage.ASSIGNED, VisitStage.HANDED_OVER}


class _DeviceAct(Model):
    id: ActId
    at: When  # by the device's clock, corrected by the server's at their last contact


class StageAct(_DeviceAct):
    """The stage that the officer has reached; never ASSIGNED or HANDED_OVER, nor a stage that only the system reports.

    A refusal needs a reason in `note`. A completed visit needs its outcome and checklist, and if nothing on the
    checklist was done also a reason in `note`.
    """

    do: Literal["stage"] = "stage"
    dispatch: TaskRef
    stage: VisitStage
    checklist: Checklist | None = None
    outcome: OutcomeAct | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.stage not in _TOLD_BY_OFFICERS:
            raise ValueError(f"{self.stage.value} is not a stage that an officer reports")
        if self.stage is VisitStage.REFUSED and len(self.note.strip()) < LEAST_REASON:
            raise ValueError("a refusal needs a reason")
        if self.stage is VisitStage.DONE and (self.outcome is None or self.checklist is None):
            raise ValueError("a completed visit needs an outcome and a checklist")
        if self.unchecked and len(self.note.strip()) < LEAST_REASON:
            raise ValueError("a completed visit without any check needs a reason")
        return self

    @property
    def unchecked(self) -> bool:
        """True if the visit is completed (DONE) and no item of its checklist is ticked. False before that, and without
        a checklist.
        """
        if self.stage is not VisitStage.DONE or self.checklist is None:
            return False
        return not any(self.checklist.model_dump().values())


class HandOverAct(_DeviceAct):
    """The officer's shift ends: the visit goes to a colleague (`to`, their id on the roster), or back to the desk."""

    do: Literal["hand_over"] = "hand_over"
    dispatch: TaskRef
    to: Text | None = None
    note: Note = ""


class InterpreterAct(_DeviceAct):
    """The officer needs an interpreter for the language `language`."""

    do: Literal["interpreter"] = "interpreter"
    dispatch: TaskRef
    language: InterpreterLanguage
    note: Note = ""


class CheckInAct(_DeviceAct):
    """The officer reports being safe, which restarts the time until the next check-in."""

    do: Literal["check_in"] = "check_in"
    dispatch: TaskRef


class SeenAct(_DeviceAct):
    """The officer has read the notice that a visit is no longer needed."""

    do: Literal["seen"] = "seen"
    dispatch: TaskRef


class DuressAct(_DeviceAct):
    """The officer is in danger. `silent`: nobody may ring up the officer, and the officer's telephone shows nothing."""

    do: Literal["duress"] = "duress"
    dispatch: TaskRef | None = None
    silent: bool = False


class PlaceAct(_DeviceAct):
    """The officer's answer about the place `number` of a search (`search`: its id): the resident is not there, the
    officer could not look, or the resident is found. `outcome`: of the finder's talk with the resident, else None.
    """

    do: Literal["place"] = "place"
    search: Token
    number: PlaceNumber
    state: PlaceState
    outcome: OutcomeAct | None = None

    @model_validator(mode="after")
    def _reported(self) -> Self:
        if self.state is PlaceState.OPEN or (self.outcome is not None and self.state is not PlaceState.FOUND):
            raise ValueError("an answer says whether the resident was there; only the finder knows an outcome")
        return self


AnyAct = StageAct | HandOverAct | InterpreterAct | CheckInAct | SeenAct | DuressAct | PlaceAct

DeviceAct = Annotated[AnyAct, Field(discriminator="do")]

act_adapter: TypeAdapter[AnyAct] = TypeAdapter(DeviceAct)
