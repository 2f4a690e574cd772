"""Logging set-up: one line for each message, as text for people or as JSON for log collectors, with case and trace.

No line contains personal data: the bytes of invalid records go to the dead letters, and errors are logged without
values.
"""

import logging
import re
import time
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from streams.runtime import tracing

CHATTER = ("aiokafka", "httpx", "mode", "faust", "uvicorn")
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MOVING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that move a terminal's cursor, end a line or turn its direction round; but a tab and a line feed."""


_TOLD_SECONDS = 60.0
_told: dict[str, float] = {}  # by warning, in the last minute: when it was logged, in monotonic seconds


def warn_once_a_minute(log: logging.Logger, text: str) -> None:
    """Log a warning, unless this process logged the same text within the last minute."""
    now = time.monotonic()
    for each in [each for each, at in _told.items() if now - at >= _TOLD_SECONDS]:
        del _told[each]
    if text not in _told:
        _told[text] = now
        log.warning("%s", text)


def begin(level: str, form: Literal["text", "json"]) -> None:
    """Configure this process's log: to standard error, with the libraries' routine messages suppressed.

    `level`: such as "INFO"; `form`: lines for people ("text"), or one JSON object a line ("json"). Raises ValueError if
    `level` is unknown.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_json() if form == "json" else _Text(TEXT))
    logging.basicConfig(level=level, handlers=[handler])
    for noisy in CHATTER:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # its errors are also raised, and reported in our words


class _Text(logging.Formatter):
    """Formats a message for people, with its time in UTC. Its second line and those after it, as of a traceback, are
    indented: a value with line feeds could otherwise forge a message. Other control characters are escaped.
    """

    converter = staticmethod(time.gmtime)
    default_time_format, default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        plain = super().format(record).replace("\r\n", "\n").replace("\n", "\n    ")
        return _MOVING.sub(lambda found: ascii(found[0])[1:-1], plain)


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
