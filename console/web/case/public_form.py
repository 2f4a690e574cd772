"""Reads the form of the public page, and makes and checks the proof that it carries.

Nobody is signed in there, so the proof is of the page alone: it was made here, for this form, some seconds to two
hours ago. Against other sites' forms there is the browser's own statement of where a request comes from.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import ValidationError

from console.web.kit.filled import Filled, FormError, amount_of, one_of
from domain.calendar import JILIN
from domain.desk.paid_at import AHEAD, paid_at
from domain.identity.identifiers import normal_account, normal_phone
from domain.ids import short_hash
from schemas.casework.reported import PaidBy
from schemas.people.public_reports import PublicReport, Reporter

LEAST_SECONDS = 3.0  # nobody fills the form in faster; a program has to wait as long for each report
MOST_SECONDS = 7_200.0
OLDEST = timedelta(days=365)
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_ISSUED = re.compile(r"[0-9]{1,13}")
_PROOF = re.compile(r"[0-9a-f]{64}")


class StaleFormError(Exception):
    """The form's proof is missing, wrong, too old, or younger than LEAST_SECONDS. `soon`: it is too young."""

    def __init__(self, soon: bool = False) -> None:
        super().__init__()
        self.soon = soon


def proof_of(key: bytes, form: str, issued: int) -> str:
    """Return the proof of a form that was issued at `issued`, in ms since 1970 (wall-clock)."""
    return hmac.digest(key, f"public-report:{form}:{issued}".encode(), hashlib.sha256).hex()


def hashed_phone(key: bytes, phone: str) -> str:
    """Return the keyed hash of a reporter's telephone, under which its reports are counted."""
    return hmac.digest(key, f"public-report-phone:{phone}".encode(), hashlib.sha256).hex()


def check_issued(key: bytes, given: Filled, seconds: float) -> None:
    """Check a form's proof at `seconds` since 1970. Raises StaleFormError if it does not hold now."""
    issued = given["issued"]
    if not _ISSUED.fullmatch(issued) or not _PROOF.fullmatch(given["proof"]):
        raise StaleFormError
    made = proof_of(key, given.form, int(issued))
    if not hmac.compare_digest(given["proof"].encode(), made.encode()):
        raise StaleFormError
    age = seconds - int(issued) / 1000
    if not LEAST_SECONDS <= age <= MOST_SECONDS:
        raise StaleFormError(soon=age < LEAST_SECONDS)


def read_public_report(given: Filled, places: Mapping[str, str], now: datetime) -> PublicReport:
    """Return the report of a form. Raises FormError if a field is invalid. `places`: the counties by code."""
    if not given["name"]:
        raise FormError("name", "请填写您的姓名。")
    if given["place"] not in places:
        raise FormError("place", "请选择您所在的县（市、区）。")
    told = {
        "id": f"w{short_hash('public-report', given.form)}",
        "at": now,
        "reporter": one_of(Reporter, given["reporter"], Reporter.VICTIM),
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
    """Return the time of payment, None if it was not told: as a browser writes it, or as a person does."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text) if _LOCAL.fullmatch(text) else paid_at(text, now)
    except ValueError:
        raise FormError("paid_at", "付款时间无法识别，不清楚可不填。") from None
    at = local if local.tzinfo else local.replace(tzinfo=JILIN)
    if not now - OLDEST <= at <= now + AHEAD:
        raise FormError("paid_at", "付款时间应在过去一年之内。")
    return min(at, now)
