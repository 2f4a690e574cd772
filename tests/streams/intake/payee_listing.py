"""A store with a watchlist, for the tests of payee checks. The suspects are made up."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.payee_checks import PayeeKind
from streams.messaging import topics
from streams.runtime.settings import Settings
from streams.screening.payers import Payers
from streams.screening.subjects import Subjects
from streams.state.case_store import connect
from streams.state.shared_state import Shared

SINCE = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
CONFIRMED_ACCOUNT, REPORTED_ACCOUNT, LIFTED_ACCOUNT = "6200000000000001", "6200000000000002", "6200000000000003"
CONFIRMED_PHONE, CONFIRMED_DOMAIN, REPORTED_LINK = "+8614200000001", "loan.example", "https://shop.example/pay?id=7"
LISTED = {
    CONFIRMED_ACCOUNT: (PayeeKind.ACCOUNT, WatchStatus.CONFIRMED),
    REPORTED_ACCOUNT: (PayeeKind.ACCOUNT, WatchStatus.REPORTED),
    LIFTED_ACCOUNT: (PayeeKind.ACCOUNT, WatchStatus.LIFTED),
    CONFIRMED_PHONE: (PayeeKind.PHONE, WatchStatus.CONFIRMED),
    CONFIRMED_DOMAIN: (PayeeKind.LINK, WatchStatus.CONFIRMED),
    REPORTED_LINK: (PayeeKind.LINK, WatchStatus.REPORTED),
}


async def fill(settings: Settings, listed: Mapping[str, tuple[PayeeKind, WatchStatus]] | None = None) -> None:
    """Put suspects on the watchlist of a whole store."""
    topics.create(settings)
    redis: Any = connect(settings)
    try:
        await Shared(settings, redis, [], lease_seconds=0).ensure()
        subjects = Subjects(settings.key())
        entries = [
            WatchEntry(subject=subjects.listed(kind, value)[0], standing=standing, at=SINCE, uid="police:w1")
            for value, (kind, standing) in (listed or LISTED).items()
        ]
        await Payers(redis, settings.partitions).put_back(entries)
    finally:
        await redis.aclose()
