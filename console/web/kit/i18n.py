"""The console's languages. Templates are in Chinese; catalogues translate them into English and Korean."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from babel.support import NullTranslations
from fastapi import Request

from domain.wording import catalogue

LOCALE = Path(__file__).parents[1] / "locale"
LANGUAGES = {"zh": "中文", "en": "English", "ko": "한국어"}
COOKIE = "__Host-quanzu-language"
STATION = "派出所"
KINDS = ("街道", "镇", "乡", "区", "县", "市")  # of the places that stations are named after
_KIND = re.compile(" [A-Z][a-z]+$|(?:가두|진|향|구|현|시)$")  # the same in a translated name


def language_of(request: Request) -> str:
    """Return the request's language code: the cookie's, else the first known one in Accept-Language, else "zh"."""
    chosen = request.cookies.get(COOKIE)
    asked = [part.split(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")]
    return next((each for each in [chosen, *asked] if each in LANGUAGES), "zh")


@lru_cache
def translations(language: str) -> NullTranslations:
    """Return the merged catalogues of a language ("zh", "en" or "ko"): the console's texts, labels, codes and place
    names. Read once per language. Raises KeyError for another language.
    """
    return catalogue.read_catalogue(language, [catalogue.LOCALE, LOCALE], catalogue.place_names(language))


def translate(request: Request, text: str) -> str:
    """Return a Chinese text in the request's language; unchanged if there is no translation."""
    return str(translations(language_of(request)).gettext(text))


def place(names: str, translate: Callable[[str], str]) -> str:
    """Return nested place names (separated by blanks) translated. A police station is translated by the place in its
    name. A name that repeats the one before it, as some streets' do (铁东区 四平市铁东区七马路街道), is shortened.
    """
    told: list[str] = []
    for name in names.split():
        words = _station(name, translate) if name.endswith(STATION) else translate(name)
        told.append(words.rpartition(told[-1])[2].strip() or words if told else words)
    return " ".join(told)


def _station(name: str, translate: Callable[[str], str]) -> str:
    """Return a station's name translated; unchanged if it contains no known place."""
    stem = name.removesuffix(STATION)
    for kind in ("", *KINDS):
        told = translate(stem + kind)
        if told != stem + kind:
            return translate("%(place)s派出所") % {"place": _KIND.sub("", told) if kind else told}
    return name
