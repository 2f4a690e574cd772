"""The rungs by which an officer is told of a visit until they accept it, and the devices that get push messages."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.base import Model, Text, When
from schemas.people.staff import Login


class OfficerRung(StrEnum):
    """The ways in which an officer is told of a visit, in this order, until the officer accepts it: a push message to
    the officer's devices, a text message, a call, then the next officer is asked, or the watch room is told (an alarm
    on the supervisors' screens).
    """

    PUSH = "push"
    SMS = "sms"
    CALL = "call"
    NEXT_OFFICER = "next_officer"
    WATCH_ROOM = "watch_room"


class RungResult(StrEnum):
    """The result of one way of telling an officer. SENT: the push service or gateway accepted the message. FAILED: it
    certainly did not. UNKNOWN: its answer is missing. ABSENT: no device is subscribed, or no number is known.
    """

    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class RungTried(Model):
    """One way of telling an officer that was tried, at `at`. `result` None: a worker began it and has not recorded the
    result.
    """

    rung: OfficerRung
    at: When
    result: RungResult | None = None


class Escalation(Model):
    """The ways that were tried to make an officer accept a visit. `earlier`: the number of other officers who were told
    before of the same step and did not accept; `over`: True if nothing more will be tried.
    """

    dispatch: Annotated[str, Field(min_length=1, max_length=200)]
    officer: Text
    began: When
    earlier: Annotated[int, Field(ge=0, le=999)] = 0
    rungs: list[RungTried] = Field(default_factory=list, max_length=len(OfficerRung))
    over: bool = False  # accepted, no longer needed, or the last rung was reached


class PushSubscription(Model):
    """A browser that gets push messages for an officer.

    The subscription ends when the session in which it was made or renewed is ended, and with the account's epoch. A
    session that expires ends no subscription, because an officer on duty, whose telephone is in a pocket, must still be
    told. `sealed`: its endpoint and keys, encrypted. `session`: the hash of the session's token. `device`: a short
    name.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]  # of the endpoint's SHA-256
    login: Login
    officer: Text
    epoch: Annotated[int, Field(ge=0)]
    session: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    device: Annotated[str, StringConstraints(max_length=64)] = ""
    language: Literal["zh", "en", "ko"] = "zh"
    made_at: When
    sealed: Annotated[str, Field(max_length=4096)]
