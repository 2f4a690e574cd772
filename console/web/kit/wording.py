"""Codes as sentences in the language of a page: what a fact, a reason or a refusal says."""

from functools import cache

from fastapi import Request

from console.web.case.scripts import tree_of
from console.web.kit.i18n import language_of, translations
from domain.wording.codes import Renderer
from schemas.codes.any_code import AnyCode


@cache
def wording(language: str) -> Renderer:
    """Return the wording of a language; answers to a script are told in the script's own words."""
    return Renderer(translations(language).gettext, language, tree_of)


def say(request: Request, code: AnyCode) -> str:
    """Return a code's sentence in the request's language."""
    return wording(language_of(request)).sentence(code)
