"""Models of the API's answers, as its OpenAPI description shows them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict

from console.web.case.answers import Answered
from console.web.case.stories import TimelineEntry
from domain.wording.codes import Renderer
from schemas.casework.cases import Case, Step
from schemas.casework.events import Fact
from schemas.casework.orders import StopOrder
from schemas.codes.any_code import AnyCode, AnyCodeField
from schemas.codes.refusals import AccountFrozen

Answers = Mapping[int | str, dict[str, Any]]
"""The model and description of an answer by HTTP status, in FastAPI's form."""


Shown = Callable[[AnyCode], AnyCode]
"""Returns a code as the reader may see it: people's own words masked, or without them."""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class WrongField(_Shape):
    """An invalid field of a request. `field`: its name, with dots between levels; `why`: the reason, in English."""

    field: str
    why: str


class Fault(_Shape):
    """An error: what is wrong (`error`) and what to do (`do`). `fields`: the invalid fields, if any."""

    error: str
    do: str
    fields: list[WrongField] = []


class WordedCase(Case):
    """A case as the API shows it. `words`: the reasons of its danger as sentences, in the language of Accept-Language.

    Data of other persons is removed: `reported` of each payment, `movement` of each account in `traced`, and the
    account and the reason of each hold. `movements` and `accounts` are empty. The texts of objections are empty; they
    can be read only on the objection's page.

    Numbers in the words that people wrote in steps and stop orders are masked. A token without `cases.words` gets these
    words not at all, and `freezing` of an order is null.
    """

    words: list[str]

    @classmethod
    def of(cls, case: Case, words: Renderer, shown: Shown) -> "WordedCase":
        """Return the case with `words` and without the hidden fields. The model is built without validation.

        `words`: makes a sentence of each reason; `shown`: masks or removes what people wrote.
        """
        payments = [each.model_copy(update={"reported": None}) for each in case.payments]
        traced = [each.model_copy(update={"movement": None}) for each in case.traced]
        steps = [_step(each, shown) for each in case.steps]
        orders = [_order(each, shown) for each in case.orders]
        told = [words.sentence(each) for each in case.danger.reasons]
        hidden: dict[str, object] = {"movements": [], "accounts": [], "traced": traced}
        hidden["objections"] = [each.model_copy(update=_NO_WORDS) for each in case.objections]
        hidden["own_holds"] = [each.model_copy(update=_NO_ACCOUNT) for each in case.own_holds]
        changed = {"payments": payments, "steps": steps, "orders": orders, **hidden}
        return cls.model_construct(**{**dict(case), **changed}, words=told)


_NO_WORDS = {"text": "", "reason": "", "receipt": ""}  # of an objection: those who handle it read them on its page

_NO_ACCOUNT = {"own_account": "", "reason": "**"}  # of a hold: likewise


def _step(step: Step, shown: Shown) -> Step:
    return step.model_copy(update={"because": shown(step.because)}) if step.because else step


def _order(order: StopOrder, shown: Shown) -> StopOrder:
    found = order.freezing
    told = shown(AccountFrozen(found.authority, found.decision)) if found else None
    freezing = None
    if found and isinstance(told, AccountFrozen) and told.decision:
        ended = found.ended.model_copy(update={"decision": ""}) if found.ended else None
        freezing = found.model_copy(update={"authority": told.authority, "decision": told.decision, "ended": ended})
    return order.model_copy(update={"ground": shown(order.ground), "freezing": freezing})


class CasePage(_Shape):
    """A page of cases. `next`: the value of `after` for the next page; null on the last page."""

    cases: list[WordedCase]
    next: str | None


class Change(_Shape):
    """The facts that one input produced on a case. `version`: the case version after the input; `words`: the facts as
    sentences, empty for a token without `cases.words`.
    """

    version: int
    at: datetime
    facts: list[Fact]
    words: list[str]

    @classmethod
    def of(cls, told: TimelineEntry, words: Renderer | None, shown: Shown) -> "Change":
        """Return the entry of the timeline as a change. `words`: makes a sentence of each fact, in its own language;
        with None the change has no sentences. `shown`: masks or removes what people wrote.
        """
        sentences = [words.sentence(fact.what) for fact in told.facts] if words else []
        facts = [fact.model_copy(update={"what": shown(fact.what)}) for fact in told.facts]
        return cls(version=told.version, at=told.at, facts=facts, words=sentences)


class Acted(_Shape):
    """The answer to an act. `version`: the case's present version, to send as `seen` with the next act.

    `why`: the reason of a refusal, or what a waiting act waits for, else null; `words`: `why` as a sentence, else
    empty.

    Only for a refused act: `changes`: the events since `seen`, without your own refused acts; `whole`: true if
    `changes` has all of them; `ask`: "anyway" if another person has claimed the case: the act then needs a reason in
    `anyway`.
    """

    answer: Answered
    why: AnyCodeField | None
    words: str
    version: int
    changes: list[Change] | None = None
    whole: bool | None = None
    ask: str | None = None


class Rung(_Shape):
    """The answer to a notice of an incoming call: the operators now see the call. `call`: the call's id at
    the console.
    """

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
    """Return the OpenAPI description of the routes added by `Door.api`, as a new dictionary, with the authentication of
    programs (a bearer token). `about`: its introduction. Takes a second or more.
    """
    made = get_openapi(title="Quanzu", version="1", routes=app.routes, description=about)
    made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return made | {"security": [{"token": []}]}
