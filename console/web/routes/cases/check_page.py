"""The public check: a page on which anybody asks about a number, an account or a link, and the question behind it.

Mounted only if the setting QUANZU_CONSOLE_PUBLIC_CHECK is set. A question tells the server the first bits of a hash
only; nothing of it is stored or logged.
"""

import logging
import time

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from console.web.auth import csrf
from console.web.auth.who import ForbiddenError
from console.web.case import public_form
from console.web.case.public_form import counties_by_code, take_form
from console.web.check import appeals, page_words, questions
from console.web.check.appeals import OUTSIDE_NAME
from console.web.check.check_metrics import SECONDS, STATUSES, CheckOutcome, count_outcome
from console.web.check.questions import UnreadableQuestionError
from console.web.kit.door import Door
from console.web.kit.filled import Filled, FormError
from console.web.kit.i18n import language_of, translate, translations
from console.web.kit.limits import CHECK, CHECK_APPEAL
from console.web.kit.pages import page
from console.web.kit.services import services
from domain.access.key_rings import KeyPurpose
from domain.desk.public_reports import APPEAL_WORKING_DAYS, OUTSIDE, check_due, reference_number
from domain.public_check.statuses import A_DAY, LINK_FORMS
from schemas.people.public_check import CheckParameters
from schemas.people.public_reports import MOST_WORDS
from streams.repositories.check_list import BitsChangedError, CheckList

log = logging.getLogger(__name__)
door = Door()
SOON_SECONDS = "2"  # until the list is loaded
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@door.public("GET", "/check", name="check-page")
async def show(request: Request) -> Response:
    """Return the page, with the rules that find numbers and scams in a pasted text: the browser applies them."""
    return _page(
        request,
        "check.html",
        data=page_words.page_data(translations(language_of(request)).gettext),
        allowed=A_DAY,
        links=A_DAY // LINK_FORMS,
        reports=services(request).settings.public_page,
    )


@door.public("GET", CHECK, name="check-parameters")
async def parameters(request: Request) -> Response:
    """Return as JSON the parameters that a question needs: `bits`, how many bits the number of a bucket has (null while
    the list is being loaded), and `elements_a_day`, how many elements a network may ask about in a day.
    """
    return _json(CheckParameters(bits=_list(request).bits, elements_a_day=A_DAY))


@door.public("POST", CHECK, name="check")
async def ask(request: Request) -> Response:
    """Return the answer to a question: for each blinded element the evaluated one, and its bucket.

    400 if the body is no question, 403 for a request of another site, 409 with the parameters if the buckets were
    counted in another number of bits, 429 above the limit of the asker's network; 503 above the limit for everybody,
    and while the list is being loaded. A question of other bits is not counted by its network, because the asker asks
    again.
    """
    counts, known, began = request.app.state.limits, _list(request), time.perf_counter()
    try:
        csrf.refuse_others(request)
        question = questions.read_question(await request.body())
    except (ForbiddenError, UnreadableQuestionError) as error:
        wait = await counts.check(request, 1)  # what is no question counts as one
        outcome = CheckOutcome.OTHER_SITE if isinstance(error, ForbiddenError) else CheckOutcome.UNREADABLE
        return _refused(request, CheckOutcome.NETWORK_LIMIT, 0, str(wait)) if wait else _refused(request, outcome, 0)
    asked = len(question.elements)
    if known.bits is None:
        return _refused(request, CheckOutcome.LOADING, asked, SOON_SECONDS)
    if question.bits != known.bits:
        return _refused(request, CheckOutcome.OTHER_BITS, asked)
    if wait := await counts.check(request, asked):
        return _refused(request, CheckOutcome.NETWORK_LIMIT, asked, str(wait))
    try:
        answer = _json(questions.answered_question(known, question))
    except UnreadableQuestionError:
        return _refused(request, CheckOutcome.UNREADABLE, asked)
    except BitsChangedError:  # while the limit was counted
        return _refused(request, CheckOutcome.OTHER_BITS, asked)
    if wait := await counts.all_checks(asked):
        questions.count_overload()
        return _refused(request, CheckOutcome.COMMON_LIMIT, asked, str(wait))
    questions.count_question(answered=True)
    count_outcome(CheckOutcome.ANSWERED, asked)
    SECONDS.observe(time.perf_counter() - began)
    return answer


@door.public("GET", CHECK_APPEAL, name="check-appeal-page")
async def appeal_page(request: Request) -> Response:
    """Return the page with the empty form of an appeal."""
    return _appeal_form(request)


@door.public("POST", CHECK_APPEAL, name="check-appeal")
async def appeal(request: Request) -> Response:
    """Store an appeal, and return the page with its number and the time by which it is decided.

    422 if a field is invalid or the form is too old or too new, 429 above a limit of reports, 503 if it could not be
    stored; 400 (HTTPException) if the form has no id. Raises ForbiddenError for a form of another site, and SendError
    if Kafka refuses the appeal for good.
    """
    taken = await take_form(
        request, lambda given, now: appeals.read_appeal(given, _places(request), now), _appeal_form, _MANY, _AWAY
    )
    if isinstance(taken, Response):
        return taken
    told, _ = taken
    return _page(request, "check_appealed.html", reference=reference_number(told.id), due=check_due(told))


_MANY = FormError("", "提交过于频繁，请稍后再试，或拨打 96110 申诉。")
_AWAY = FormError("", "暂时无法提交，请稍后再试，或拨打 96110 申诉。")


def _appeal_form(
    request: Request,
    status: int = 200,
    typed: Filled | None = None,
    wrong: FormError | None = None,
    *,
    anew: bool = False,
) -> Response:
    made, fields = services(request), typed.fields if typed else {}
    return _page(
        request,
        "check_appeal.html",
        status,
        **public_form.proof_fields(made.keys(KeyPurpose.SESSION), None if anew else typed),
        counties=_places(request),
        longest=MOST_WORDS,
        days=APPEAL_WORKING_DAYS,
        typed=fields,
        wrong=translate(request, wrong.words) if wrong else "",
    )


def _places(request: Request) -> dict[str, str]:
    return {**counties_by_code(request), OUTSIDE: translate(request, OUTSIDE_NAME)}


def _page(request: Request, template: str, status: int = 200, **context: object) -> Response:
    answer = page(request, template, status, **context)
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def _list(request: Request) -> CheckList:
    found = services(request).check_list
    if found is None:
        raise RuntimeError("the public check is mounted without its list")
    return found


def _json(model: BaseModel, status: int = 200) -> Response:
    return Response(model.model_dump_json(), status, media_type="application/json")


def _refused(request: Request, outcome: CheckOutcome, elements: int, wait: str = "") -> Response:
    questions.count_question(answered=False)
    count_outcome(outcome, elements)
    told = CheckParameters(bits=_list(request).bits, elements_a_day=A_DAY)
    return JSONResponse(told.model_dump(), STATUSES[outcome], {"Retry-After": wait} if wait else None)
