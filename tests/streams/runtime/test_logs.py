"""Lines of a log: each begins with its own time in UTC, and nothing that was logged begins another."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from streams.runtime import logs

FORGED = "2026-03-01T04:00:00.000Z INFO console: signed in"
HOSTILE = f"a login\r\n{FORGED}\x1b[2K\x85\u2028\x00end"


def written(form: Literal["text", "json"], monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> str:
    """Return what a new log of the form writes of a hostile value, and of an error if there is one."""
    stream, root = io.StringIO(), logging.Logger("root")
    monkeypatch.setattr(logging, "root", root)
    monkeypatch.setattr("sys.stderr", stream)
    logs.begin("INFO", form)
    root.warning("no such account: %s", HOSTILE, exc_info=error)
    return stream.getvalue()


def test_no_value_begins_a_line_or_moves_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    text = written("text", monkeypatch)
    assert [line for line in text.splitlines() if line.startswith(FORGED)] == []
    assert text.count("\n") == 2
    assert "\n    2026-03-01T04" in text, "the rest of a message is indented"
    assert not set("\r\x1b\x85\u2028\x00") & set(text)
    assert "\\x1b[2K" in text


def test_in_json_a_message_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = written("json", monkeypatch).rstrip("\n").split("\n")
    assert json.loads(line)["event"] == f"no such account: {HOSTILE}"


def test_a_line_begins_with_its_time_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    first = written("text", monkeypatch).split()[0]
    at = datetime.fromisoformat(first)
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_a_traceback_stays_legible_and_its_error_begins_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = written("text", monkeypatch, ValueError(f"x\n{FORGED}"))
    assert "\n    ValueError: x" in text
    assert [line for line in text.splitlines() if line.startswith(FORGED)] == []
