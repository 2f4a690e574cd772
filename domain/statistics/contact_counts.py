"""How often the first SMS and automated call of a plan reach residents, by kind of person and part of the week.

Counted from the journal alone. Red cases are left out: their contacts go out together, in a live scam. A contact that
comes second is counted like one that comes first, although it is not made after the first has settled the case.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple

from domain.policy.channels.groups import ContactGroup, contact_group
from domain.policy.channels.order import LEAST_TRIES, ContactCounts
from domain.policy.plan import Plan, Word
from domain.policy.schedule import words_after
from schemas.casework.events import CaseEvent, Dispatch, FactKind
from schemas.codes.any_code import LateResult, ResultNoted
from schemas.levels import NEVER_SENT, Action, Level, Result

_NO_TRY = NEVER_SENT | {Result.IN_DOUBT}


class FirstContactTry(NamedTuple):
    """A first contact by SMS or automated call: when it was sent, the time by which its result must come (None: no
    limit), and the group of its resident then.
    """

    action: Action
    group: ContactGroup
    at: datetime
    by: datetime | None


class GroupTally(NamedTuple):
    """Contacts by one channel: `tries`, and how many of them `reached` the resident in time."""

    tries: int
    reached: int


@dataclass(slots=True)
class ContactHistory:
    """Collects the first SMS and the first automated call of each case. The journal's events may be added in any order,
    and more than once.

    `plan`: its results say which of them mean that the resident was reached. `sent`: the contacts, by case and step;
    `reached`: when each reached the resident first; `untried`: those that a provider did not carry out, or may not
    have.
    """

    plan: Plan
    sent: dict[tuple[str, str], FirstContactTry] = field(default_factory=dict)
    reached: dict[tuple[str, str], datetime] = field(default_factory=dict)
    untried: set[tuple[str, str]] = field(default_factory=set)

    def add(self, event: CaseEvent) -> None:
        """Add an event of the journal, in place."""
        for dispatch in event.dispatches:
            if _counts(dispatch):
                group = contact_group(event.case.profile, dispatch.at, self.plan.utc)
                tried = FirstContactTry(dispatch.action, group, dispatch.at, dispatch.not_after)
                self.sent[dispatch.case, dispatch.step] = tried
        for fact in event.facts:
            of_first = isinstance(fact.what, ResultNoted | LateResult) and fact.what.attempt == 1
            if fact.kind is FactKind.RESULT and of_first and fact.step and fact.action and fact.result:
                self._add_result((event.case.id, fact.step), fact.action, fact.result, event.at)

    def _add_result(self, contact: tuple[str, str], action: Action, result: Result, at: datetime) -> None:
        if result in _NO_TRY:
            self.untried.add(contact)
        elif Word.REACHED in words_after(self.plan, action, result):
            self.reached[contact] = min(at, self.reached.get(contact, at))

    def tallies(self, first: date, last: date) -> Mapping[ContactGroup, Mapping[Action, GroupTally]]:
        """Return the contacts of the local days from `first` to `last` (inclusive), by group and channel. A group that
        had no contact is left out; one that had none by a channel has 0 there.
        """
        tries, reached = Counter[tuple[ContactGroup, Action]](), Counter[tuple[ContactGroup, Action]]()
        for contact, tried in self.sent.items():
            if contact in self.untried or not first <= _local_day(tried.at, self.plan.utc) <= last:
                continue
            tries[tried.group, tried.action] += 1
            at = self.reached.get(contact)
            reached[tried.group, tried.action] += at is not None and (tried.by is None or at <= tried.by)
        groups = sorted({group for group, _ in tries})
        return {
            group: {each: GroupTally(tries[group, each], reached[group, each]) for each in _CHANNELS}
            for group in groups
        }


def enough(tallies: Mapping[ContactGroup, Mapping[Action, GroupTally]]) -> list[ContactCounts]:
    """Return the groups that have at least LEAST_TRIES contacts by each channel. Nothing is told of smaller ones."""
    return [
        ContactCounts.model_validate({**group._asdict(), **{each.value: of[each]._asdict() for each in _CHANNELS}})
        for group, of in tallies.items()
        if all(of[each].tries >= LEAST_TRIES for each in _CHANNELS)
    ]


_CHANNELS = (Action.SMS, Action.ROBOT_CALL)


def _counts(dispatch: Dispatch) -> bool:
    return dispatch.attempt == 1 and dispatch.action in _CHANNELS and dispatch.level is not Level.RED


def _local_day(at: datetime, utc: timedelta) -> date:
    return at.astimezone(timezone(utc)).date()
