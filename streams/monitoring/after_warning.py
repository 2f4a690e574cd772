"""Reads the journal and the matched records for the figures of fraud after a warning. Called by `quanzu report`."""

from datetime import datetime

from domain.statistics.after_warning import AfterWarning, WarningHistory, after_warning
from streams.monitoring.report import published_events
from streams.repositories.tables import FraudMatches
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import reading


async def read_after_warning(settings: Settings, matches: FraudMatches, now: datetime) -> AfterWarning:
    """Return the figures on fraud after warnings as of `now`, from the whole journal and the topic of matched records.
    Unreadable entries of the journal are logged and left out. Raises ValueError if a matched record is unreadable, and
    KafkaError if Kafka is unavailable. Errors of the vault (CodecError) pass through.
    """
    history = WarningHistory()
    async with reading(settings):
        async for each in published_events(settings):
            history.add(each.event)
        return after_warning(history, await matches.published(), now)
