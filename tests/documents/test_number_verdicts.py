"""What docs/how-to/number-verdicts.md shows is accepted, and its table is what the code computes."""

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.feeds.source_rights import rights_of_sources
from domain.policy.risk import Verdicts
from domain.risk.verdicts import combined_verdict, rated_subject
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.signals import NumberVerdict
from streams.intake.acceptor import examine

PAGE = (Path(__file__).parents[2] / "docs/how-to/number-verdicts.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
ROWS = re.findall(r"^\| (scam|nuisance) \| (–|\w+) \| ([0-9.]+)(: no evidence)? \|$", PAGE, re.MULTILINE)
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def rules() -> Verdicts:
    """The policy's table as the page shows it."""
    return Verdicts.model_validate(tomllib.loads(BLOCKS["toml"])["risk"]["verdicts"])


def test_the_pages_verdict_is_accepted_from_a_source_with_the_pages_right() -> None:
    (setting,) = re.findall(r"QUANZU_SOURCE_RIGHTS=([^`]+)`", PAGE)
    item = json.loads(BLOCKS["json"])
    assert examine([item], NOW, rights_of_sources(setting)).faults == []
    assert examine([item], NOW).good == []


@pytest.mark.parametrize(("first", "second", "share", "none"), ROWS)
def test_the_pages_table_is_computed(first: str, second: str, share: str, none: str) -> None:
    said = {"numbers-x": first} | ({} if second == "–" else {"numbers-y": second})
    entries = [
        WatchEntry(
            subject=rated_subject("phone:p0", vendor),
            standing=WatchStatus.RATED,
            at=NOW,
            verdict=NumberVerdict(verdict),
            until=NOW + timedelta(days=1),
        )
        for vendor, verdict in said.items()
    ]
    whole = rules().model_copy(update={"least": 1e-9})
    assert combined_verdict(entries, whole, NOW) == pytest.approx(float(share), abs=0.005)
    assert (combined_verdict(entries, rules(), NOW) == 0) == bool(none)


def test_the_table_has_its_five_rows() -> None:
    assert len(ROWS) == 5
