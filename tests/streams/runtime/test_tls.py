"""Who does not come to speak TLS: one that hangs up on it does not speak it, one that says nothing may only be busy."""

import socket
import ssl
from collections.abc import Iterator
from threading import Thread

import pytest

from streams.runtime import tls


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def asked(server: socket.socket) -> str | None:
    host, port = server.getsockname()
    return tls.refusal(host, port, ssl.create_default_context(), "CA", "TLS")


def test_who_says_nothing_in_time_is_away(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "REACH_SECONDS", 0.2)
    assert asked(server) is None


def test_who_hangs_up_on_a_greeting_does_not_speak_tls(server: socket.socket) -> None:
    def hang_up() -> None:
        connection, _ = server.accept()
        connection.recv(1)
        connection.close()  # with what was not read: the other side is reset

    hanging = Thread(target=hang_up)
    hanging.start()
    told = asked(server)
    hanging.join()
    assert told is not None
    assert told.startswith("it does not speak TLS on this port")
