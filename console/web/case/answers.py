"""What a person did, written as an input of the case, and the event that answers it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.kit.services import Services
from console.web.live.hub import ANSWER_SECONDS
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.casework.inputs import ResidentInput
from schemas.codes.any_code import AnyCode
from streams.messaging import case_inputs
from streams.messaging.topics import home
from streams.security import audit


class Answered(StrEnum):
    """What became of an act."""

    DONE = "done"
    REFUSED = "refused"  # the case has changed, or no longer allows it: `why` says which
    WAITING = "waiting"  # written, and not answered yet: it is not lost


@dataclass(frozen=True, slots=True)
class Answer:
    """`why`: why it was refused, or what it waits for. `event`: what came of it, when it is there."""

    how: Answered
    why: AnyCode | None = None
    event: CaseEvent | None = None


async def put(services: Services, who: Who, message: ResidentInput, reason: str = "") -> Answer:
    """Write an input, with its line of the audit, and wait for its answer.

    The same input twice counts once, and is answered as WAITING: its answer came before.
    """
    partition = home(message.resident, services.line.settings.partitions)
    line = trail.entry(services, who, _act(message), getattr(message, "case", message.resident), reason, message.id)
    with services.hub.expecting(message.id) as future:
        await audit.write(services.line.producer, [line], [case_inputs.record(message, partition)])
        try:
            event = await asyncio.wait_for(asyncio.shield(future), ANSWER_SECONDS)
        except TimeoutError:
            return Answer(Answered.WAITING)
    return answer_of(event.facts, event)


def answer_of(facts: Sequence[Fact], event: CaseEvent | None = None) -> Answer:
    """What the facts of the event that answers an act say of it."""
    refused = next((fact.what for fact in facts if fact.kind is FactKind.REFUSED), None)
    return Answer(Answered.DONE, event=event) if refused is None else Answer(Answered.REFUSED, refused, event)


async def applied(services: Services, resident: str, input_id: str) -> bool:
    """Whether the resident's case knows of an input already."""
    partition = home(resident, services.line.settings.partitions)
    loaded = await services.line.store.load(partition, [input_id], [])
    return loaded is not None and input_id in loaded.applied


def _act(message: ResidentInput) -> str:
    """The audit's word for an input."""
    act = getattr(message, "act", None)
    return str(act.do).replace("_", "-") if act is not None else message.kind.replace("_", "-")
