"""The ports given to servers of our own."""

import socket

import pytest

from streams import ports
from streams.ports import COUNT, FIRST, free_port


def test_each_port_is_given_once_and_none_that_a_connection_going_out_may_be_given() -> None:
    given = [free_port() for _ in range(200)]
    assert len(set(given)) == len(given)
    assert all(FIRST <= port < FIRST + COUNT <= 32_768 for port in given)
    assert not {port + 1 for port in given[-5:]} & set(given), "room for those who take the next ones too"


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_turn", 5_000)
    port = free_port()
    monkeypatch.setattr(ports, "_turn", 5_000)
    with socket.create_server(("127.0.0.1", port)):
        assert free_port() != port
