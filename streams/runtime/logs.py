"""The log: a line each, as text for a person or as JSON for who collects them, with the case and the trace it is of.

No line holds anything of a person: a record's bytes go to the dead letters, and an error is told without its values.
"""

import logging
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from streams.runtime import tracing

CHATTER = ("aiokafka", "httpx", "mode", "faust", "uvicorn")
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def begin(level: str, form: Literal["text", "json"]) -> None:
    """Write this process's log to standard error, without the libraries' chatter."""
    handler = logging.StreamHandler()
    handler.setFormatter(_json() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level, handlers=[handler])
    for noisy in CHATTER:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what it cannot do it raises, and then it is told in words


def _json() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso"),
            _with_trace,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _with_trace(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if found := tracing.current():
        event["trace"] = found.decode().split("-")[1]
    return event
