"""A scene of a demo that comes to nothing ends neither the scenes nor the demo: it is tried again."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport
from simulators.demo import scenes
from simulators.demo.scenes import Scenes
from simulators.world.asker import PublicAsker
from simulators.world.province import Province
from streams.casework.claims import CaseClaims
from streams.installation import Installation
from streams.messaging.codec import CodecError
from streams.messaging.producer import SendError
from streams.runtime.clock import Clock
from tests.domain.builders import NOON
from tests.domain.casework.provinces.provinceworld import sender

FAST = 60_000  # simulated seconds per second


class Desk:
    """A desk whose cases get no offer. `fails`: raised for each report."""

    def __init__(self, fails: Exception | None = None) -> None:
        self._fails = fails

    async def report(self, report: OperatorReport) -> None:
        if self._fails:
            raise self._fails

    async def load(self, case_id: str) -> Case | None:
        return None


def made(desk: Desk) -> Scenes:
    line = SimpleNamespace(clock=Clock.starting(FAST, NOON))
    nobody = SimpleNamespace(truth=SimpleNamespace(lives={}))
    return Scenes(cast("Province", nobody), cast("Installation", line), cast("CaseClaims", desk), print)


@pytest.mark.parametrize("fails", [SendError("too large"), CodecError("no key")])
async def test_a_case_that_cannot_be_offered_is_not_handed_over(fails: Exception) -> None:
    assert not await made(Desk(fails))._hand_over(sender().here)


async def test_an_offer_is_waited_for_in_the_provinces_time() -> None:
    async with asyncio.timeout(10):  # twenty simulated minutes are 20 ms here
        assert not await made(Desk())._hand_over(sender().here)


@pytest.mark.parametrize("fails", [ValueError("no number"), TimeoutError(), httpx.ConnectError("away")])
async def test_residents_ask_again_after_a_question_that_failed(
    fails: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, twice = 0, asyncio.Event()

    async def ask(self: Scenes, asker: PublicAsker) -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            twice.set()
        raise fails

    monkeypatch.setattr(scenes.Scenes, "_ask", ask)
    asking = asyncio.create_task(made(Desk())._asking("http://127.0.0.1:1"))
    waiting = asyncio.create_task(twice.wait())
    await asyncio.wait([asking, waiting], timeout=30, return_when=asyncio.FIRST_COMPLETED)
    still = not asking.done()
    for task in (asking, waiting):
        task.cancel()
    with suppress(asyncio.CancelledError, type(fails)):
        await asking
    assert (still, asked >= 2) == (True, True)


async def test_a_public_check_that_fails_is_an_error_of_http() -> None:
    broken = httpx.MockTransport(lambda request: httpx.Response(500, text="Internal Server Error"))
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1", transport=broken) as client:
        with pytest.raises(httpx.HTTPStatusError):
            await PublicAsker(client).ask_about_account("6222020200012345678")
