"""The settings of feed monitoring: minimum rates and the table of public holidays."""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.calendar import Calendar, HolidaysError
from domain.calendar import load as load_holidays
from streams.runtime.settings import SettingsError

HOLIDAYS = Path(__file__).resolve().parents[3] / "deploy" / "holidays" / "china.toml"
_ENTRY = re.compile(r"([a-z0-9][a-z0-9._-]{0,31}):(\d{1,9}(?:\.\d{1,3})?)")


class FeedSettings(BaseSettings):
    """The settings of feed monitoring; the environment variable of a field is QUANZU_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="QUANZU_", frozen=True, env_ignore_empty=True)

    feeds: str = Field(
        "",
        description="Feeds that must be heard, and the least signals an hour of their quietest hour: bank-a:4,police:0",
    )
    holidays: Path = Field(HOLIDAYS, description="Public holidays, on which feeds are expected as on a Sunday")

    def floors(self) -> dict[str, float]:
        """Return, by source, the least number of signals per hour that the source sends in its quietest hour; empty if
        none is set.

        Raises SettingsError if an entry is invalid.
        """
        return dict(self._entries())

    def calendar(self) -> Calendar:
        """Return the calendar of public holidays. Raises SettingsError if the table cannot be read or is invalid."""
        try:
            return load_holidays(self.holidays.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, HolidaysError) as error:
            raise SettingsError(f"QUANZU_HOLIDAYS: {self.holidays}: {error}") from None

    def _entries(self) -> Iterator[tuple[str, float]]:
        for text in filter(None, (part.strip() for part in self.feeds.split(","))):
            match = _ENTRY.fullmatch(text)
            if match is None:
                raise SettingsError(f"QUANZU_FEEDS: {text!r}: write source:signals-an-hour, such as bank-a:4")
            yield match[1], float(match[2])


def load() -> FeedSettings:
    """Return the settings from the environment. Raises SettingsError that names each invalid variable, also for an
    invalid entry of the feeds or table of holidays.
    """
    try:
        found = FeedSettings()
    except ValidationError as error:
        lines = [f"QUANZU_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    found.floors()
    found.calendar()
    return found
