"""Parses the form for a caller in danger: the caller's data, the payment and its payee, and the means of reaching the
scammer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from console.web.case.reports import LONGEST, Reported
from console.web.kit.filled import Filled, FormError, amount_of, one_of
from domain.calendar import local_date
from domain.desk.paid_at import paid_at
from domain.desk.unknown_caller import Newcomer, named_place
from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import normal_account, parse_id_number
from domain.payments.institutions import Institutions
from schemas.casework.reported import PaidBy, ReportedPayment
from schemas.people.calls import CallerRequest
from schemas.people.residents import ReportSource

LONGEST_NAME = 64  # characters of a name or a bank
OLDEST = 115
WORDS = "来电人称本人正在被骗。银行：%(bank)s。%(text)s"
_REFERENCE = re.compile(r"[0-9A-Za-z._:-]{0,64}")


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment as the caller told it. `institution`: the code of the payee's institution, by its name or by the card;
    None if unknown, or if name and card contradict each other.
    """

    reported: ReportedPayment
    at: datetime
    institution: str | None


def read_newcomer(given: Filled, places: Sequence[Mapping[str, str]], keys: IdKeys, now: datetime) -> Newcomer:
    """Return the data that an unknown caller has given about themselves, from the form `given`. Raises FormError if the
    name is missing, the place is not one of `places`, or another field is invalid.

    `places`: the names, by code, of the counties in the area of the operator who fills in the form, in each language in
    which they may write one. `keys`: hash the ID number. `now`: to compute the year of birth from the age.
    """
    if not given["name"]:
        raise FormError("name", "请填写来电人姓名。")
    division = named_place(given["place"], *places)
    if division is None:
        raise FormError("place", "请写明来电人所在的县（市、区），须在本辖区内。")
    said: dict[str, Any] = {"birth_year": _birth_year(given["age"], now), **_identity(given["id_number"], keys, now)}
    return Newcomer(
        given["name"][:LONGEST_NAME], division, _source(given), account=_account(given["from_account"]), **said
    )


def read_paid(given: Filled, call: str, name: str, institutions: Institutions, now: datetime) -> Paid:
    """Return the payment and the scammer as the caller described them; every field of the form may be empty: without
    a time of payment it is `now`.

    Raises FormError if a field is invalid.

    `call`, `name`: the ids of the call and of the form; `institutions`: to find the payee's institution.
    """
    try:
        at = paid_at(given["paid_at"], now)
    except ValueError:
        raise FormError("paid_at", "付款时间无法识别，请写成 14:30 或 3-1 14:30，刚刚付款的可不填。") from None
    if not _REFERENCE.fullmatch(given["reference"]):
        raise FormError("reference", "交易流水号无法识别，应为字母和数字。")
    found = institutions.of_payee(given["institution"], given["suspect_account"])
    try:
        reported = _reported(given, call, name)
    except ValidationError:
        raise FormError("", "有一项内容过长，每项最多 128 字，链接最多 300 字。") from None
    return Paid(reported, at, found.code if found else None)


def read_report(given: Filled, name: str, words: str) -> Reported:
    """Return the report of a caller in danger, its text cut to LONGEST (1,500) characters. `name`: the form's id;
    `words`: WORDS in the person's language. Raises FormError if the amount is invalid, or is missing although the
    payee's account is given.
    """
    amount = amount_of(given)
    if amount is None and given["suspect_account"]:
        raise FormError("amount", "请填写付给收款账户的金额。")
    text = words % {"bank": given["bank"][:LONGEST_NAME] or "–", "text": given["text"]}
    text = text[:LONGEST]
    suspect = given["suspect_account"], given["suspect_phone"]
    return Reported(name, CallerRequest.REPORT, text, *suspect, amount, link=given["scam_link"])


def _reported(given: Filled, call: str, name: str) -> ReportedPayment:
    return ReportedPayment(
        source=_source(given),
        report=name,
        told_in=call,
        paid_by=one_of(PaidBy, given["paid_by"], PaidBy.BANK_TRANSFER),
        from_bank=given["bank"][:LONGEST_NAME],
        from_account=given["from_account"],
        holder=given["holder"],
        to_bank=given["institution"],
        reference=given["reference"],
        scammer_phone=given["suspect_phone"],
        wechat=given["wechat"],
        scam_link=given["scam_link"],
    )


def _source(given: Filled) -> ReportSource:
    return one_of(ReportSource, given["source"], ReportSource.HOTLINE)


def _birth_year(age: str, now: datetime) -> int | None:
    if not age:
        return None
    if not (age.isascii() and age.isdigit() and 0 < int(age) <= OLDEST):
        raise FormError("age", "年龄请写成数字，不清楚可不填。")
    return local_date(now).year - int(age)


def _identity(number: str, keys: IdKeys, now: datetime) -> dict[str, Any]:
    """Return the year of birth, the sex and the keyed hash of an ID number; empty without a number. The number itself
    is not stored.
    """
    if not number:
        return {}
    try:
        known = parse_id_number(number, on=local_date(now))
    except ValueError:
        raise FormError("id_number", "身份证号有误，不清楚可不填。") from None
    return {"birth_year": known.birth.year, "sex": known.sex, "id_hash": keys.hashes(known.number)[-1]}


def _account(text: str) -> str:
    try:
        return normal_account(text) if text else ""
    except ValueError:
        raise FormError("from_account", "来电人的付款账户无法识别：应为 6 至 34 位字母和数字。") from None
