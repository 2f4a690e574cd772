"""The public page: anybody reports a fraud without an account. Its answers show no data of the system.

Mounted only if the setting QUANZU_CONSOLE_PUBLIC_PAGE is set.
"""

import logging
from collections.abc import Mapping

from fastapi import Request
from starlette.responses import Response

from console.web.case import public_form
from console.web.case.public_form import counties_by_code, take_form
from console.web.kit.door import Door
from console.web.kit.filled import Filled, FormError
from console.web.kit.i18n import translate
from console.web.kit.limits import REPORT
from console.web.kit.pages import page
from console.web.kit.services import services
from domain.access.key_rings import KeyPurpose
from domain.desk.public_reports import reference_number, same_statement
from schemas.people.public_reports import MOST_LINK, MOST_WORDS, REPORTING

log = logging.getLogger(__name__)
door = Door()
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page has no script, and loads nothing but its styles and icon."""


@door.public("GET", REPORT, name="public-page")
async def show(request: Request) -> Response:
    """Return the page with the empty form."""
    return _form(request)


@door.public("POST", REPORT, name="public-page-report")
async def take(request: Request) -> Response:
    """Store a report, and return the page with its number and what to do now.

    422 if a field is invalid or the form is too old or too new, 429 above a limit, 503 if it could not be stored; 400
    (HTTPException) if the form has no id. Raises ForbiddenError for a form of another site, and SendError if Kafka
    refuses the report for good.
    """
    taken = await take_form(
        request,
        lambda given, now: public_form.read_public_report(given, counties_by_code(request), now),
        _form,
        _MANY,
        _AWAY,
    )
    if isinstance(taken, Response):
        return taken
    report, kept = taken
    answer = page(
        request, "public_taken.html", reference=reference_number(report.id), earlier=not same_statement(kept, report)
    )
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


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
    """Return the page with the form. `anew`: True keeps what was typed and gives the form a new id and proof."""
    fields: Mapping[str, str] = typed.fields if typed else {}
    answer = page(
        request,
        "public_report.html",
        status,
        **public_form.proof_fields(services(request).keys(KeyPurpose.SESSION), None if anew else typed),
        counties=counties_by_code(request),
        reporters=REPORTING,
        longest=MOST_WORDS,
        longest_link=MOST_LINK,
        typed=fields,
        wrong=translate(request, wrong.words) if wrong else "",
    )
    answer.headers["Content-Security-Policy"] = POLICY
    return answer
