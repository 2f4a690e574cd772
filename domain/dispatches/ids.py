"""Dispatch ids: `case:step:attempt:channel`. A message or call to an officer has its visit's id and its rung's name."""

import re
from typing import NamedTuple

from schemas.casework.cases import Case
from schemas.levels import Channel
from schemas.people.escalations import OfficerRung

_OFFICERS = {OfficerRung.SMS.value: Channel.SMS, OfficerRung.CALL.value: Channel.PHONE}
_CHANNELS = "|".join(each.value for each in Channel)
_ID = re.compile(rf"((r[a-z2-7]{{16}})-[1-9]\d{{0,8}}):([a-z0-9][a-z0-9._-]{{0,31}}):([1-9]\d{{0,5}}):({_CHANNELS})")


class DispatchId(NamedTuple):
    """The parts of a dispatch id.

    `text`: the whole id. `case`: the case's id. `resident`: the id of the case's resident. `step`: the step's id within
    the case. `attempt`: the number of the attempt, from 1. `channel`: the channel that sends it.
    """

    text: str
    case: str
    resident: str
    step: str
    attempt: int
    channel: Channel


def named(case: str, step: str, attempt: int, channel: Channel) -> str:
    """Return the id of a dispatch: `case:step:attempt:channel`."""
    return f"{case}:{step}:{attempt}:{channel.value}"


def officer_message(visit: str, rung: OfficerRung) -> str:
    """Return the id of the message or call to an officer about a visit: the dispatch id of the visit (`visit`), a dot,
    and the name of the rung.
    """
    return f"{visit}.{rung.value}"


def is_officer_message(text: str, channel: Channel) -> bool:
    """Return True if an id is that of a message or call to an officer about a visit, and this kind of message is sent
    by `channel`.
    """
    visit, _, name = text.rpartition(".")
    match = _ID.fullmatch(visit)
    return match is not None and match[5] == Channel.VISIT and _OFFICERS.get(name) is channel


def of_case(case: Case) -> list[str]:
    """Return the ids of all dispatches that a case's steps may have sent, in the case's order of steps, the latest
    attempt of each step first.
    """
    return [
        named(case.id, step.id, attempt, step.action.channel)
        for step in case.steps
        for attempt in range(step.attempt, 0, -1)
    ]


def parse(text: str) -> DispatchId:
    """Return the parts of a dispatch id. Raises ValueError if the text is not a dispatch id."""
    found = parts_of(text)
    if found is None:
        raise ValueError("no dispatch has such an id: it is case:step:attempt:channel")
    return found


def parts_of(text: str) -> DispatchId | None:
    """Return the parts of a dispatch id, or None if the text is not a dispatch id."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    case, resident, step, attempt, channel = match.groups()
    return DispatchId(text, case, resident, step, int(attempt), Channel(channel))
