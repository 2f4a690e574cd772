"""The policy's plans: each level's steps and times, the consequences of results, stops, visits, hours."""

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
from schemas.casework.orders import MOST_HOURS, MOST_STOPS
from schemas.levels import Action, Level, Result


class Condition(StrEnum):
    """Conditions of a case under which a step is planned.

    MONEY_AT_RISK: a payment can still be stopped. HAS_CONTACT: the resident has a trusted contact. NOT_OBJECTING: the
    resident does not object to automated calls. NOT_HARD_OF_HEARING: the resident hears well enough for a call.
    """

    MONEY_AT_RISK = "money_at_risk"
    HAS_CONTACT = "has_contact"
    NOT_OBJECTING = "not_objecting"
    NOT_HARD_OF_HEARING = "not_hard_of_hearing"


class Word(StrEnum):
    """A consequence of a result. Of a result's words, exactly one (of FATES) decides about the step itself; others
    cause further actions.

    About the step: WAIT: it waits for a further result. DONE, FAILED, WITHDRAWN: it ends in this state. AGAIN: the next
    attempt follows after the step's `again`; AGAIN_SOON: after the plan's `soon`; AGAIN_NOW: at once; AGAIN_AT_HOME: in
    the hours at which people are at home. RETRY: after a provider's failure, with growing pauses; it counts as no
    attempt.

    REACHED: a warning reached the resident. ACKNOWLEDGED: apply the level's `acknowledged`. SMS, CALL, OPERATOR, VISIT,
    CONTACT: bring the level's next pending step of this kind forward; ASK_OPERATOR: also plan one if none is pending.
    NO_CALLS, NO_SMS, NO_SUPPORT: withdraw the pending steps of this kind. REOPEN: reopen a case whose plan has ended;
    after a support call at yellow, for a talk with an operator.
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
    NO_SUPPORT = "no_support"
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
    """Local hours of the day, from `start` (inclusive) to `end` (exclusive). If `end` is before `start`, it is on the
    next day.
    """

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
    """The rule of a step: when it is due, how often it is tried, and how soon after sending a result must come.

    `after`: the time from the plan's start until it is due. `attempts`: the most attempts; for trusted contacts, with
    each contact. `again`: pause before the next attempt. `result_within`: time for a result. `arrive_within`: time from
    the acceptance of a visit to the arrival. `least_gap`: pause after the previous step if several are due at once.
    `when`: conditions that must all hold. `at_home`: True if it waits for the hours at which people are at home.
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
        if self.action in (Action.HOLD_OUTGOING, Action.LIFT_HOLD, Action.HAND_OVER):
            raise refused(FaultCode.STEP_OF_PERSONS, key="action", given=self.action.value)
        return self


class LevelPlan(Section):
    """The plan of one level. `quiet`: True if quiet hours apply. `steps`: the steps by name, such as "sms".

    `acknowledged`: the effect of key 1 in an automated call: none ("goes_on"), no further automated call ("no_robot"),
    or the case counts as dissuaded ("dissuaded"). `in_doubt`: a dispatch of which nobody knows whether it was carried
    out is repeated ("again") or counts as sent ("sent"). `follow_ups`: how long after the resident was reached each
    follow-up call is made.
    """

    quiet: bool
    acknowledged: Literal["goes_on", "no_robot", "dissuaded"]
    in_doubt: Literal["again", "sent"]
    follow_ups: tuple[Duration, ...] = ()
    steps: dict[StepName, StepRule]


class Results(Section):
    """The consequences of results, by kind of action: each table has one or several Words for a result."""

    sms: Table
    robot_call: Table
    operator_call: Table
    follow_up: Table
    support_call: Table = Field(default_factory=dict)
    week_call: Table = Field(default_factory=dict)
    week_sms: Table = Field(default_factory=dict)
    reminder: Table = Field(default_factory=dict)
    contact: Table
    visit: Table
    stop: Table


SOONEST_QUESTION, LATEST_QUESTION = timedelta(seconds=1), timedelta(days=30)
SOONEST_REMINDER, LATEST_REMINDER = timedelta(seconds=1), timedelta(days=60)
LEAST_STATUS = timedelta(minutes=1)  # assumed: sooner, a bank is still working on the order


