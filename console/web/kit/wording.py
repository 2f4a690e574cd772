"""Turns codes (facts, reasons, refusals) into sentences of the page's language."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache

import msgspec
from fastapi import Request

from console.web.case.scripts import tree_of
from console.web.kit.i18n import language_of, translations
from console.web.kit.services import services
from domain.calendar import local_date
from domain.wording.codes import Renderer
from schemas.codes.any_code import AnyCode

LOGINS = ("by", "to", "holder", "asked_by")  # parameters of codes that are people's logins


@lru_cache(maxsize=64)
def wording(language: str, whole: bool = False, today: date | None = None) -> Renderer:
    """Return the renderer that turns codes into sentences of a language ("zh", "en" or "ko"). Answers to a script's
    questions are rendered in the script's own words. Cached for each combination of arguments.

    `whole`: for a reader who has revealed the resident's data; for others, numbers in notes are masked. `today`: the
    day whose moments are shown as the time of day, without the day; None: each moment with its day.
    """
    return Renderer(translations(language).gettext, language, tree_of, whole, today)


def renderer_of(request: Request, whole: bool = False, today: date | None = None) -> Renderer:
    """Return the renderer of the request's language, which names banks. `whole`, `today`: as in `wording`."""
    return replace(wording(language_of(request), whole, today), bank_name=services(request).bank_name)


def say(request: Request, code: AnyCode) -> str:
    """Return a code's sentence in the request's language, with the numbers in it masked, people and banks by their
    names, and moments of today (China's day) as the time of day without the day.
    """
    made = services(request)
    today = local_date(made.line.clock.now())
    return renderer_of(request, today=today).sentence(named(code, made.staff.named))


def named(code: AnyCode, names: Mapping[str, str]) -> AnyCode:
    """Return the code with people's names in place of their logins, where they are known. `names`: by login."""
    logins = {field: getattr(code, field, None) or "" for field in LOGINS}
    known = {field: names[login] for field, login in logins.items() if login in names}
    return msgspec.structs.replace(code, **known) if known else code
