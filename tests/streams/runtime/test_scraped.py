"""The port of a worker's metrics and probes, spoken to by somebody who never finishes."""

import socket
import threading
import time
import urllib.request

import pytest
from prometheus_client import make_wsgi_app

from streams.runtime import metrics
from streams.runtime.settings import SettingsError

PATIENCE = 0.4  # seconds


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(metrics, "REQUEST_SECONDS", PATIENCE)
    return metrics.serve_in_threads("127.0.0.1", 0, make_wsgi_app(), "QUANZU_METRICS_PORT")


def trickle(port: int, begin: bytes, piece: bytes) -> float:
    """Return after how many seconds the server ends a connection to which a piece is sent every 50 ms."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(begin)
        while time.monotonic() - began < 20 * PATIENCE:
            try:
                connection.sendall(piece)
            except OSError:
                break
            time.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("begin", "piece"),
    [(b"GET /", b"x"), (b"GET / HTTP/1.1\r\n", b"X: x\r\n"), (b"", b"")],
    ids=["line", "head", "silent"],
)
def test_a_request_that_never_ends_holds_no_thread(port: int, begin: bytes, piece: bytes) -> None:
    threads = threading.active_count()
    if piece:
        assert trickle(port, begin, piece) < 10 * PATIENCE
    else:
        with socket.create_connection(("127.0.0.1", port), 10 * PATIENCE) as connection:
            assert connection.recv(100) == b""
    time.sleep(0.1)
    assert threading.active_count() <= threads


def test_while_some_never_end_the_metrics_are_told(port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(50)]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert b"quanzu_build_info" in answer.read()
    for each in held:
        each.close()


def test_an_address_of_ipv6_is_served() -> None:
    port = metrics.serve_in_threads("::1", 0, make_wsgi_app(), "QUANZU_METRICS_PORT")
    with urllib.request.urlopen(f"http://[::1]:{port}/metrics", timeout=5) as answer:
        assert answer.status == 200


def test_a_port_that_is_taken_is_named_by_its_setting(port: int) -> None:
    with pytest.raises(SettingsError, match="QUANZU_OTHER_PORT = "):
        metrics.serve_in_threads("127.0.0.1", port, make_wsgi_app(), "QUANZU_OTHER_PORT")
