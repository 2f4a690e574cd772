"""A large collection of shared suspects delays no signal: intake accepts one while a page is being made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from starlette.datastructures import QueryParams

from domain.risk.lanes import urgent
from schemas.risk.sharing import Tlp
from schemas.risk.signals import signal_adapter
from streams.intake.server import running
from streams.intake.taxii.collection import collection_id, suspects_page, wanted_of
from streams.intake.taxii.server import MOST_OF_ONE, TaxiiServer, taxii_routes
from streams.messaging import topics
from streams.repositories.shared_suspects import SharedSuspects, SuspectsByTime
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.streams.intake.intake_signals import call, until_ready
from tests.streams.intake.stix.taxii_line import CENTRE, NOW, ROOT, given, listed, reader, suspect

MANY = 20_000
HERE = f"{ROOT}collections/{collection_id(CENTRE)}/"
NOBODY = "indicator--00000000-0000-5000-8000-000000000000"  # fits no suspect, so that each is looked at


@asynccontextmanager
async def intake_that_shares(settings: Settings, many: SuspectsByTime) -> AsyncIterator[tuple[str, TaxiiServer]]:
    """Intake's address, and the TAXII server in it."""
    topics.create(settings)
    shared = SharedSuspects(settings)
    shared.suspects = many
    server = TaxiiServer(settings, given(), Clock.starting(1, NOW), shared)
    own = settings.model_copy(update={"http_port": 0})
    async with running(own, given(), Clock(), taxii_routes(server)) as address:
        yield address, server


async def test_a_red_signal_is_accepted_while_a_page_of_a_large_collection_is_made(settings: Settings) -> None:
    red = call(ongoing=True, number_class="spoofed")
    assert urgent(signal_adapter.validate_python(red))
    many = await asyncio.to_thread(listed, [suspect(number) for number in range(MANY)])
    async with (
        intake_that_shares(settings, many) as (address, server),
        reader(address) as centre,
        httpx.AsyncClient(base_url=address, headers={"Authorization": "Bearer key of bank"}, timeout=60) as bank,
    ):
        await until_ready(bank)
        page = asyncio.create_task(asked(centre))
        while not server._one.locked():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0)
        answer = await bank.post("/signals", json=red)
        assert (answer.status_code, page.done()) == (202, False), "the signal does not wait for the page"
        assert (await page).json() == {}


async def test_a_centre_that_asks_for_many_pages_at_once_takes_no_connection_from_signals(settings: Settings) -> None:
    many = await asyncio.to_thread(listed, [suspect(number) for number in range(MANY)])
    async with (
        intake_that_shares(settings, many) as (address, server),
        reader(address) as centre,
        reader(address, "heilongjiang") as other,
    ):
        pages = [asyncio.create_task(asked(centre)) for _ in range(30)]
        while server._pages.total() < MOST_OF_ONE:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0)
        others = asyncio.create_task(asked(other))
        first, _ = await asyncio.wait(pages, return_when=asyncio.FIRST_COMPLETED)
        refused = first.pop().result()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5"), "before a page is made"
        answers = [await each for each in pages]
        assert {each.status_code for each in answers} == {200, 503}
        assert (await others).status_code == 200, "another centre is answered"
        assert (await asked(centre)).status_code == 200
        assert server._pages.total() == 0


async def asked(centre: httpx.AsyncClient) -> httpx.Response:
    """Ask for a page that looks at each suspect."""
    return await centre.get(f"{HERE}objects/", params={"match[id]": NOBODY}, timeout=300)


async def test_suspects_that_are_added_while_a_page_is_made_are_in_a_later_one() -> None:
    suspects, added = listed([suspect(number, days_ago=2) for number in range(3)]), 0

    async def pause() -> None:
        """Replace the first suspect, and so often that the list is cleared of replaced versions."""
        nonlocal added
        for _ in range(60):
            added += 1
            later = round((NOW - timedelta(minutes=1)).timestamp() * 1000) + added
            suspects.add(suspect(0, days_ago=1).model_copy(update={"since": suspect(0, days_ago=2).since}), later)

    wanted = wanted_of(QueryParams("limit=100&match[type]=indicator"))
    first = await suspects_page(suspects, CENTRE, Tlp.AMBER, wanted, NOW, pause)
    assert [each.stix["pattern"][-4:-2] for each in first.held] == ["00", "01", "02"]
    last = first.headers()["X-TAXII-Date-Added-Last"]
    later = wanted_of(QueryParams(f"added_after={last}&match[type]=indicator"))

    async def at_once() -> None:
        """Let nothing change."""

    second = await suspects_page(suspects, CENTRE, Tlp.AMBER, later, NOW, at_once)
    assert [each.stix["pattern"][-4:-2] for each in second.held] == ["00"]
