"""The latest figures on fraud after a warning that the console shows, as a worker computes them from the cases."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, Ref, When
from schemas.people.residents import DivisionCode

Number = Annotated[int, Field(ge=0)]


class WarnedGroup(Model):
    """Numbers of cases with a warning of a group, such as `dimension` "level" and `value` "red", whose residents live
    in `division`: `warned`, all. Of the spans of 30 and 90 days, in this order: `old`, the cases warned at least so
    long ago; `defrauded`, those of `old` whose resident was defrauded within this time.
    """

    division: DivisionCode
    dimension: str
    value: str
    warned: Number
    old: tuple[Number, Number]
    defrauded: tuple[Number, Number]


class DissuadedGroup(Model):
    """Numbers of cases whose residents live in `division` and were dissuaded: `cases`, by "dissuaded", the answer to
    the question a week later, and "waiting" without one yet.
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
