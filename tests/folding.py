"""The cases that a partition's journal proves, for tests that compare them with the store."""

from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.casework.journal import PartialCaseEvent
from streams.casework.journal import Proven
from streams.messaging import topics
from streams.messaging.offsets import beginning_offsets
from streams.runtime.settings import Settings


async def proven_cases(settings: Settings, partition: int) -> dict[str, Case]:
    """Every case at its highest version, by its id."""
    kept = (await beginning_offsets(settings, topics.CASE_INPUTS.name))[partition]
    found: dict[str, Case] = {}
    async for chunk in Proven(settings, partition, kept).chunks():
        for entry, value in chunk:
            if isinstance(entry, PartialCaseEvent):
                case = CaseEvent.model_validate_json(value, extra=ANY_VERSION).case
                if case.id not in found or found[case.id].version < case.version:
                    found[case.id] = case
    return found


def latest(cases: dict[str, Case]) -> dict[str, Case]:
    """Each resident's latest case."""
    return {case.resident: case for case in sorted(cases.values(), key=lambda case: case.number)}
