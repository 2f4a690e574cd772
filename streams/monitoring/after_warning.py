"""Reads the journal and the matched records for the figures of fraud after a warning. Called by `quanzu report`."""

from datetime import datetime

from domain.statistics.after_warning import AfterWarning, WarningHistory, after_warning
from schemas.casework.events import CaseEvent
from streams.casework.journal import read_entry
from streams.messaging import topics
from streams.messaging.reader import read_all
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
        async for record in read_all(settings, topics.CASE_EVENTS.name):
            entry = read_entry(record.offset, record.value or b"")
            if isinstance(entry, CaseEvent):
                history.add(entry)
        return after_warning(history, await matches.published(), now)
