"""Writes an act as an input of its case and waits for the event that answers it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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

LOOK_SECONDS = 0.05


class Answered(StrEnum):
    """The result of an act: DONE, REFUSED, or WAITING for the case's answer."""

    DONE = "done"
    REFUSED = "refused"  # the case has changed or does not allow the act; see `why`
    WAITING = "waiting"  # written, and not answered yet; it is not lost


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an act.

    `why`: the reason of a refusal, or what a WAITING act waits for; `event`: the answering event, None if unknown.
    """

    how: Answered
    why: AnyCode | None = None
    event: CaseEvent | None = None


async def put(services: Services, who: Who, message: ResidentInput, reason: str = "") -> Answer:
    """Write an input with its audit entry, and return its answer: WAITING if none comes within ANSWER_SECONDS (2).

    A repeated input counts once and returns WAITING, because its answer was published earlier. Raises TimeoutError if
    Kafka does not answer in time, and SendError if it refuses a record for good (see trail.write).
    """
    return await put_all(services, who, _act(message), [message], reason)


async def put_all(
    services: Services, who: Who, act: str, messages: Sequence[ResidentInput], reason: str = ""
) -> Answer:
    """Write inputs together, with one audit entry for the act `act` on the case of the first, and return the answer to
    the first one. Otherwise as `put`.
    """
    first, partitions = messages[0], services.line.settings.partitions
    line = trail.entry(services, who, act, getattr(first, "case", first.resident), reason, first.id)
    records = [case_inputs.record(each, home(each.resident, partitions)) for each in messages]
    with services.hub.expecting(first.id) as future:
        await trail.write_all(services, [line], records)
        try:
            event = await asyncio.wait_for(asyncio.shield(future), ANSWER_SECONDS)
        except TimeoutError:
            return Answer(Answered.WAITING)
    return answer_of(event.facts, event)


async def until(seen: Callable[[], Awaitable[bool]]) -> None:
    """Call `seen` until it returns True, every LOOK_SECONDS (0.05), for about ANSWER_SECONDS (2); then return, whatever
    it returned. Its exceptions pass through. Used so that the next page shows the effect of an act.
    """
    for _ in range(round(ANSWER_SECONDS / LOOK_SECONDS)):
        if await seen():
            return
        await asyncio.sleep(LOOK_SECONDS)


def answer_of(facts: Sequence[Fact], event: CaseEvent | None = None) -> Answer:
    """Return the answer that the facts of an event give: REFUSED with the reason if one of them is a refusal, else
    DONE. `event`: stored in the answer.
    """
    refused = next((fact.what for fact in facts if fact.kind is FactKind.REFUSED), None)
    return Answer(Answered.DONE, event=event) if refused is None else Answer(Answered.REFUSED, refused, event)


async def applied(services: Services, resident: str, input_id: str) -> bool:
    """Return True if the resident's case has already applied the input; False also if Redis has lost the partition.
    Errors of Redis pass through.
    """
    partition = home(resident, services.line.settings.partitions)
    loaded = await services.line.store.load(partition, [input_id], [])
    return loaded is not None and input_id in loaded.applied


def _act(message: ResidentInput) -> str:
    """Return the name that the audit uses for the input's act, such as "ask-stop"."""
    act = getattr(message, "act", None)
    return str(act.do).replace("_", "-") if act is not None else message.kind.replace("_", "-")
