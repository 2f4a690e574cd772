"""A run as a story: who did what, in order, in words."""

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from tests.simulation.simulated.kafka import Record
from tests.simulation.simulated.world import Told

SHORT = 100


def story(told: Iterable[Told]) -> str:
    """One line for each thing that happened, with its time in seconds from the beginning."""
    return "\n".join(f"{each.at:8.3f}  {each.who:9} {_words(each.what)}" for each in told)


def _words(what: str | Record) -> str:
    if isinstance(what, str):
        return what
    return f"writes {what.topic}/{what.partition}/{what.offset}: {_record(what)}"


def _record(record: Record) -> str:
    try:
        value = orjson.loads(record.value or b"null")
        return _KINDS.get(record.topic.split(".")[0], _other)(value)
    except (ValueError, TypeError, LookupError, AttributeError):
        return repr(record.value)[:SHORT]


def _input(value: dict[str, Any]) -> str:
    kind = value["kind"]
    if kind == "alert":
        return f"alert, {value['danger']['level']}, of {value['resident']} ({value['id']})"
    return f"{kind} {value['id']}"


def _event(value: dict[str, Any]) -> str:
    if "case" not in value:
        return f"{value['kind']} by input {value['offset']}"
    case = value["case"]
    dispatches = ", ".join(each["id"].partition(":")[2] for each in value["dispatches"])
    words = f"{case['id']} version {case['version']}, {case['state']}, {case['level']}, by input {value['offset']}"
    return f"{words}; dispatches {dispatches}" if dispatches else words


def _signals(value: list[dict[str, Any]]) -> str:
    return ", ".join(f"{each['kind']} {each['source']}:{each['id']}" for each in value)


def _other(value: Any) -> str:  # noqa: ANN401 - any JSON
    name = value.get("id") if isinstance(value, dict) else None
    return str(name or value)[:SHORT]


_KINDS: dict[str, Callable[[Any], str]] = {
    "case-inputs": _input,
    "outside-inputs": _input,
    "case-events": _event,
    "signals": _signals,
    "signals-urgent": _signals,
}
