"""The health check of a container ends with 1 and one line, also if the port is wrong or another server answers."""

import socket
from threading import Thread

import pytest

from streams.probe import main


@pytest.mark.parametrize("port", ["http", "99999"])
def test_a_port_that_is_none_is_said_without_a_traceback(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{port}/readyz"
    assert main(url) == 1
    assert capsys.readouterr().err.startswith(f"{url}: ")


def test_an_answer_that_is_not_http_is_said_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = Thread(target=_answer, args=(server,))
        answering.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/readyz"
        assert main(url) == 1
        answering.join()
    assert capsys.readouterr().err.startswith(f"{url}: ")


def _answer(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(b"no status line\r\n\r\n")
