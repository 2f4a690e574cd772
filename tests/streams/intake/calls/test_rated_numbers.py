"""Vendors' verdicts about numbers are accepted from vendors that the centre named, and only whole ones."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.feeds.source_rights import rights_of_sources
from schemas.risk.signals import WatchState
from streams.intake.acceptor import Intake, examine
from streams.intake.files import intake_file
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.streams.intake.intake_signals import KEY, intake_client, until_ready, written

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RIGHTS = rights_of_sources("bank:rated,police:all")


def rated(**other: object) -> dict[str, Any]:
    """A verdict as a vendor sends it."""
    item = {
        "kind": "watchlist",
        "source": "bank",
        "id": uuid.uuid4().hex,
        "at": "2026-03-01T11:12:00+08:00",
        "subject": "phone",
        "value": "142 0000 0009",
        "state": "rated",
        "verdict": "scam",
        "until": "2026-04-01T00:00:00+08:00",
    } | other
    return {name: value for name, value in item.items() if value is not None}


def test_a_verdict_of_a_named_vendor_is_accepted_with_its_number_in_e164() -> None:
    (found,) = examine([rated()], NOW, RIGHTS).signals
    assert found.kind == "watchlist"
    assert (found.value, found.state, found.verdict) == ("+8614200000009", WatchState.RATED, "scam")


@pytest.mark.parametrize(("subject", "value"), [("account", "6222000000000003"), ("link", "loan.example")])
def test_a_named_centre_may_rate_an_account_or_a_link_with_its_confidence(subject: str, value: str) -> None:
    (found,) = examine([rated(subject=subject, value=value, confidence=60)], NOW, RIGHTS).signals
    assert found.kind == "watchlist"
    assert (found.value, found.confidence) == (value, 60)


@pytest.mark.parametrize("source", ["bank", "other"])
def test_a_vendor_that_the_centre_did_not_name_is_refused(source: str) -> None:
    (fault,) = examine([rated(source=source)], NOW).faults
    assert (fault.field, fault.what) == ("state", "this source may not rate a telephone number")
    assert "QUANZU_SOURCE_RIGHTS with rated" in fault.do


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"verdict": None}, "needs verdict and until"),
        ({"until": None}, "needs verdict and until"),
        (
            {"subject": "account", "value": "6222000000000003", "verdict": "nuisance"},
            "only a phone is rated as a nuisance",
        ),
        ({"confidence": 0}, "greater than or equal to 1"),
        ({"confidence": 101}, "less than or equal to 100"),
        (
            {"state": "lifted", "verdict": None, "until": None, "tlp": "green"},
            "tlp belongs to the states confirmed and rated only",
        ),
        ({"state": "confirmed", "verdict": None, "until": None, "confidence": 50}, "belong to the state rated only"),
        ({"until": "2026-03-01T11:12:00+08:00"}, "until must be later than at"),
        ({"state": "confirmed"}, "belong to the state rated only"),
        ({"state": "confirmed", "verdict": None}, "belong to the state rated only"),
        ({"verdict": "fraud"}, "Input should be 'scam', 'nuisance' or 'clean'"),
        ({"until": "soon"}, "not a time"),
        ({"value": "nobody"}, "a telephone number has digits"),
    ],
)
def test_a_verdict_that_is_not_whole_is_refused(other: dict[str, object], what: str) -> None:
    (fault,) = examine([rated(source="police", **other)], NOW, RIGHTS).faults
    assert what in fault.what
    assert "0009" not in str(fault)


async def test_verdicts_come_over_http_and_as_a_file_by_the_same_rules(
    settings: Settings, intake: Intake, tmp_path_factory: pytest.TempPathFactory
) -> None:
    allowed = settings.model_copy(update={"source_rights": "bank:rated"})
    sent, bare = rated(), rated(verdict=None)
    async with intake_client(allowed) as client:
        await until_ready(client)
        answer = await client.post("/signals", json=[sent, bare], headers={"Authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.json()["accepted"]) == (422, 1)
    assert [each["item"] for each in answer.json()["errors"]] == [1]
    assert [each["verdict"] for each in await written(settings, sent["id"])] == ["scam"]
    path = tmp_path_factory.mktemp("verdicts") / "verdicts.jsonl"
    filed = rated(verdict="clean")
    path.write_text("\n".join(map(json.dumps, (filed, bare))), "utf-8")
    report = await intake_file("jsonl", path, intake, allowed, Clock())
    assert (report.accepted, report.dead_lettered) == (1, 1)
    assert [each["verdict"] for each in await written(settings, filed["id"])] == ["clean"]
