"""Alarms about officers on their way and at the door, as they lie on the topic `alarms`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.people.residents import DivisionCode


class AlarmKind(StrEnum):
    """Why it was raised."""

    DURESS = "duress"  # pressed by the officer
    CHECK_IN_MISSED = "check_in_missed"  # he has not said in time that he is safe


class Alarm(Model):
    """Somebody should look after an officer. It is kept for good; `acknowledged_at`: somebody does."""

    id: Ref  # of the device's act, or of the task and the moment missed: raised twice, it is one
    kind: AlarmKind
    at: When  # pressed, or fallen due
    told_at: When  # when it was heard of: later, where there was no network
    officer: Text  # his id on the roster, else his login
    name: Text  # the officer's
    area: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")] = ""  # where he works from; empty: all of the province
    place: DivisionCode | None = None  # of the visit he is on
    case: CaseId | None = None
    dispatch: Ref | None = None
    silent: bool = False  # of a duress alarm: nobody may ring him up
    safe_at: When | None = None  # when he said after all that he is safe
    acknowledged_at: When | None = None
    acknowledged_by: Text | None = None
    note: Note = ""  # of who acknowledged it

    @property
    def open(self) -> bool:
        """Whether nobody has taken it up yet."""
        return self.acknowledged_at is None
