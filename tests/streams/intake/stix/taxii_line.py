"""A TAXII server of invented suspects on loopback, for the tests."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from starlette.applications import Starlette

from schemas.risk.sharing import SharedSuspect, Tlp
from streams.intake.settings import IntakeSettings, hash_of_key
from streams.intake.taxii.server import TaxiiServer, taxii_routes
from streams.repositories.shared_suspects import SharedSuspects, SuspectsByTime
from streams.runtime.clock import Clock
from streams.runtime.serving import http_server, serving
from streams.runtime.settings import Settings

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
CENTRE = "Centre A, invented"
SHARING = "liaoning:amber,heilongjiang:green"
SOURCES = ("liaoning", "heilongjiang", "bank")
ROOT = "/taxii2/suspects/"


def suspect(number: int, tlp: Tlp = Tlp.GREEN, *, days_ago: float = 1, revoked: bool = False) -> SharedSuspect:
    """An invented account that is shared."""
    at = NOW - timedelta(days=days_ago)
    name, account = f"account:a{number}", f"62000000{number:08}"
    return SharedSuspect(id=name, suspect=account, since=at, at=at, tlp=tlp, revoked=revoked)


def listed(suspects: Sequence[SharedSuspect]) -> SuspectsByTime:
    """The suspects as they are in memory, each added a second after the other."""
    found = SuspectsByTime()
    for number, each in enumerate(suspects):
        found.add(each, round((NOW - timedelta(hours=1)).timestamp() * 1000) + 1000 * number)
    return found


def given(sharing: str | None = SHARING, **more: object) -> IntakeSettings:
    """Intake's settings, with a key for each source: "key of SOURCE"."""
    keys = ",".join(f"{name}:{hash_of_key(f'key of {name}')}" for name in SOURCES)
    return IntakeSettings.model_validate({"api_keys": keys, "sharing": sharing, "sharing_name": CENTRE} | more)


@asynccontextmanager
async def serving_suspects(
    suspects: Sequence[SharedSuspect] | None, intake: IntakeSettings | None = None
) -> AsyncIterator[str]:
    """Serve these suspects; yields the server's address. None: they are still being loaded."""
    settings = Settings(app_id="taxii", kafka="127.0.0.1:1", redis="redis://127.0.0.1:1/0", secret="s" * 32)
    shared = SharedSuspects(settings)
    shared.suspects = None if suspects is None else listed(suspects)
    server = TaxiiServer(settings, intake or given(), Clock.starting(1, NOW), shared)
    app = Starlette(routes=taxii_routes(server))
    async with serving(http_server(app), "127.0.0.1", 0, "QUANZU_HTTP_PORT") as address:
        yield address


@asynccontextmanager
async def reader(address: str, source: str = "liaoning") -> AsyncIterator[httpx.AsyncClient]:
    """A client with the key of `source`."""
    headers = {"Authorization": f"Bearer key of {source}", "Accept": "application/taxii+json;version=2.1"}
    async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=20) as client:
        yield client
