"""The console's languages. The templates are in Chinese; the catalogues have them in English and Korean."""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from fastapi import Request

from domain.identity import divisions

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
    """All catalogues of a language, read once: a file for each part of the console, and what places are called."""
    whole = Catalog(locale=language)
    for name, told in (divisions.names(language) if language != "zh" else {}).items():
        whole.add(name, told)
    for file in sorted((LOCALE / language).glob("*.po")):
        with file.open("rb") as opened:
            for message in read_po(opened):
                if message.id and message.string:
                    whole.add(message.id, message.string, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled) if len(whole) else NullTranslations()


def translate(request: Request, text: str) -> str:
    """A Chinese text of ours in the request's language."""
    return str(translations(language_of(request)).gettext(text))


def place(names: str, translate: Callable[[str], str]) -> str:
    """Names of places, one in the other, with a blank between them; a street has its Chinese name alone."""
    return " ".join(translate(name) for name in names.split())
