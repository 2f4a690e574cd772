"""The HTTP API for dead letters, served by intake to holders of an operators' key; a feed's key is refused.

    GET  /dead-letters                   the newest, without bytes; the filters of `quanzu dead list`; limit, before
    GET  /dead-letters/{id}              one, with its bytes; mask=true hides numbers and names
                                         (where personal data is encrypted, intake cannot read the bytes: then none)
    POST /dead-letters/{id}/send-again   {"reason", and none or one of "text", "base64", "mapping"; "dry_run"}
    POST /dead-letters/{id}/drop         {"reason"}

The key's name is recorded with the reason as the person who acted.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.feeds.dead_letters import DeadLetterFilter, State
from domain.feeds.repair import MappingError, of_tables
from schemas.base import Note, When
from streams.dead_letters.index import DeadLetterIndex, Found, UnknownLetterError
from streams.dead_letters.repaired import Repair
from streams.dead_letters.sending import ActError, Outcome, Sending, Who
from streams.dead_letters.shapes import listed, paged, shown
from streams.intake.settings import IntakeSettings, Keys, operator_keys
from streams.messaging.codec import CodecError
from streams.messaging.dead_letter_writer import reason
from streams.messaging.producer import MayNotError, Producer
from streams.runtime.clock import Clock
from streams.runtime.serving import Refused, read_body
from streams.runtime.settings import Settings
from streams.runtime.tasks import TRANSIENT

KAFKA_SECONDS = 15.0  # for a whole request, which may read the topics again
_LOOK = "GET /dead-letters lists what there is"


class Asked(BaseModel):
    """The query parameters of the list.

    Filters: `source`, `topic`, `why` (a part of the reason), `since` (inclusive), `until` (exclusive) and `state`;
    None: not filtered (of `state`, given as "all"). `limit`: the page's size; `before`: only dead letters with smaller
    offsets. Raises ValidationError if a parameter is unknown or invalid.
    """

    model_config = ConfigDict(extra="forbid")

    source: str | None = None
    topic: str | None = None
    why: str | None = None
    since: When | None = None
    until: When | None = None
    state: Annotated[State | None, WithJsonSchema({"enum": [*State, "all"]})] = State.OPEN
    limit: int = Field(50, ge=1, le=500)
    before: int | None = Field(None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _all(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: None if (name, value) == ("state", "all") else value for name, value in given.items()}

    @property
    def wanted(self) -> DeadLetterFilter:
        """The query as a filter of dead letters, without `limit` and `before`."""
        return DeadLetterFilter(self.source, self.topic, self.why, self.since, self.until, self.state)


class Drop(BaseModel):
    """The body of drop. Raises ValidationError if a field is unknown or invalid."""

    model_config = ConfigDict(extra="forbid")

    reason: Note


Body = TypeVar("Body", bound=Drop)


class Act(Drop):
    """The body of send-again: the reason, and how the letter is repaired.

    `text`, `base64`: the new bytes; `mapping`: the tables of a mapping; `dry_run`: only say what would be done. Raises
    ValidationError if a field is unknown or invalid.
    """

    text: str | None = None
    base64: Base64Bytes | None = None
    mapping: dict[str, Any] | None = None
    dry_run: bool = False

    @property
    def repair_rules(self) -> Repair:
        """The repair of the dead letter: a mapping, the new bytes, or None for no repair.

        Raises MappingError if the mapping is invalid or changes nothing, Refused (422) if more than one repair is
        given.
        """
        given = [each for each in (self.text, self.base64, self.mapping) if each is not None]
        if len(given) > 1:
            raise Refused(422, "text, base64 and mapping are three ways to repair", "Send one of them, or none")
        if isinstance(self.mapping, dict):
            return of_tables(self.mapping)
        return self.text.encode() if self.text is not None else self.base64


class _Api:
    """The request handlers."""

    def __init__(
        self, settings: Settings, intake: IntakeSettings, producer: Producer, clock: Clock, keys: Keys | None
    ) -> None:
        self._keys, self._limits = keys, intake
        self._letters = DeadLetterIndex(settings)
        self._sending = Sending(settings, self._letters, producer, clock)

    async def list(self, request: Request) -> Response:
        """Answer a page of letters without bytes. Raises Refused: 401, 403, 422 for an invalid query, 503."""
        self._operator(request)
        try:
            asked = Asked.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise Refused(422, reason(error), "Correct the query") from None
        async with _answered():
            await self._letters.refresh()
        return JSONResponse(paged(self._letters.page(asked.wanted, asked.limit, asked.before)))

    async def show(self, request: Request) -> Response:
        """Answer one letter with its bytes. Raises Refused: 401, 403, 404, 503."""
        self._operator(request)
        found = await self._found(request)
        async with _answered():
            letter = (await self._letters.read([found])).get(found.letter.id)
        if letter is None:
            raise Refused(404, "the topic no longer keeps this letter", _LOOK)
        mask = request.query_params.get("mask", "false").lower() not in ("false", "0", "no")
        return JSONResponse(shown(letter, found, mask=mask), headers={"Cache-Control": "no-store"})

    async def send_again(self, request: Request) -> Response:
        """Send a letter again, or try it out. Raises Refused: 401, 403, 404, 409 if it was handled before, 422, 503."""
        by = self._operator(request)
        act = await self._act(request, Act)
        found = await self._found(request)
        try:
            mended = act.repair_rules
            async with _answered():
                if act.dry_run:
                    outcome = await self._sending.try_out([found.letter.id], mended)
                else:
                    outcome = await self._sending.send_again([found.letter.id], mended, Who(by, act.reason))
        except (ActError, MappingError) as error:
            raise Refused(422, str(error), "Correct the request and send it again") from None
        return self._answer(found, outcome)

    async def drop(self, request: Request) -> Response:
        """Drop a letter for good. Raises Refused: 401, 403, 404, 409 if it was handled before, 422, 503."""
        by = self._operator(request)
        act = await self._act(request, Drop)
        found = await self._found(request)
        try:
            async with _answered():
                outcome = await self._sending.drop([found.letter.id], Who(by, act.reason))
        except ActError as error:
            raise Refused(422, str(error), "Correct the request and send it again") from None
        return self._answer(found, outcome)

    def _answer(self, found: Found, outcome: Outcome) -> Response:
        name = found.letter.id
        if name in outcome.before:
            raise Refused(409, f"{name} {outcome.before[name]}", "Nothing was done now, and nothing has to be")
        if name in outcome.refused:
            raise Refused(422, outcome.refused[name], "Repair it: send text, base64 or a mapping with the request")
        return JSONResponse({**listed(self._letters.get(name)), "ids": outcome.done[name]})

    def _operator(self, request: Request) -> str:
        """Return the name of the key's holder. Raises Refused: 401 without a valid key, 403 if no keys are set."""
        if self._keys is None:
            do = "Set QUANZU_OPERATOR_KEYS=name:hash for each operator, the hash as for QUANZU_API_KEYS"
            raise Refused(403, "nobody may handle dead letters here: no operators' key is set", do)
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        operator = self._keys.feed(key.strip()) if scheme.lower() == "bearer" else None
        if operator is None or operator.source is None:
            do = "Send Authorization: Bearer and an operators' key; a feed's key is none"
            raise Refused(401, "no valid operators' key", do, {"WWW-Authenticate": "Bearer"})
        return operator.source

    async def _found(self, request: Request) -> Found:
        async with _answered():
            await self._letters.refresh()
        try:
            return self._letters.get(request.path_params["id"])
        except UnknownLetterError:
            raise Refused(404, "there is no such dead letter", _LOOK) from None

    async def _act(self, request: Request, body: type[Body]) -> Body:
        text = await read_body(request)
        try:
            return body.model_validate_json(text)
        except ValidationError as error:
            do = 'Send JSON: {"reason": "why"}, and to send it again how the letter is repaired'
            raise Refused(422, reason(error), do) from None


