"""Parses a submitted form. The form's id was made with the page, so a form that is sent twice counts once."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from fastapi import HTTPException, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from domain.ids import short_hash
from schemas.base import MOST_FEN

MOST_DIGITS = 9  # of a version; Python does not even read a number of some thousand digits
_FORM = re.compile(r"[0-9a-f]{8,64}")
_Kind = TypeVar("_Kind", bound=StrEnum)
_YUAN = re.compile(r"[0-9]{1,11}(\.[0-9]{1,2})?")


class FormError(ValueError):
    """A field of the form is invalid. `field`: its name, "" if several may be wrong; `words`: the error in Chinese, to
    be translated.
    """

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field, self.words = field, words


@dataclass(frozen=True, slots=True)
class Filled:
    """A submitted form. `fields`: the last value of each field, stripped; `many`: all values of each field; `form`: its
    id.

    Files are left out.
    """

    fields: Mapping[str, str]
    many: Mapping[str, list[str]]
    form: str

    def __getitem__(self, name: str) -> str:
        """Return a field's value, "" if the field is missing."""
        return self.fields.get(name, "")

    def name(self, *parts: str) -> str:
        """Return an id, 20 hexadecimal digits, made from the form's id and the parts in their order. A form that is
        sent again has the same id, and so gives the same ids.
        """
        return short_hash("form", self.form, *parts)

    @property
    def seen(self) -> int:
        """The version that the page showed; 0 if the field is missing or not a number."""
        return self.version("seen")

    def version(self, name: str) -> int:
        """Return the version in the field `name`; 0 if the field is missing or no number of at most MOST_DIGITS (9)
        digits.
        """
        text = self[name]
        return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0


def new_form() -> str:
    """Return a new form id, 20 hex digits, for a page that is being rendered."""
    return secrets.token_hex(10)


class NoFormIdError(HTTPException):
    """A form has no id, so no page of the console sent it."""


async def filled(request: Request) -> Filled:
    """Return the request's form. Raises HTTPException (400) if the form has no id (NoFormIdError), because it is then
    not from one of our pages, if it cannot be parsed, or if it has characters that cannot be stored: the sender may
    choose the encoding.
    """
    try:
        given = await request.form()
        "".join(text for pair in given.multi_items() for text in pair if isinstance(text, str)).encode()
    except ValueError:
        raise HTTPException(400, "the form has characters that are not Unicode text") from None
    texts = {name: [value for value in given.getlist(name) if isinstance(value, str)] for name in given}
    many = {name: [value.strip() for value in values] for name, values in texts.items() if values}
    fields = {name: values[-1] for name, values in many.items()}
    form = fields.get("form", "")
    if not _FORM.fullmatch(form):
        raise NoFormIdError(400, "the form has no id: load its page again")
    return Filled(fields, many, form)


def form_value(form: FormData, name: str) -> str:
    """Return a field's text; "" if the field is missing or a file."""
    given = form.get(name)
    return given if isinstance(given, str) else ""


def one_of(kind: type[_Kind], value: str, default: _Kind) -> _Kind:
    """Return the member of `kind` whose value is exactly `value`, or `default` if none is."""
    return next((each for each in kind if each.value == value), default)


def fen(yuan: str) -> int | None:
    """Return in fen (1/100 yuan) an amount typed in yuan, such as "12,000.50" or "¥300"; None if the text is empty.

    Raises ValueError if the text is not an amount or is above MOST_FEN (10**13 fen).
    """
    text = yuan.replace(",", "").replace("，", "").removeprefix("¥").strip()
    if not text:
        return None
    if not _YUAN.fullmatch(text):
        raise ValueError("not an amount")
    whole, _, part = text.partition(".")
    amount = int(whole) * 100 + int(part.ljust(2, "0") or 0)
    if amount > MOST_FEN:
        raise ValueError("more than there is")
    return amount


def amount_of(given: Filled) -> int | None:
    """Return the field `amount` in fen; None if it is empty. Raises FormError if it is not an amount or is above
    MOST_FEN (10**13 fen).
    """
    try:
        return fen(given["amount"])
    except ValueError:
        raise FormError("amount", "金额无法识别，请写成 12000 或 12,000.50。") from None


def wants_json(request: Request) -> bool:
    """Return True if the request accepts JSON and not HTML: a script sent it, not a browser."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def done(request: Request, to: str, **told: object) -> Response:
    """Return the response after a successful act: for a script JSON (200) with `to` and `told`, else a redirect (303)
    to the path `to`.
    """
    return JSONResponse({"to": to, **told}) if wants_json(request) else RedirectResponse(to, 303)
