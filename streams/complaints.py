"""Complaints and objections, kept for good: see streams/shared_things.py for how."""

from redis.asyncio import Redis

from schemas.complaints import Complaint
from streams.producer import Producer
from streams.settings import Settings
from streams.shared_things import SharedThings
from streams.topics import COMPLAINTS


class Complaints(SharedThings[Complaint]):
    """All complaints of a province, by id."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, COMPLAINTS, Complaint)
