"""The policy's table `[channel_order]`: counts of past contacts, by which the automated call may come before the SMS.

The counts are in the policy, so that a decision depends on nothing else and a replay decides alike, and so that two
persons have seen the figures that change what a resident gets.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.policy.channels.groups import AgeGroup, AreaKind, ContactGroup, PartOfWeek
from domain.policy.faults import FaultCode, refused
from domain.policy.units import Section
from schemas.levels import Action, Level
from schemas.people.residents import Language

LEAST_TRIES = 100
"""The fewest contacts by each channel that a group needs. With fewer, a share is unsure by more than 10 % (two standard
errors), and figures of a small group could tell about a person.
"""
MOST_TRIES = 10_000_000
MOST_GROUPS = len(AgeGroup) * len(Language) * len(AreaKind) * len(PartOfWeek)
Worth = Annotated[float, Field(gt=0, le=1)]


class ReachedCount(Section):
    """Past contacts of a group by one channel. `tries`: how many; `reached`: how many of them reached the resident in
    the time that the plan gives a result.
    """

    tries: Annotated[int, Field(ge=LEAST_TRIES, le=MOST_TRIES)]
    reached: Annotated[int, Field(ge=0, le=MOST_TRIES)]

    @model_validator(mode="after")
    def _no_more_than_tried(self) -> Self:
        if self.reached > self.tries:
            raise refused(FaultCode.NOT_BETWEEN, key="reached", least=0, most=self.tries)
        return self


class ContactCounts(Section):
    """Past contacts of one kind of person in one part of the week, by channel."""

    age: AgeGroup
    language: Language
    place: AreaKind
    part: PartOfWeek
    sms: ReachedCount
    robot_call: ReachedCount

    @property
    def group(self) -> ContactGroup:
        """The group that was counted."""
        return ContactGroup(self.age, self.language, self.place, self.part)

    def count(self, action: Action) -> ReachedCount:
        """Return the counts of SMS or ROBOT_CALL. Raises KeyError for other actions."""
        return {Action.SMS: self.sms, Action.ROBOT_CALL: self.robot_call}[action]


class ReachedWorth(Section):
    """The share of residents, once reached by this channel, who break the scam off, from 0 to 1. A delivered message
    need not be read, so that a message is worth less than a call that was answered.
    """

    sms: Worth
    robot_call: Worth

    def of(self, action: Action) -> float:
        """Return the worth of SMS or ROBOT_CALL. Raises KeyError for other actions."""
        return {Action.SMS: self.sms, Action.ROBOT_CALL: self.robot_call}[action]


class ChannelOrder(Section):
    """The rules by which the SMS and the automated call of a plan may change places.

    `levels`: whose plans. Red is none of them: both go out within seconds there. `counted_from`, `counted_to`: the days
    (local, inclusive) whose contacts were counted. `until`: the last day (local) on which the counts apply; after it,
    the plan's own order stands. `keeps`: the share of cases that keep the plan's order in any case, so that the channel
    that is put back is still tried first. `worth`: of a resident reached, by channel. `groups`: the counts.
    """

    levels: tuple[Literal[Level.ORANGE, Level.YELLOW, Level.BLUE], ...] = Field(min_length=1, max_length=3)
    counted_from: date
    counted_to: date
    until: date
    keeps: Annotated[float, Field(ge=0.05, le=0.5)] = 0.1
    worth: ReachedWorth
    groups: tuple[ContactCounts, ...] = Field(max_length=MOST_GROUPS)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.counted_from <= self.counted_to <= self.until:
            least, most = self.counted_from.isoformat(), self.until.isoformat()
            raise refused(FaultCode.NOT_BETWEEN, key="counted_to", least=least, most=most)
        found = set[ContactGroup]()
        for each in self.groups:
            if each.group in found:
                raise refused(FaultCode.STANDS_TWICE, key="groups", name=" ".join(each.group))
            found.add(each.group)
        return self

    def counts_of(self, group: ContactGroup) -> ContactCounts | None:
        """Return the counts of a group, or None if it had too few contacts."""
        return next((each for each in self.groups if each.group == group), None)
