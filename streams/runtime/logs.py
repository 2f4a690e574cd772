"""Logging set-up: one line for each message, as text for people or as JSON for log collectors, with case and trace.

No line contains personal data: the bytes of invalid records go to the dead letters, and errors are logged without
values.
"""

import logging
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from streams.runtime import tracing

CHATTER = ("aiokafka", "httpx", "mode", "faust", "uvicorn")
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def begin(level: str, form: Literal["text", "json"]) -> None:
    """Configure this process's log: to standard error, with the libraries' routine messages suppressed.

    `level`: such as "INFO"; `form`: lines for people ("text"), or one JSON object for each ("json").
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_json() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level, handlers=[handler])
    for noisy in CHATTER:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # its errors are also raised, and reported in our words


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
