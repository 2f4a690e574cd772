"""What fails since a server is away is tried again, with growing pauses of the loop's own time."""

import asyncio
from random import Random

import pytest
from redis.exceptions import ConnectionError as AwayError
from redis.exceptions import NoPermissionError

from streams.runtime.credentials import AccessError
from streams.runtime.tasks import until_done
from tests.simulation.simulated.loop import SimLoop


class Server:
    """One that is away for the first `failures` questions, with `error`."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.asked: list[float] = []
        self._failures, self._error = failures, error

    async def answer(self) -> str:
        """Return "here", or raise while it is away."""
        self.asked.append(round(asyncio.get_running_loop().time(), 2))
        if len(self.asked) <= self._failures:
            raise self._error
        return "here"


def tried(server: Server) -> str:
    """Ask the server in virtual time."""
    loop = SimLoop(Random(1), 0)
    task = loop.spawn(until_done("a question", server.answer), None)
    loop.drive(60, task.done)
    try:
        return str(task.result())
    finally:
        loop.end()


def test_pauses_double_up_to_five_seconds_and_the_answer_is_returned() -> None:
    server = Server(8, AwayError("away"))
    assert tried(server) == "here"
    assert server.asked == [0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 11.3, 16.3]


def test_what_does_not_pass_by_itself_is_raised_at_once() -> None:
    server = Server(1, KeyError("a fault of ours"))
    with pytest.raises(KeyError):
        tried(server)
    assert server.asked == [0]


def test_a_refusal_of_rights_is_not_tried_again() -> None:
    server = Server(1, NoPermissionError("this user has no permissions to run the 'get' command"))
    with pytest.raises(AccessError):
        tried(server)
    assert server.asked == [0]


async def test_a_cancelled_task_stops_trying() -> None:
    server = Server(99, AwayError("away"))
    task = asyncio.create_task(until_done("a question", server.answer))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
