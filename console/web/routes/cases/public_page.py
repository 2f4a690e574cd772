"""The public page: anybody reports a fraud without an account. It tells nothing of what is known here.

Mounted only if the setting QUANZU_CONSOLE_PUBLIC_PAGE is set.
"""

import logging
import time
from collections.abc import Mapping

from aiokafka.errors import KafkaError
from fastapi import Request
from redis.exceptions import RedisError
from starlette.responses import Response

from console.web.auth import csrf, trail
from console.web.case import public_form
from console.web.case.public_form import StaleFormError
from console.web.kit.door import Door
from console.web.kit.filled import Filled, FormError, filled, new_form
from console.web.kit.i18n import language_of, place, translate, translations
from console.web.kit.limits import REPORT
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.live import places
from domain.calendar import local_date
from domain.desk.public_reports import reference_number, stands_as
from schemas.people.public_reports import MOST_LINK, MOST_WORDS, Reporter

log = logging.getLogger(__name__)
door = Door()
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page has no script, and loads nothing but its styles and icon."""


@door.public("GET", REPORT, name="public-page")
async def show(request: Request) -> Response:
    """The page with the empty form."""
    return _form(request)


@door.public("POST", REPORT, name="public-page-report")
async def take(request: Request) -> Response:
    """Store a report, and return the page with its number and what to do now.

    422 if a field is invalid or the form is too old or too new, 429 above a limit, 503 if it could not be stored; 400
    if the form has no id. Raises ForbiddenError for a form of another site.
    """
    csrf.refuse_others(request)
    made, given = services(request), await filled(request)
    try:
        public_form.check_issued(made.line.settings.key(), given, time.time())
        report = public_form.read_public_report(given, _counties(request), made.line.clock.now())
    except StaleFormError as error:
        return _form(request, 422, given, _SOON if error.soon else _STALE, anew=not error.soon)
    except FormError as error:
        return _form(request, 422, given, error)
    phone = public_form.hashed_phone(made.line.settings.key(), report.phone)
    if wait := await request.app.state.limits.report(request, phone, report.place):
        answer = _form(request, 429, given, _MANY)
        answer.headers["Retry-After"] = str(wait)
        return answer
    try:
        async with trail.in_time():
            kept = await made.line.public_reports.take(report)
    except (TimeoutError, ConnectionError, KafkaError, RedisError) as error:
        log.warning("a report of the public page was not stored: %s", type(error).__name__)
        return _form(request, 503, given, _AWAY)
    answer = page(
        request, "public_taken.html", reference=reference_number(report.id), earlier=not stands_as(kept, report)
    )
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


_SOON = FormError("", "提交过快，请核对内容后再次提交。")
_STALE = FormError("", "页面已过期，请核对内容后再次提交。")
_MANY = FormError("", "提交过于频繁。请不要等待，立即拨打 96110 或 110。")
_AWAY = FormError("", "暂时无法提交。请不要等待，立即拨打 96110 或 110。")


def _form(
    request: Request,
    status: int = 200,
    typed: Filled | None = None,
    wrong: FormError | None = None,
    *,
    anew: bool = False,
) -> Response:
    """Return the page with the form. `anew`: what was typed stays, in a new form."""
    form, issued = new_form(), round(time.time() * 1000)
    if typed and not anew:  # its proof holds: it is the same report when it comes again
        form, issued = typed.form, int(typed["issued"])
    fields: Mapping[str, str] = typed.fields if typed else {}
    answer = page(
        request,
        "public_report.html",
        status,
        form_id=form,
        issued=issued,
        proof=public_form.proof_of(services(request).line.settings.key(), form, issued),
        counties=_counties(request),
        reporters=list(Reporter),
        longest=MOST_WORDS,
        longest_link=MOST_LINK,
        typed=fields,
        wrong=translate(request, wrong.words) if wrong else "",
    )
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def _counties(request: Request) -> dict[str, str]:
    """Return all counties, prefecture and county in the page's language, by code."""
    year = local_date(services(request).line.clock.now()).year
    say = translations(language_of(request)).gettext
    return {
        code: f"{place(prefecture.name, say)} {place(county, say)}"
        for prefecture in places.within("", year)
        for code, county in prefecture.counties
    }