def routes(settings: Settings, intake: IntakeSettings, producer: Producer, clock: Clock) -> list[Route]:
    """Return the routes for intake's server: list and show (GET), send again and drop (POST); all answer JSON.

    They answer 200, or raise Refused: 401 without an operator's key, 403 if no such keys are set or this process may
    not write to the topic or encrypt for it, 404 for an unknown dead letter, 409 if it was handled before, 422 for an
    invalid request, 503 if Kafka does not answer within 15 s, and 400, 408, 413 or 415 for a body that cannot be read.
    Raises SettingsError if the operators' keys are invalid.
    """
    api = _Api(settings, intake, producer, clock, operator_keys(settings, intake))
    return [
        Route("/dead-letters", api.list, methods=["GET"]),
        Route("/dead-letters/{id:path}/send-again", api.send_again, methods=["POST"]),
        Route("/dead-letters/{id:path}/drop", api.drop, methods=["POST"]),
        Route("/dead-letters/{id:path}", api.show, methods=["GET"]),
    ]


@asynccontextmanager
async def _answered() -> AsyncIterator[None]:
    """Limit the block to 15 s.

    Raises Refused: 503 if Kafka does not answer, 403 if this process may not write to the letter's topic, or has no key
    to encrypt its records. Repeating the request, or `quanzu dead send-again`, completes what was begun.
    """
    try:
        async with asyncio.timeout(KAFKA_SECONDS):
            yield
    except TRANSIENT:
        raise Refused(503, "Kafka is away", "Send the request again", {"Retry-After": "5"}) from None
    except (MayNotError, CodecError) as error:  # intake may not write to the inputs of cases, nor to dispatches
        raise Refused(403, str(error), "Send it again by `quanzu dead send-again`, or drop it") from None
