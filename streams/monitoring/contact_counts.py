"""Reads the journal for past contacts by kind of person and hour. Called by `quanzu policy channels`."""

from domain.policy.plan import Plan
from domain.statistics.contact_counts import ContactHistory
from streams.monitoring.report import published_events
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import reading


async def read_contacts(settings: Settings, plan: Plan) -> ContactHistory:
    """Return the first contacts in the whole journal, judged by the results of `plan`. Unreadable entries are logged
    and left out. Raises KafkaError if Kafka is unavailable. Errors of the vault (CodecError) pass through.
    """
    history = ContactHistory(plan)
    async with reading(settings):
        async for each in published_events(settings):
            history.add(each.event)
    return history
