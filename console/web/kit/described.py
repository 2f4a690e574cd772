"""What the API answers, in the shapes that its description tells other programs of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict

from console.web.case.answers import Answered
from console.web.case.stories import TimelineEntry
from domain.wording.codes import Renderer
from schemas.casework.cases import Case
from schemas.casework.events import Fact
from schemas.codes.any_code import AnyCodeField

Answers = Mapping[int | str, dict[str, Any]]
"""By status: the model and the words of an answer, as FastAPI takes them."""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class WrongField(_Shape):
    field: str
    why: str


class Fault(_Shape):
    """What is wrong, and what to do."""

    error: str
    do: str
    fields: list[WrongField] = []


class WordedCase(Case):
    """A case. `words`: the reasons of its danger as sentences, in the language that Accept-Language asks for."""

    words: list[str]

    @classmethod
    def of(cls, case: Case, words: Renderer) -> "WordedCase":
        """Add the words; nothing is validated again."""
        return cls.model_construct(**dict(case), words=[words.sentence(each) for each in case.danger.reasons])


class CasePage(_Shape):
    """`next`: what to ask for as `after`; none: that was all."""

    cases: list[WordedCase]
    next: str | None


class Change(_Shape):
    """What one input made of a case. `words`: the facts as sentences."""

    version: int
    at: datetime
    facts: list[Fact]
    words: list[str]

    @classmethod
    def of(cls, told: TimelineEntry, words: Renderer) -> "Change":
        sentences = [words.sentence(fact.what) for fact in told.facts]
        return cls(version=told.version, at=told.at, facts=told.facts, words=sentences)


class Acted(_Shape):
    """What became of an act. `version`: the case's now, to be sent as `seen` with the next one.

    Of a refused one, `why`: as a code, and in `words` as a sentence; `changes`: what has happened since `seen`, but for
    one's own acts that were refused; `whole`: nothing of that is missing; `ask`: "anyway", when another has the case.
    """

    answer: Answered
    why: AnyCodeField | None
    words: str
    version: int
    changes: list[Change] | None = None
    whole: bool | None = None
    ask: str | None = None


class Rung(_Shape):
    """`call`: the call's id at the console."""

    call: str


FAULTS: Answers = {
    400: {"model": Fault, "description": "The request cannot be read"},
    401: {"model": Fault, "description": "No valid token"},
    403: {"model": Fault, "description": "Not for the account's role"},
    404: {"model": Fault, "description": "Not there, or in another's area"},
    422: {"model": Fault, "description": "A field is wrong"},
    429: {"model": Fault, "description": "Too often: see Retry-After"},
}


def description(app: FastAPI, about: str) -> dict[str, Any]:
    """OpenAPI of what is for other programs, with how they sign in."""
    made = get_openapi(title="Quanzu", version="1", routes=app.routes, description=about)
    made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return made | {"security": [{"token": []}]}
