"""The ports given to servers of our own."""

import socket
import subprocess
import sys

import pytest

from streams.runtime import embedded
from streams.runtime.embedded import COUNT, FIRST, free_port


def test_each_port_is_given_once_and_none_that_a_connection_going_out_may_be_given() -> None:
    given = [free_port() for _ in range(200)]
    assert len(set(given)) == len(given)
    assert all(FIRST <= port < FIRST + COUNT <= 32_768 for port in given)
    assert not {port + 1 for port in given[-5:]} & set(given), "room for those who take the next ones too"


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_turn", 5_000)
    port = free_port()
    monkeypatch.setattr(embedded, "_turn", 5_000)
    with socket.create_server(("127.0.0.1", port)):
        assert free_port() != port


GIVEN = "from streams.runtime import embedded as e; e._turn = 7_000; print(e.free_port(), flush=True); input()"


def test_a_port_that_another_process_was_given_and_has_not_opened_yet_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two that start at once would both be given it, and of their servers the second would not start."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", GIVEN], stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        monkeypatch.setattr(embedded, "_turn", 7_000)
        assert free_port() != theirs
        other.communicate("\n")
    monkeypatch.setattr(embedded, "_turn", 7_000)
    assert free_port() == theirs, "free again when that process has ended"
