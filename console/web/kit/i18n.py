"""The console's languages. The templates are in Chinese; the catalogues have them in English and Korean."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from babel.support import NullTranslations
from fastapi import Request

from domain.wording import catalogue

LOCALE = Path(__file__).parents[1] / "locale"
LANGUAGES = {"zh": "中文", "en": "English", "ko": "한국어"}
COOKIE = "lang"


def language_of(request: Request) -> str:
    """What the person chose; else the first that the browser asks for and we have; else Chinese."""
    chosen = request.cookies.get(COOKIE)
    asked = [part.split(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")]
    return next((each for each in [chosen, *asked] if each in LANGUAGES), "zh")


@lru_cache
def translations(language: str) -> NullTranslations:
    """All catalogues of a language, read once: a file for each part of the console, labels, codes and places."""
    return catalogue.read_catalogue(language, [catalogue.LOCALE, LOCALE], catalogue.place_names(language))


def translate(request: Request, text: str) -> str:
    """A Chinese text of ours in the request's language."""
    return str(translations(language_of(request)).gettext(text))


def place(names: str, translate: Callable[[str], str]) -> str:
    """Names of places, one in the other, with a blank between them; a street has its Chinese name alone."""
    return " ".join(translate(name) for name in names.split())
