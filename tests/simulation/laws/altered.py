"""Violations made by hand: one change to a schedule in which all went well."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from pydantic import BaseModel

from schemas.casework.events import CaseEvent
from schemas.casework.inputs import OperatorReport
from tests.simulation.laws import handmade
from tests.simulation.laws.all_laws import broken, violations
from tests.simulation.laws.handmade import BEGAN, IN_DANGER
from tests.simulation.laws.known import known
from tests.simulation.laws.observed import Contact, LogRecord, Observed

SMS = f"{IN_DANGER}-1:red.sms:1:sms"
CALL = f"{IN_DANGER}-1:red.call:1:phone"
VISIT = f"{IN_DANGER}-1:red.visit:1:visit"


def words(observed: Observed, law: str) -> str:
    """All that breaks a law, in lines."""
    return "\n".join(each.words for each in broken(observed, law))


def laws_broken(observed: Observed) -> set[str]:
    return {each.law for each in violations(observed)}


def with_log(
    observed: Observed, topic: str, partition: int, change: Callable[[list[LogRecord]], Iterable[LogRecord]]
) -> Observed:
    """With a log that is another."""
    logs = {name: {p: list(records) for p, records in parts.items()} for name, parts in observed.logs.items()}
    parts = logs.setdefault(topic, {})
    parts[partition] = list(change(parts.get(partition, [])))
    return replace(observed, logs=logs)


def with_store(observed: Observed, partition: int, **changes: object) -> Observed:
    stores = dict(observed.stores)
    stores[partition] = replace(stores[partition], **changes)  # type: ignore[arg-type]  # its own fields
    return replace(observed, stores=stores)


def without(observed: Observed, topic: str, partition: int, *marks: str) -> Observed:
    """Without the records that say all of these."""
    return with_log(
        observed,
        topic,
        partition,
        lambda records: [r for r in records if not all(mark.encode() in (r.value or b"") for mark in marks)],
    )


def appended(observed: Observed, topic: str, partition: int, *values: BaseModel | bytes, at: float = BEGAN) -> Observed:
    def added(records: list[LogRecord]) -> list[LogRecord]:
        contents = [value if isinstance(value, bytes) else value.model_dump_json().encode() for value in values]
        return records + [LogRecord(len(records) + n, at, None, content) for n, content in enumerate(contents)]

    return with_log(observed, topic, partition, added)


def less(mapping: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in mapping.items() if name not in names}


def events(observed: Observed, case: str) -> list[CaseEvent]:
    return [each.what for each in known(observed).stories[case]]


def contact(name: str, seconds: float, *, acted: bool = True) -> Contact:
    return Contact(name, name.rpartition(":")[2], BEGAN + seconds, acted)


def changed(observed: Observed, case: str, number: int, /, **changes: object) -> CaseEvent:
    """An event of a case, with another id and what else is changed of the case."""
    event = events(observed, case)[number - 1]
    return event.model_copy(update={"id": "another", "case": event.case.model_copy(update=changes)})


def report(name: str, act: BaseModel, seconds: float, number: int) -> OperatorReport:
    told = {"resident": name, "case": f"{name}-1", "by": "operator li", "seen": 999}
    return OperatorReport.model_validate(
        {"id": f"form:{number}", "at": handmade.moment(seconds), **told, "act": act.model_dump()}
    )
