"""Takes the forms of people without an account (a report of the public page, an appeal of the public check), and makes
and checks the proof that such a form carries.

Nobody is signed in on that page, so the proof shows only that this console made this form, at least LEAST_SECONDS and
at most MOST_SECONDS ago. Forms of other sites are refused by the browser's own statement of a request's origin
(auth/csrf.py).
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from aiokafka.errors import KafkaError
from fastapi import Request
from pydantic import ValidationError
from redis.exceptions import RedisError
from starlette.background import BackgroundTask
from starlette.responses import Response

from console.web.auth import csrf, trail
from console.web.kit.filled import Filled, FormError, amount_of, filled, new_form, one_of
from console.web.kit.i18n import language_of, place, translations
from console.web.kit.services import services
from console.web.live import places
from domain.access.key_rings import KeyPurpose, KeyRing
from domain.calendar import FAST_CLOCK, JILIN, local_date
from domain.desk.paid_at import paid_at
from domain.identity.identifiers import normal_account, normal_phone
from domain.ids import short_hash
from schemas.administration.security_events import SecurityEventKind
from schemas.casework.reported import PaidBy
from schemas.people.public_reports import REPORTING, PublicReport, Reporter

log = logging.getLogger(__name__)

LEAST_SECONDS = 3.0  # nobody fills the form in faster; a program has to wait as long for each report
MOST_SECONDS = 7_200.0
OLDEST = timedelta(days=365)
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_ISSUED = re.compile(r"[0-9]{1,13}")
_PROOF = re.compile(r"[0-9a-f]{64}")


SOON = FormError("", "提交过快，请核对内容后再次提交。")
STALE = FormError("", "页面已过期，请核对内容后再次提交。")


class StaleFormError(Exception):
    """The form's proof is missing, wrong, older than MOST_SECONDS, or younger than LEAST_SECONDS. `soon`: True if it is
    younger; `forged`: True if it is missing or wrong, so no page of the console sent the form.
    """

    def __init__(self, soon: bool = False, forged: bool = False) -> None:
        super().__init__()
        self.soon, self.forged = soon, forged


def proof_of(ring: KeyRing, form: str, issued: int) -> str:
    """Return the proof of a form that was issued at `issued`, in ms since 1970 (wall-clock): a keyed hash of the form's
    id and this time, 64 hex digits.
    """
    return ring.digest(_to_hash(form, issued))


def proof_fields(ring: KeyRing, typed: Filled | None) -> dict[str, str | int]:
    """Return the hidden fields of a form (`form_id`, `issued`, `proof`). `typed`: a submitted form whose proof holds,
    so that it is the same one when it comes again; None makes a new one.
    """
    form, issued = (typed.form, int(typed["issued"])) if typed else (new_form(), round(time.time() * 1000))
    return {"form_id": form, "issued": issued, "proof": proof_of(ring, form, issued)}


def counties_by_code(request: Request) -> dict[str, str]:
    """Return all counties, prefecture and county in the page's language, by code."""
    year = local_date(services(request).line.clock.now()).year
    say = translations(language_of(request)).gettext
    return {
        code: f"{place(prefecture.name, say)} {place(county, say)}"
        for prefecture in places.within("", year)
        for code, county in prefecture.counties
    }


def hashed_phone(ring: KeyRing, phone: str) -> str:
    """Return the keyed hash (64 hex digits) of a reporter's telephone, under which its reports are counted."""
    return ring.digest(f"public-report-phone:{phone}")


def check_issued(ring: KeyRing, given: Filled, seconds: float) -> None:
    """Check that a form's proof is valid at `seconds` since 1970. Raises StaleFormError if it is not, or is too new or
    too old.
    """
    issued = given["issued"]
    if not _ISSUED.fullmatch(issued) or not _PROOF.fullmatch(given["proof"]):
        raise StaleFormError(forged=True)
    if not ring.matches_digest(_to_hash(given.form, int(issued)), given["proof"]):
        raise StaleFormError(forged=True)
    age = seconds - int(issued) / 1000
    if not LEAST_SECONDS <= age <= MOST_SECONDS:
        raise StaleFormError(soon=age < LEAST_SECONDS)


def _to_hash(form: str, issued: int) -> str:
    return f"public-report:{form}:{issued}"


