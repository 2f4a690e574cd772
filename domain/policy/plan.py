"""The policy's plans: each level's steps and times, what follows a result, stops, visits, hours."""

import re
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from domain.policy.approval import ApprovalRules, LaterStopRules
from domain.policy.faults import LONGEST_GIVEN, FaultCode, refused
from domain.policy.objections import ObjectionRules
from domain.policy.units import Duration, Section, spelt
from schemas.casework.inputs import VisitStage
from schemas.casework.orders import MOST_HOURS
from schemas.levels import Action, Level, Result


class Condition(StrEnum):
    """Conditions of a case under which a step is planned.

    MONEY_AT_RISK: a payment can still be stopped; HAS_CONTACT: the resident has a trusted contact; NOT_OBJECTING: to
    automated calls; NOT_HARD_OF_HEARING.
    """

    MONEY_AT_RISK = "money_at_risk"
    HAS_CONTACT = "has_contact"
    NOT_OBJECTING = "not_objecting"
    NOT_HARD_OF_HEARING = "not_hard_of_hearing"


class Word(StrEnum):
    """A consequence of a result. Exactly one of the words that a result has decides about the step itself; the others
    cause further actions.

    About the step: WAIT: it waits for a further result; DONE, FAILED, WITHDRAWN: it ends in this state; AGAIN: the next
    attempt after the step's `again`; AGAIN_SOON: after the plan's `soon`; AGAIN_NOW: at once; AGAIN_AT_HOME: in the
    hours in which people are at home; RETRY: after a provider's failure, with growing pauses, and counts as no attempt.

    REACHED: a warning reached the resident; ACKNOWLEDGED: as the level's `acknowledged` says. SMS, CALL, OPERATOR,
    VISIT and CONTACT bring the level's next such step forward, if one is pending; ASK_OPERATOR plans one if not.
    NO_CALLS and NO_SMS withdraw those steps. REOPEN: reopens a case whose plan has ended.
    """

    WAIT = "wait"
    DONE = "done"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    AGAIN = "again"
    AGAIN_SOON = "again_soon"
    AGAIN_NOW = "again_now"
    AGAIN_AT_HOME = "again_at_home"
    RETRY = "retry"

    REACHED = "reached"
    ACKNOWLEDGED = "acknowledged"
    SMS = "sms"
    CALL = "call"
    OPERATOR = "operator"
    VISIT = "visit"
    CONTACT = "contact"
    ASK_OPERATOR = "ask_operator"
    NO_CALLS = "no_calls"
    NO_SMS = "no_sms"
    REOPEN = "reopen"


FATES = frozenset(
    {
        *(Word.WAIT, Word.DONE, Word.FAILED, Word.WITHDRAWN),
        *(Word.AGAIN, Word.AGAIN_SOON, Word.AGAIN_NOW, Word.AGAIN_AT_HOME, Word.RETRY),
    }
)
"""The words that determine a step's own fate. Each other word has a handler in domain/casework/follow."""
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
"""What follows each result; also `overdue`: no result in time, and `used_up`: the last attempt failed."""


class Window(NamedTuple):
    """Local hours of the day, from `start` (inclusive) to `end` (exclusive); the end may be after midnight."""

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
Prefix = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=24)]
LEAST_STOP, MOST_STOP = timedelta(hours=1), timedelta(hours=MOST_HOURS)


class StepRule(Section):
    """One step: when it is due, how often it is tried, and how soon a result must come (`result_within`, after
    sending).

    `after`: from the plan's start; `attempts`: how often it is tried, of a trusted contact, for each contact; `again`:
    before the next attempt; `arrive_within`: of a visit, after acceptance; `least_gap`: to the previous step if several
    are due at once; `when`: all conditions under which it is planned; `at_home`: it waits for the hours at which people
    are at home.
    """

    action: Action
    after: Duration = timedelta(0)
    attempts: Attempts = 1
    again: Duration = timedelta(minutes=5)
    result_within: Duration
    arrive_within: Duration = timedelta(hours=1)
    least_gap: Duration = timedelta(0)
    when: tuple[Condition, ...] = ()
    at_home: bool = False

    @model_validator(mode="after")
    def _by_plan(self) -> Self:
        if self.action in (Action.HOLD_OUTGOING, Action.LIFT_HOLD):
            raise refused(FaultCode.STEP_OF_PERSONS, key="action", given=self.action.value)
        return self


class LevelPlan(Section):
    """The rules of one level. `steps`: the steps by name; `quiet`: whether quiet hours apply.

    `acknowledged`: the effect of the key 1 on an automated call: none ("goes_on"), no further automated call
    ("no_robot"), or the case counts as dissuaded ("dissuaded"). `in_doubt`: whether a dispatch in doubt is repeated
    ("again") or counts as sent ("sent"). `follow_ups`: how long after the resident was reached each follow-up call is
    made.
    """

    quiet: bool
    acknowledged: Literal["goes_on", "no_robot", "dissuaded"]
    in_doubt: Literal["again", "sent"]
    follow_ups: tuple[Duration, ...] = ()
    steps: dict[StepName, StepRule]


class Results(Section):
    """The consequences of results, by kind of action: from a result to one or several Words."""

    sms: Table
    robot_call: Table
    operator_call: Table
    follow_up: Table
    contact: Table
    visit: Table
    stop: Table


class StopRules(Section):
    """Rules of stop-payments, which last `lasts`, from 1 to 48 hours, and are requested at most twice for an account.

    `prefix`: what an order's document number begins with; `attempts`: how often a request is tried, `again`: the time
    before the next try; `result_within`: how soon the bank must answer; `times`: how often a stop is requested;
    `remind_before`: how long before a stop ends a person is reminded; `settled_within`: a payment settled more recently
    may still be caught; `same_within`: a payment that a person reports and one that a feed delivers are the same if
    account and amount are equal and their times differ by at most this. `approval`: who approves an order; `later`: how
    much of what follows is approved with it at most (left out: nothing).
    """

    prefix: Prefix
    attempts: Attempts
    again: Duration
    result_within: Duration
    lasts: Duration
    times: Annotated[int, Field(ge=1, le=2)]
    remind_before: Duration
    settled_within: Duration
    same_within: Duration
    approval: ApprovalRules = ApprovalRules()
    objections: ObjectionRules = ObjectionRules()
    later: LaterStopRules | None = None

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        if not LEAST_STOP <= self.lasts <= MOST_STOP:
            raise refused(FaultCode.NOT_BETWEEN, key="lasts", least=spelt(LEAST_STOP), most=spelt(MOST_STOP))
        return self


class Unreachable(Section):
    """Rules for a resident who could not be reached: one last call after `follow_up`, and closing after `close`."""

    follow_up: Duration
    close: Duration


class Plan(Section):
    """The steps by level, what follows results, and the times shared by all levels.

    `utc`: the offset of local hours; `quiet`, `home`: hours without contacts, and those at which people are at home.
    `reopen_within`: how long after closing an alert reopens a case; `close_after`: after the last follow-up, or at once
    if there is none. `call_again_within`: how far ahead a resident may postpone a call; `talk_within`: duration of a
    conversation. `soon`: the pause before another attempt soon. `retry`, `retry_most`, `retries`: the first pause after
    a provider's failure, which doubles each time, the longest one, and their number. `busy_in_a_row`: busy results that
    mean danger. `asked`: rules of steps that somebody asks for.
    """

    utc: Offset
    quiet: Hours
    home: tuple[Hours, ...] = Field(min_length=1)
    reopen_within: Duration
    close_after: Duration
    call_again_within: Duration
    talk_within: Duration
    soon: Duration
    retry: Duration
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
