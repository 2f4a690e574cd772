"""Complaints and objections, kept for good."""

from redis.asyncio import Redis

from schemas.complaints import Complaint
from streams.messaging.producer import Producer
from streams.messaging.topics import COMPLAINTS
from streams.runtime.settings import Settings
from streams.state.compacted_table import Kept


class Complaints(Kept[Complaint]):
    """All complaints of a province, by id."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, COMPLAINTS, Complaint)
