"""What a log says of an error has none of the values that the error's text repeats."""

import logging

import pytest
import redis.asyncio
from pydantic import BaseModel
from redis.exceptions import ResponseError

from console.web.case.kept_back import _read
from streams.runtime.tasks import without_values

NUMBER = "13900000001"


class Held(BaseModel):
    """What holds a number."""

    age: int


def test_a_validation_error_is_said_by_its_place_alone() -> None:
    with pytest.raises(ValueError, match=NUMBER) as caught:
        Held.model_validate({"age": f"{NUMBER}x"})
    said = without_values(caught.value)
    assert said.startswith("ValidationError\n")
    assert NUMBER not in said
    assert __name__.rpartition(".")[2] in said


def test_a_command_of_a_pipeline_is_left_out_and_the_server_s_words_stay() -> None:
    error = ResponseError("OOM command not allowed")
    redis.asyncio.Redis().pipeline().annotate_exception(error, 1, ["HSET", "people", NUMBER])
    assert NUMBER in str(error)
    assert without_values(error) == "ResponseError (('OOM command not allowed',))"


def test_the_words_of_a_server_that_is_away_stay() -> None:
    assert without_values(ConnectionError("refused")) == "ConnectionError (refused)"


def test_each_error_of_a_group_is_said_without_its_values() -> None:
    group = ExceptionGroup("several", [ConnectionError("refused"), ValueError(NUMBER)])
    assert without_values(group) == "ConnectionError (refused)\nValueError\n"


def test_an_act_kept_back_that_cannot_be_read_is_logged_without_its_values(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert _read("a1", f'{{"id": "a1", "login": {{"{NUMBER}": "{NUMBER}"}}}}'.encode()) is None
    assert "is dropped: login: " in caplog.text
    assert NUMBER not in caplog.text
