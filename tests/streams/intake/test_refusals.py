"""Wrong keys at intake are in the log: soon, without the key, and in few lines however many there are."""

import logging
import re
import time
from collections import Counter

import pytest

from streams.intake import refusals
from streams.runtime.settings import Settings
from tests.channel_rig import until
from tests.streams.intake.intake_signals import intake_client, transfer

GUESS = "a-key-that-was-guessed"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == refusals.__name__]


def counts(caplog: pytest.LogCaptureFixture) -> Counter[str]:
    """How many refusals of each kind all lines together tell of."""
    found = Counter[str]()
    for line in told(caplog):
        found.update({name: int(number) for name, number in re.findall(r"(\d{3} [^:]+): (\d+)", line)})
    return found


async def test_guessed_keys_are_logged_at_once_and_then_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refusals, "SECONDS", 0.5)
    caplog.set_level(logging.INFO)
    began = time.monotonic()
    async with intake_client(settings) as client:
        wrong = {"authorization": f"Bearer {GUESS}"}
        for _ in range(5):
            assert (await client.post("/signals", json=[transfer()], headers=wrong)).status_code == 401
        assert (await client.post("/v1/payees/check?key=in-the-query", json=[], headers=wrong)).status_code == 401
        assert told(caplog)[0] == "refused senders (401 /signals: 1); the latest from 127.0.0.1"
        await until(lambda: counts(caplog) == {"401 /signals": 5, "401 /v1/payees/check": 1})
    assert len(told(caplog)) <= 2 + (time.monotonic() - began) / refusals.SECONDS
    assert not any(hidden in line for hidden in (GUESS, "in-the-query") for line in told(caplog))


async def test_what_is_wrong_in_another_way_is_no_refused_sender(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with intake_client(settings) as client:
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.post("/signals", content=b"{", headers={"content-type": "text/plain"})).status_code == 415
    assert told(caplog) == []
