"""Turns codes (facts, reasons, refusals) into sentences of the page's language."""

from functools import cache

from fastapi import Request

from console.web.case.scripts import tree_of
from console.web.kit.i18n import language_of, translations
from domain.wording.codes import Renderer
from schemas.codes.any_code import AnyCode


@cache
def wording(language: str, whole: bool = False) -> Renderer:
    """Return the renderer of a language. Answers to a script's questions are rendered in the script's own words.

    `whole`: for a reader who has revealed the resident's data; for others, numbers in notes are masked.
    """
    return Renderer(translations(language).gettext, language, tree_of, whole)


def say(request: Request, code: AnyCode) -> str:
    """Return a code's sentence in the request's language."""
    return wording(language_of(request)).sentence(code)
