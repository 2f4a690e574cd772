"""Invented suspects on a sandbox's watchlist, by which a bank's developers get each answer to a payee check."""

from datetime import datetime

from redis.asyncio import Redis

from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.payee_checks import PayeeKind
from streams.runtime.settings import Settings
from streams.screening.payers import Payers
from streams.screening.subjects import Subjects

SUSPECTS = (
    (PayeeKind.ACCOUNT, "6200000000000001", WatchStatus.CONFIRMED),
    (PayeeKind.ACCOUNT, "6200000000000002", WatchStatus.REPORTED),
    (PayeeKind.PHONE, "+8614200000001", WatchStatus.CONFIRMED),
    (PayeeKind.LINK, "loan.example", WatchStatus.CONFIRMED),
)


async def list_suspects(redis: "Redis", settings: Settings, now: datetime) -> None:
    """Put the invented suspects on the watchlist in Redis."""
    subjects = Subjects(settings.key())
    entries = [
        WatchEntry(subject=subjects.listed(kind, value)[0], standing=standing, at=now)
        for kind, value, standing in SUSPECTS
    ]
    await Payers(redis, settings.partitions).put_back(entries)
