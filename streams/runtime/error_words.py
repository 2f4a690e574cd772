"""Words about an error for a log, without the values that its text may repeat."""

import traceback

from aiokafka.errors import KafkaError
from redis.exceptions import RedisError

_PIPELINE = " of pipeline caused error: "  # redis-py writes the command with its values in front of it


def without_values(error: BaseException | None) -> str:
    """Return an error's type and, if it is a server's or a connection's, its text; else where it was raised.

    The text of others, such as a ValidationError, repeats values, which may be personal.
    """
    name = type(error).__name__
    if error is None or isinstance(error, KafkaError | RedisError | OSError):
        return f"{name} ({str(error).rpartition(_PIPELINE)[2]})"
    return f"{name}\n{''.join(traceback.format_tb(error.__traceback__))}"
