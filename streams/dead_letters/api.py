"""Dead letters over HTTP, beside intake: for who has an operators' key. A feed's key opens nothing here.

    GET  /dead-letters                   the newest, without bytes; the filters of `quanzu dead list`; limit, before
    GET  /dead-letters/{id}              one, with its bytes; mask=true hides numbers and names
    POST /dead-letters/{id}/send-again   {"reason", and none or one of "text", "base64", "mapping"; "dry_run"}
    POST /dead-letters/{id}/drop         {"reason"}

Whoever holds the key is who did it: its name is kept with the reason.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.feeds.dead_letters import State, Wanted
from domain.feeds.repair import MappingError, of_tables
from schemas.base import Note, When
from streams.dead_letters.index import Found, Letters, UnknownLetterError
from streams.dead_letters.repaired import Mend
from streams.dead_letters.sending import ActError, Outcome, Sending, Who
from streams.dead_letters.shapes import listed, paged, shown
from streams.intake.body import Refused, read_body
from streams.intake.settings import IntakeSettings, Keys, operator_keys
from streams.messaging.dead_letter_writer import reason
from streams.messaging.producer import Producer
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.runtime.tasks import TRANSIENT

KAFKA_SECONDS = 15.0  # for all of a request: it may read the topics anew
_LOOK = "GET /dead-letters lists what there is"


class Asked(BaseModel):
    """The query of a list."""

    model_config = ConfigDict(extra="forbid")

    source: str | None = None
    topic: str | None = None
    why: str | None = None
    since: When | None = None
    until: When | None = None
    state: State | None = State.OPEN
    limit: int = Field(50, ge=1, le=500)
    before: int | None = Field(None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _all(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: None if (name, value) == ("state", "all") else value for name, value in given.items()}

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.source, self.topic, self.why, self.since, self.until, self.state)


class Act(BaseModel):
    """Why, and how a letter is mended."""

    model_config = ConfigDict(extra="forbid")

    reason: Note
    text: str | None = None
    base64: Base64Bytes | None = None
    mapping: dict[str, Any] | None = None
    dry_run: bool = False

    @property
    def mended(self) -> Mend:
        """Raises MappingError, Refused (422) when there is more than one."""
        given = [each for each in (self.text, self.base64, self.mapping) if each is not None]
        if len(given) > 1:
            raise Refused(422, "text, base64 and mapping are three ways to mend", "Send one of them, or none")
        if isinstance(self.mapping, dict):
            return of_tables(self.mapping)
        return self.text.encode() if self.text is not None else self.base64


class _Api:
    """The handlers of the routes."""

    def __init__(
        self, settings: Settings, intake: IntakeSettings, producer: Producer, clock: Clock, keys: Keys | None
    ) -> None:
        self._keys, self._limits = keys, intake
        self._letters = Letters(settings)
        self._sending = Sending(settings, self._letters, producer, clock)

    async def list(self, request: Request) -> Response:
        self._operator(request)
        try:
            asked = Asked.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise Refused(422, reason(error), "Correct the query") from None
        async with _answered():
            await self._letters.refresh()
        return JSONResponse(paged(self._letters.page(asked.wanted, asked.limit, asked.before)))

    async def show(self, request: Request) -> Response:
        self._operator(request)
        found = await self._found(request)
        async with _answered():
            letter = (await self._letters.read([found])).get(found.letter.id)
        if letter is None:
            raise Refused(404, "the topic no longer keeps this letter", _LOOK)
        mask = request.query_params.get("mask", "false").lower() not in ("false", "0", "no")
        return JSONResponse(shown(letter, found, mask=mask), headers={"Cache-Control": "no-store"})

    async def send_again(self, request: Request) -> Response:
        by = self._operator(request)
        act = await self._act(request)
        found = await self._found(request)
        try:
            mended = act.mended
            async with _answered():
                if act.dry_run:
                    outcome = await self._sending.try_out([found.letter.id], mended)
                else:
                    outcome = await self._sending.send_again([found.letter.id], mended, Who(by, act.reason))
        except (ActError, MappingError) as error:
            raise Refused(422, str(error), "Correct the request and send it again") from None
        return self._answer(found, outcome)

    async def drop(self, request: Request) -> Response:
        by = self._operator(request)
        act = await self._act(request)
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
            raise Refused(422, outcome.refused[name], "Mend it: send text, base64 or a mapping with the request")
        return JSONResponse({**listed(self._letters.get(name)), "ids": outcome.done[name]})

    def _operator(self, request: Request) -> str:
        """By whose key. Raises Refused."""
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

    async def _act(self, request: Request) -> Act:
        body = await read_body(request)
        try:
            return Act.model_validate_json(body)
        except ValidationError as error:
            raise Refused(422, reason(error), 'Send JSON: {"reason": "why"}, and how the letter is mended') from None


def routes(settings: Settings, intake: IntakeSettings, producer: Producer, clock: Clock) -> list[Route]:
    """The routes, for intake's server. Raises SettingsError when the operators' keys cannot be read."""
    api = _Api(settings, intake, producer, clock, operator_keys(settings, intake))
    return [
        Route("/dead-letters", api.list, methods=["GET"]),
        Route("/dead-letters/{id:path}/send-again", api.send_again, methods=["POST"]),
        Route("/dead-letters/{id:path}/drop", api.drop, methods=["POST"]),
        Route("/dead-letters/{id:path}", api.show, methods=["GET"]),
    ]


@asynccontextmanager
async def _answered() -> AsyncIterator[None]:
    """Raises Refused (503) when Kafka does not answer in time; what was begun then is taken up by sending again."""
    try:
        async with asyncio.timeout(KAFKA_SECONDS):
            yield
    except TRANSIENT:
        raise Refused(503, "Kafka is away", "Send the request again", {"Retry-After": "5"}) from None
