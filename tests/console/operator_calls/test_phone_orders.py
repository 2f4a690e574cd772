"""Orders to the gateway of the operators' telephones whose outcome is unknown."""

import httpx
import pytest

from streams.channels.operator_calls import phones as module
from streams.channels.operator_calls.phones import OperatorPhones, Placed

LOST, AWAY = httpx.ReadTimeout("no answer"), httpx.ConnectError("not reached")


@pytest.mark.parametrize(
    ("answers", "placed"),
    [
        ([AWAY], Placed.CERTAINLY_NOT),
        ([503], Placed.CERTAINLY_NOT),
        ([403], Placed.OTHERS),
        ([LOST, 202], Placed.TAKEN),
        ([LOST, AWAY, AWAY], Placed.UNKNOWN),
        ([LOST, AWAY, 202], Placed.TAKEN),
        ([500, 503, 503], Placed.UNKNOWN),
    ],
)
async def test_a_later_try_that_fails_does_not_undo_one_that_may_have_come_through(
    answers: list[Exception | int], placed: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        now = left.pop(0)
        if isinstance(now, Exception):
            raise now
        return httpx.Response(now)

    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    phones = OperatorPhones("http://127.0.0.1:1", (b"k" * 32,))
    phones._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    assert await phones.place("c-1", "anna", "+8612000000001", "case-1") is placed
    assert not left
