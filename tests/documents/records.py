"""What lies on the topics of a running line, held against the schemas that other programs read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
from jsonschema import Draft202012Validator

from console.reference.catalogue import TRAFFIC, Traffic, Value
from console.reference.json_schema import schemas
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import Read, Tails, read_all
from streams.runtime.settings import Settings


@dataclass
class Found:
    """`seen`: how many records of each topic and kind; `faults`: what does not fit, never with a record's content."""

    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def topics(self) -> set[str]:
        return {topic for topic, _ in self.seen}


async def tails(settings: Settings) -> Tails:
    """Where each topic ends now."""
    return {each.topic.name: await end_offsets(settings, each.topic.name) for each in TRAFFIC}


async def held(settings: Settings, since: Tails | None = None) -> Found:
    """All that is on the topics, or lies behind `since`."""
    checks = {
        name: Draft202012Validator(made, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for name, made in schemas().items()
    }
    found = Found()
    for traffic in TRAFFIC:
        async for record in read_all(settings, traffic.topic.name, since):
            _hold(traffic, record, checks, found)
    return found


def _hold(traffic: Traffic, record: Read, checks: dict[str, Draft202012Validator], found: Found) -> None:
    topic, key = traffic.topic.name, (record.key or b"").decode()
    values = [value for value in traffic.values if re.search(value.key, key)]
    place = f"{topic}/{record.partition}/{record.offset}"
    if record.value is None:
        if not any(value.dropped for value in values):
            found.faults.append(f"{place}: a record without a value")
        return
    told = {value.name: list(_faults(value, record.value, checks)) for value in values}
    fitting = [name for name, faults in told.items() if not faults]
    if fitting:
        found.seen[topic, fitting[0]] = found.seen.get((topic, fitting[0]), 0) + 1
    else:
        found.faults.append(f"{place}: {told}")


def _faults(value: Value, content: bytes, checks: dict[str, Draft202012Validator]) -> Iterator[str]:
    if value.adapter is None:
        content.decode()
        return
    for error in checks[value.name].iter_errors(orjson.loads(content)):
        yield f"{error.json_path} fails {error.validator} of {error.json_path}"
