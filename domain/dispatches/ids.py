"""Dispatch ids: `case:step:attempt:channel`."""

import re
from typing import NamedTuple

from schemas.casework.cases import Case
from schemas.levels import Channel

_ID = re.compile(r"((r[a-z2-7]{16})-[1-9]\d{0,8}):([a-z0-9][a-z0-9._-]{0,31}):([1-9]\d{0,5}):(sms|phone|visit|payment)")


class DispatchId(NamedTuple):
    """The parts of a dispatch id. `text`: the whole id; `case`: the case's id, `resident`: its resident's; `step`: the
    step's id in the case; `attempt`: its number, from 1; `channel`: by which it is sent.
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


def of_case(case: Case) -> list[str]:
    """Return the ids of all dispatches that a case's steps may have sent, the latest attempt of each step first."""
    return [
        named(case.id, step.id, attempt, step.action.channel)
        for step in case.steps
        for attempt in range(step.attempt, 0, -1)
    ]


def parse(text: str) -> DispatchId:
    """Return the parts of a dispatch id. Raises ValueError for any other text."""
    match = _ID.fullmatch(text)
    if match is None:
        raise ValueError("no dispatch has such an id: it is case:step:attempt:channel")
    case, resident, step, attempt, channel = match.groups()
    return DispatchId(text, case, resident, step, int(attempt), Channel(channel))
