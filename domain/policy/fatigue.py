"""The policy's contact budget: how often a resident may be contacted, and when two visits become one."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section

Count = Annotated[int, Field(ge=1, le=99)]


class Most(Section):
    """The most contacts with a resident in a span of time: `all`, in total; `sms`, `phone`, `visit`, by channel."""

    all: Count
    sms: Count
    phone: Count
    visit: Count


class Fatigue(Section):
    """Limits on the contacts with one resident within an `hour` and within a `day`. They do not apply to red cases
    whose plan still runs.

    `one_visit`: a visit to an address is combined with an earlier one there if that is no older than this.
    """

    hour: Most
    day: Most
    one_visit: Duration

    @model_validator(mode="after")
    def _day_holds_the_hour(self) -> Self:
        for name in Most.model_fields:
            hour, day = getattr(self.hour, name), getattr(self.day, name)
            if hour > day:
                raise refused(FaultCode.HOUR_OVER_DAY, key=f"hour.{name}", name=name, hour=hour, day=day)
        return self

    def limits(self, channel: str) -> tuple[tuple[str, str, timedelta, int], ...]:
        """Return the four limits for contacts by a channel ("sms", "phone" or "visit"), each as (name, scope, span,
        most contacts in that span).

        The scope is "all" (contacts by any channel) or the channel; the span is an hour or a day; the name combines
        both, such as "all_hour". Raises AttributeError for another channel.
        """
        return tuple(
            (f"{whose}_{span}", whose, length, getattr(getattr(self, span), whose))
            for span, length in (("hour", timedelta(hours=1)), ("day", timedelta(days=1)))
            for whose in ("all", channel)
        )
