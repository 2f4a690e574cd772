"""The policy's plans: each level's steps and clocks, what follows a result, stops, visits, hours."""

import re
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from domain.policy.faults import LONGEST_GIVEN, FaultCode, refused
from domain.policy.units import Duration, Section
from schemas.casework.inputs import VisitStage
from schemas.levels import Action, Level, Result


class Condition(StrEnum):
    """What must be true of a case for a step to be planned."""

    MONEY_AT_RISK = "money_at_risk"
    HAS_CONTACT = "has_contact"
    NOT_OBJECTING = "not_objecting"
    NOT_HARD_OF_HEARING = "not_hard_of_hearing"


class Word(StrEnum):
    """What follows a result. One word says what becomes of the step itself, the others what else happens."""

    WAIT = "wait"
    DONE = "done"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    AGAIN = "again"  # the next attempt after the step's `again`
    AGAIN_SOON = "again_soon"  # after the plan's `soon`
    AGAIN_NOW = "again_now"
    AGAIN_AT_HOME = "again_at_home"  # in the hours in which people are at home
    RETRY = "retry"  # the provider's fault: with growing pauses, and no attempt is used up

    REACHED = "reached"  # counts as a warning that reached the resident
    ACKNOWLEDGED = "acknowledged"  # as the level says
    SMS = "sms"  # the level's next SMS, call, ... now, if one is still to come
    CALL = "call"
    OPERATOR = "operator"
    VISIT = "visit"
    CONTACT = "contact"
    ASK_OPERATOR = "ask_operator"  # now, also where the level plans none
    NO_CALLS = "no_calls"  # no further call or SMS to this number
    NO_SMS = "no_sms"
    REOPEN = "reopen"


FATES = frozenset(
    {
        *(Word.WAIT, Word.DONE, Word.FAILED, Word.WITHDRAWN),
        *(Word.AGAIN, Word.AGAIN_SOON, Word.AGAIN_NOW, Word.AGAIN_AT_HOME, Word.RETRY),
    }
)
"""The words of which a result has one: the step's own fate. Each other word has its move in domain/casework/follow."""
OVERDUE, USED_UP = "overdue", "used_up"
_RESULTS = {*(result.value for result in Result), *(stage.value for stage in VisitStage), OVERDUE, USED_UP}


def _table(table: dict[str, tuple[Word, ...]]) -> dict[str, tuple[Word, ...]]:
    for result, words in table.items():
        if result not in _RESULTS:
            raise refused(FaultCode.UNKNOWN_RESULT, key=result, name=result, choices=sorted(_RESULTS))
        if len(FATES.intersection(words)) != (result != USED_UP):
            raise refused(FaultCode.NOT_ONE_FATE, key=result, name=result, choices=sorted(FATES), given=list(words))
    return table


Table = Annotated[dict[str, tuple[Word, ...]], AfterValidator(_table)]
"""What follows each result; `overdue` when none came in time, `used_up` when the last attempt failed."""


class Window(NamedTuple):
    """Hours of the day, local time; it may go past midnight."""

    start: time
    end: time


def _window(text: object) -> Window:
    match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", str(text))
    if match is None or match[1] + match[2] == match[3] + match[4]:
        raise refused(FaultCode.HOURS_FORMAT, given=str(text)[:LONGEST_GIVEN])
    return Window(time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4])))


def _offset(text: object) -> timedelta:
    match = re.fullmatch(r"([+-])(0[0-9]|1[0-4]):([0-5][0-9])", str(text))
    if match is None:
        raise refused(FaultCode.OFFSET_FORMAT, given=str(text)[:LONGEST_GIVEN])
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset


_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_HOURS = {"type": "string", "pattern": f"^{_CLOCK}-{_CLOCK}$", "examples": ["22:00-07:00"]}
_OFFSET = {"type": "string", "pattern": "^[+-](0[0-9]|1[0-4]):[0-5][0-9]$", "examples": ["+08:00"]}
Hours = Annotated[Window, BeforeValidator(_window), WithJsonSchema(_HOURS)]
Offset = Annotated[timedelta, BeforeValidator(_offset), WithJsonSchema(_OFFSET)]
StepName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,12}$")]
Attempts = Annotated[int, Field(ge=1, le=99)]


class StepRule(Section):
    """One step: when it falls due, how often it is tried, and by when a result is owed."""

    action: Action
    after: Duration = timedelta(0)  # from the moment the plan starts
    attempts: Attempts = 1  # of a trusted contact: for each of them
    again: Duration = timedelta(minutes=5)
    result_within: Duration
    arrive_within: Duration = timedelta(hours=1)  # of a visit, once accepted
    least_gap: Duration = timedelta(0)  # to the step before it when several fall due at once
    when: tuple[Condition, ...] = ()
    at_home: bool = False  # waits for the hours in which people are at home


class LevelPlan(Section):
    """What is done at a level."""

    quiet: bool  # whether the night is kept free
    acknowledged: Literal["goes_on", "no_robot", "dissuaded"]  # what a key pressed on a robot call settles
    in_doubt: Literal["again", "sent"]  # sent or not: try again, or take it as sent
    follow_ups: tuple[Duration, ...] = ()
    steps: dict[StepName, StepRule]


class Results(Section):
    """What follows a result, by what was tried."""

    sms: Table
    robot_call: Table
    operator_call: Table
    follow_up: Table
    contact: Table
    visit: Table
    stop: Table


class StopRules(Section):
    """Stop-payments: 48 hours, twice at most for an account."""

    attempts: Attempts
    again: Duration
    result_within: Duration
    lasts: Duration
    times: Annotated[int, Field(ge=1, le=2)]
    remind_before: Duration
    settled_within: Duration  # a settled payment younger than this may still be caught


class Unreachable(Section):
    """A resident whom nothing reached: one last call, then a long clock."""

    follow_up: Duration
    close: Duration


class Plan(Section):
    """Steps by level, what follows a result, and the clocks that all levels share."""

    utc: Offset
    quiet: Hours
    home: tuple[Hours, ...] = Field(min_length=1)
    reopen_within: Duration
    close_after: Duration  # after the last follow-up, or where there is none
    call_again_within: Duration  # how far ahead a resident may put a call off
    talk_within: Duration  # a conversation, on the telephone or at the door
    soon: Duration
    retry: Duration  # the first pause after a provider's failure; it doubles
    retry_most: Duration
    retries: Annotated[int, Field(ge=0, le=99)]
    busy_in_a_row: Annotated[int, Field(ge=1)]
    unreachable: Unreachable
    stop: StopRules
    levels: dict[Level, LevelPlan]
    asked: dict[Literal["operator", "visit", "contact", "follow_up"], StepRule]
    results: Results

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if missing := [level.value for level in Level if level not in self.levels]:
            raise refused(FaultCode.KEYS_MISSING, key="levels", names=missing)
        if missing := sorted({"operator", "visit", "contact", "follow_up"} - set(self.asked)):
            raise refused(FaultCode.KEYS_MISSING, key="asked", names=missing)
        return self