def read_public_report(given: Filled, places: Mapping[str, str], now: datetime) -> PublicReport:
    """Return the report that a form describes, not stored yet. Raises FormError, with the field's name, for an invalid
    field.

    `places`: names of the counties that may be chosen, by code; `now`: the time of the report.
    """
    if not given["name"]:
        raise FormError("name", "请填写您的姓名。")
    if given["place"] not in places:
        raise FormError("place", "请选择您所在的县（市、区）。")
    told = {
        "id": f"w{short_hash('public-report', given.form)}",
        "at": now,
        "reporter": _reporter(given["reporter"]),
        "name": given["name"],
        "phone": _phone(given),
        "place": given["place"],
        "from_bank": given["bank"],
        "from_account": _account(given, "from_account"),
        "payee": _account(given, "suspect_account"),
        "holder": given["holder"],
        "to_bank": given["institution"],
        "amount_fen": amount_of(given),
        "paid_at": _paid_at(given["paid_at"], now),
        "paid_by": one_of(PaidBy, given["paid_by"], PaidBy.BANK_TRANSFER),
        "scammer_phone": given["suspect_phone"],
        "wechat": given["wechat"],
        "scam_link": given["scam_link"],
        "text": given["text"],
    }
    try:
        return PublicReport.model_validate(told)
    except ValidationError:
        raise FormError("", "有一项内容过长或含有无法识别的字符。") from None


def _reporter(text: str) -> Reporter:
    found = one_of(Reporter, text, Reporter.VICTIM)
    return found if found in REPORTING else Reporter.VICTIM  # an appeal has a form of its own


def _phone(given: Filled) -> str:
    try:
        return normal_phone(given["phone"])
    except ValueError:
        raise FormError("phone", "请填写能联系到您的电话号码，座机请加区号。") from None


def _account(given: Filled, name: str) -> str:
    try:
        return normal_account(given[name]) if given[name] else ""
    except ValueError:
        raise FormError(name, "账号无法识别：应为 6 至 34 位字母和数字，不清楚可不填。") from None


def _paid_at(text: str, now: datetime) -> datetime | None:
    """Return the time of payment, at most `now`; None for an empty text. The text may be a browser's local time or a
    person's words. Raises FormError if it cannot be read or is not within the last OLDEST.
    """
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text) if _LOCAL.fullmatch(text) else paid_at(text, now)
    except ValueError:
        raise FormError("paid_at", "付款时间无法识别，不清楚可不填。") from None
    at = local if local.tzinfo else local.replace(tzinfo=JILIN)
    if not now - OLDEST <= at <= now + FAST_CLOCK:
        raise FormError("paid_at", "付款时间应在过去一年之内。")
    return min(at, now)


class ShowForm(Protocol):
    """Returns the page with the form. `anew`: True keeps what was typed and gives the form a new id and proof."""

    def __call__(
        self, request: Request, status: int, typed: Filled, wrong: FormError, *, anew: bool = False
    ) -> Response: ...


async def take_form(
    request: Request,
    read: Callable[[Filled, datetime], PublicReport],
    show: ShowForm,
    many: FormError,
    away: FormError,
) -> tuple[PublicReport, PublicReport] | Response:
    """Read the form by `read` (which gets the time too), and store the report. Returns the report, and the one that is
    stored: an earlier one if the form was sent before.

    Otherwise returns the page by `show`: 422 if a field is invalid or the form is too old or too new, 429 (`many`)
    above a limit, 503 (`away`) if it could not be stored. Raises ForbiddenError for a form of another site,
    HTTPException (400) if the form has no id or text that is not Unicode, and SendError if Kafka refuses the report for
    good.
    """
    csrf.refuse_others(request)
    made, given = services(request), await filled(request)
    try:
        check_issued(made.keys(KeyPurpose.SESSION), given, time.time())
        report = read(given, made.line.clock.now())
    except StaleFormError as error:
        refused = show(request, 422, given, SOON if error.soon else STALE, anew=not error.soon)
        return _told(request, refused, SecurityEventKind.FORBIDDEN) if error.forged else refused
    except FormError as error:
        return show(request, 422, given, error)
    phone = hashed_phone(made.keys(KeyPurpose.SESSION), report.phone)
    if wait := await request.app.state.limits.report(request, phone, report.place):
        answer = show(request, 429, given, many)
        answer.headers["Retry-After"] = str(wait)
        return _told(request, answer, SecurityEventKind.TOO_OFTEN)
    try:
        async with trail.in_time():
            return report, await made.line.public_reports.take(report)
    except (TimeoutError, ConnectionError, KafkaError, RedisError) as error:
        log.warning("a form of somebody without an account was not stored: %s", type(error).__name__)
        return show(request, 503, given, away)


def _told(request: Request, answer: Response, kind: SecurityEventKind) -> Response:
    """Return the answer, after which a security event is recorded."""
    answer.background = BackgroundTask(services(request).security.note_stranger, request, kind)
    return answer
