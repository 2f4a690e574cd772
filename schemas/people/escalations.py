"""How an officer is told of a visit, rung by rung, until they accept it; and the devices that take push messages."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.base import Model, Text, When
from schemas.people.staff import Login


class OfficerRung(StrEnum):
    """The rungs of the ladder: push to the officer's devices, a text message, a call, the next officer, the watch room
    (an alarm on the supervisors' screens).
    """

    PUSH = "push"
    SMS = "sms"
    CALL = "call"
    NEXT_OFFICER = "next_officer"
    WATCH_ROOM = "watch_room"


class RungResult(StrEnum):
    """What came of a rung. SENT: the push service or gateway took it; FAILED: it certainly did not; UNKNOWN: its answer
    is missing; ABSENT: no device is subscribed, or no number is known.
    """

    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class RungTried(Model):
    """A rung that was tried. `result` None: it was begun, and its worker has not told what came of it."""

    rung: OfficerRung
    at: When
    result: RungResult | None = None


class Escalation(Model):
    """What was tried to make an officer accept a visit. `earlier`: officers of this case's step before, who did not."""

    dispatch: Annotated[str, Field(min_length=1, max_length=200)]
    officer: Text
    began: When
    earlier: Annotated[int, Field(ge=0, le=999)] = 0
    rungs: list[RungTried] = Field(default_factory=list, max_length=len(OfficerRung))
    over: bool = False  # accepted, no longer needed, or the last rung was reached


class PushSubscription(Model):
    """A browser that takes push messages for an officer. It ends when the session in which it was made or renewed is
    ended, and with the account's epoch; a session that expires ends no device, because an officer on duty, whose
    telephone waits in a pocket, must be told all the same.

    `sealed`: its endpoint and keys, encrypted; `session`: the hash of the session's token; `device`: a short name.
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
