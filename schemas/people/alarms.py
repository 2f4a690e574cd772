"""Alarms about officers and the visits given to them; on the topic `alarms`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.people.residents import DivisionCode


class AlarmKind(StrEnum):
    """The reason for an alarm: the officer pressed it (DURESS), has not checked in as safe in time, or no officer has
    accepted a visit (NOT_ACCEPTED).
    """

    DURESS = "duress"  # pressed by the officer
    CHECK_IN_MISSED = "check_in_missed"  # the officer has not checked in as safe in time
    NOT_ACCEPTED = "not_accepted"  # officers were told by every means, and none has accepted the visit


class Alarm(Model):
    """An officer needs attention. The record is kept forever; `acknowledged_at`: when somebody took charge of the
    alarm.
    """

    id: Ref  # of the device's act, or of the task and the due time: raised twice, it is one alarm
    kind: AlarmKind
    at: When  # when it was pressed, or the check-in was due
    told_at: When  # when it was received: later than `at` if there was no network
    officer: Text  # the officer's id on the roster, else their login
    name: Text  # the officer's
    area: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")] = ""  # the officer's area; empty: the whole province
    place: DivisionCode | None = None  # the division of the current visit
    case: CaseId | None = None
    dispatch: Ref | None = None
    silent: bool = False  # of a duress alarm: nobody may ring the officer up
    safe_at: When | None = None  # when the officer reported safe after all
    acknowledged_at: When | None = None
    acknowledged_by: Text | None = None
    note: Note = ""  # by the person who acknowledged it

    @property
    def open(self) -> bool:
        """True if nobody has acknowledged the alarm yet."""
        return self.acknowledged_at is None
