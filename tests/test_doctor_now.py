"""`quanzu doctor --now` on the command line: what cron and a script go by."""

import json

import pytest
from typer.testing import CliRunner

from quanzu import app
from streams.runtime.embedded import free_port


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that are set and away."""
    port = free_port()
    monkeypatch.setenv("QUANZU_KAFKA", f"127.0.0.1:{port}")
    monkeypatch.setenv("QUANZU_REDIS", f"redis://127.0.0.1:{port}/0")
    monkeypatch.setenv("QUANZU_SECRET", "0" * 64)


@pytest.mark.usefixtures("nobody_there")
def test_it_ends_with_1_and_says_what_is_away_first() -> None:
    found = CliRunner().invoke(app, ["doctor", "--now"])
    assert found.exit_code == 1
    lines = found.output.splitlines()
    assert lines[0].startswith("Somebody may not be warned now")
    assert lines[1].startswith("MISSED Kafka at 127.0.0.1")


@pytest.mark.usefixtures("nobody_there")
def test_as_json_each_trouble_has_a_name_and_what_to_do() -> None:
    found = CliRunner().invoke(app, ["doctor", "--now", "--json"])
    page = json.loads(found.output)
    assert (found.exit_code, page["missed"]) == (1, True)
    assert [trouble["name"] for trouble in page["troubles"]][:2] == ["kafka-away", "redis-away"]
    assert all(trouble["do"] for trouble in page["troubles"])


def test_json_is_of_the_page_only() -> None:
    assert CliRunner().invoke(app, ["doctor", "--json"]).exit_code == 2
