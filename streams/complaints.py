"""Complaints and objections, kept for good."""

from redis.asyncio import Redis

from schemas.complaints import Complaint
from streams.kept import Kept
from streams.producer import Producer
from streams.settings import Settings
from streams.topics import COMPLAINTS


class Complaints(Kept[Complaint]):
    """All complaints of a province, by id."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, COMPLAINTS, Complaint)
