"""Values in a policy file, such as "5m" for five minutes."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from domain.policy.faults import LONGEST_GIVEN, FaultCode, refused

LONGEST = timedelta(days=3660)  # ten years: a date plus this is still valid
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Section(BaseModel):
    """A part of the policy: immutable, and with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def duration(text: object) -> timedelta:
    """Return the duration in a text such as "30s", "5m", "24h" or "7d"; a timedelta is returned unchanged.

    Raises PydanticCustomError, a ValueError, for any other text and for more than ten years.
    """
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", str(text))
    if match is None:
        raise refused(FaultCode.DURATION_UNIT, given=str(text)[:LONGEST_GIVEN])
    found = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if found > LONGEST:
        raise refused(FaultCode.DURATION_TOO_LONG, given=str(text), days=LONGEST.days)
    return found


def spelt(found: timedelta) -> str:
    """Return a duration as written in a policy file ("90s", "2h"), in the largest unit (s, m, h, d) that gives a whole
    number; zero is "0s".

    Fractions of a second are rounded.
    """
    seconds = round(found.total_seconds())
    unit = next(unit for unit, size in reversed(_UNITS.items()) if seconds % size == 0 and (seconds or unit == "s"))
    return f"{seconds // _UNITS[unit]}{unit}"


_WRITTEN = {"type": "string", "pattern": "^[0-9]{1,6}[smhd]$", "examples": ["5m"]}
Duration = Annotated[timedelta, BeforeValidator(duration), WithJsonSchema(_WRITTEN)]