class StopRules(Section):
    """Rules of stop-payments. A stop lasts `lasts` (1 to 48 hours), and is requested at most `times` (1 or 2) for an
    account.

    `prefix`: what an order's document number begins with; `attempts`: how often a request is tried, `again`: the time
    before the next try; `result_within`: how soon the bank must answer; `status_after`: how long after an order a bank
    that has not answered is asked what became of it, from 1 minute to below `result_within` (left out: never);
    `remind_before`: how long before a stop ends a person is reminded; `settled_within`: a payment settled more recently
    may still be caught; `same_within`: a payment that a person reports and one that a feed delivers are the same if
    account and amount are equal and their times differ by at most this. `approval`: who approves an order; `later`: how
    much of what follows is approved with it at most (left out: nothing).
    """

    prefix: Prefix
    attempts: Attempts
    again: Duration
    result_within: Duration
    status_after: Duration | None = None
    lasts: Duration
    times: Annotated[int, Field(ge=1, le=MOST_STOPS)]
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
        if self.status_after is not None and not LEAST_STATUS <= self.status_after < self.result_within:
            least, most = spelt(LEAST_STATUS), spelt(self.result_within)
            raise refused(FaultCode.NOT_BETWEEN, key="status_after", least=least, most=most)
        return self


class Unreachable(Section):
    """Rules for a resident who could not be reached: a last call after `follow_up`, and closing of the case after
    `close`.
    """

    follow_up: Duration
    close: Duration


class Plan(Section):
    """The plans of all levels, the consequences of results, and times that all levels share.

    `utc`: offset of local time. `quiet`: hours without contacts. `home`: hours at which people are at home.
    `reopen_within`: how long after closing an alert reopens a case. `close_after`: time from the last follow-up, or
    from the outcome if there is none, to closing. `call_again_within`: how far ahead a resident may postpone a call.
    `talk_within`: longest duration of a conversation. `soon`: pause before AGAIN_SOON. `retry`, `retry_most`,
    `retries`: after a provider's failure, the first pause (it doubles each time), the longest pause, and the most
    retries. `busy_in_a_row`: number of busy results that mean danger. `ask_after`: how long after a resident was
    dissuaded they are asked, by another channel, whether they have paid since, at most 30 days (left out: never).
    `remind_after`: how long after they were dissuaded they get a reminder by text message, at most 60 days (left out:
    never).
    `asked`: rules of steps that a person requests, of follow-ups, support calls, that question and the reminder.
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
    ask_after: Duration | None = None
    remind_after: Duration | None = None
    asked: dict[
        Literal["operator", "visit", "contact", "follow_up", "support", "week_call", "week_sms", "reminder"], StepRule
    ]
    results: Results

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if missing := [level.value for level in Level if level not in self.levels]:
            raise refused(FaultCode.KEYS_MISSING, key="levels", names=missing)
        questions = {"week_call", "week_sms"} if self.ask_after is not None else set()
        if missing := sorted({"operator", "visit", "contact", "follow_up", *questions} - set(self.asked)):
            raise refused(FaultCode.KEYS_MISSING, key="asked", names=missing)
        return self

    @model_validator(mode="after")
    def _question_fits(self) -> Self:
        """Refuse a time of the question a week later out of its bounds, and a question without what its answers do."""
        if self.ask_after is None:
            return self
        if not SOONEST_QUESTION <= self.ask_after <= LATEST_QUESTION:
            least, most = spelt(SOONEST_QUESTION), spelt(LATEST_QUESTION)
            raise refused(FaultCode.NOT_BETWEEN, key="ask_after", least=least, most=most)
        if missing := [name for name in ("week_call", "week_sms") if not getattr(self.results, name)]:
            raise refused(FaultCode.KEYS_MISSING, key="results", names=missing)
        return self

    @model_validator(mode="after")
    def _reminder_fits(self) -> Self:
        """Refuse a reminder at a time out of its bounds."""
        if self.remind_after is not None and not SOONEST_REMINDER <= self.remind_after <= LATEST_REMINDER:
            least, most = spelt(SOONEST_REMINDER), spelt(LATEST_REMINDER)
            raise refused(FaultCode.NOT_BETWEEN, key="remind_after", least=least, most=most)
        return self
