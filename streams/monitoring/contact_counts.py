"""Reads the journal for past contacts by kind of person and hour. Called by `quanzu policy channels`."""

from domain.policy.plan import Plan
from domain.statistics.contact_counts import ContactHistory
from schemas.casework.events import CaseEvent
from streams.casework.journal import read_entry
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import reading


async def read_contacts(settings: Settings, plan: Plan) -> ContactHistory:
    """Return the first contacts in the whole journal, judged by the results of `plan`. Unreadable entries are logged
    and left out. Raises KafkaError if Kafka is unavailable. Errors of the vault (CodecError) pass through.
    """
    history = ContactHistory(plan)
    async with reading(settings):
        async for record in read_all(settings, topics.CASE_EVENTS.name):
            entry = read_entry(record.offset, record.value or b"")
            if isinstance(entry, CaseEvent):
                history.add(entry)
    return history
