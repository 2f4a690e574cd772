"""What a person filled into a form. Its id was made with the page: whatever is written of the form counts once."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from domain.ids import short_hash
from schemas.base import MOST_FEN

_FORM = re.compile(r"[0-9a-f]{8,64}")
_YUAN = re.compile(r"[0-9]{1,11}(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Filled:
    """`fields`: what was typed and chosen, without blanks around it; `many`: every value of a field."""

    fields: Mapping[str, str]
    many: Mapping[str, list[str]]
    form: str

    def __getitem__(self, name: str) -> str:
        """A field; empty when it is not there."""
        return self.fields.get(name, "")

    def name(self, *parts: str) -> str:
        """An id of what is written of this form."""
        return short_hash("form", self.form, *parts)

    @property
    def seen(self) -> int:
        """The version on the screen; 0 when there is none."""
        return int(self["seen"]) if self["seen"].isascii() and self["seen"].isdigit() else 0


def new_form() -> str:
    """A form's id, made as its page is rendered."""
    return secrets.token_hex(10)


async def filled(request: Request) -> Filled:
    """The form of a request. Raises HTTPException (400) when it has no id: then it is none of our pages'."""
    given = await request.form()
    many = {name: [str(value).strip() for value in given.getlist(name)] for name in given}
    fields = {name: values[-1] for name, values in many.items()}
    form = fields.get("form", "")
    if not _FORM.fullmatch(form):
        raise HTTPException(400, "the form has no id: load its page again")
    return Filled(fields, many, form)


def fen(yuan: str) -> int | None:
    """An amount as a person types it (12,000.50) in fen; none when nothing was typed.

    Raises ValueError when it is no amount.
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


def wants_json(request: Request) -> bool:
    """Whether a script asks, and no page."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def done(request: Request, to: str, **told: object) -> Response:
    """After a good act: to a page of ours, or the facts for a script."""
    return JSONResponse({"to": to, **told}) if wants_json(request) else RedirectResponse(to, 303)
