"""The latest figures on fraud after a warning that the console shows, as a worker computes them from the cases."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, Ref, When
from schemas.people.residents import DivisionCode

Number = Annotated[int, Field(ge=0)]


class WarnedGroup(Model):
    """Numbers of cases with a warning whose residents live in `division` and that belong to one group: `dimension`
    names a property, such as "level", and `value` its value, such as "red".

    `warned`: all of them. `old`, `defrauded`: pairs, for the spans of 30 and of 90 days: the cases that were warned at
    least so long ago, and those of them whose resident was defrauded within the span after the warning.
    """

    division: DivisionCode
    dimension: str
    value: str
    warned: Number
    old: tuple[Number, Number]
    defrauded: tuple[Number, Number]


class DissuadedGroup(Model):
    """Numbers of cases whose residents live in `division` and were dissuaded. `cases`: by key: "dissuaded": all of
    them; the value of a WeekAnswer: those with this answer to the question a week later; "waiting": those without an
    answer yet.
    """

    division: DivisionCode
    cases: dict[str, Number]


class AfterWarningReading(Model):
    """The figures as of `at`. `groups`: of cases that were first warned at `since` or later. `after_warning`: the ids
    of the police's records of frauds before which a warning had reached the victim within 90 days. `dissuaded`: what
    the dissuaded answered a week later, by area.
    """

    at: When
    since: When
    groups: list[WarnedGroup]
    after_warning: frozenset[Ref]
    dissuaded: list[DissuadedGroup] = Field(default_factory=list)
