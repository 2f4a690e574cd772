"""Every text of ours is there in all languages."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from console.web import navigation
from console.web.i18n import LANGUAGES, LOCALE, translations

WEB = LOCALE.parent
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"templates/**.html": {"trimmed": "true"}, "**.py": {"encoding": "utf-8"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "translate": (2,), "N_": None}
OTHERS = [language for language in LANGUAGES if language != "zh"]


def texts() -> Iterator[tuple[str, str]]:
    """Each text, and where it stands."""
    for name, line, message, _, _ in extract_from_dir(WEB, METHODS, OPTIONS, KEYWORDS):
        for text in message if isinstance(message, tuple) else (message,):
            yield text, f"{name}:{line}"
    for item in navigation.ITEMS:
        yield item.words, "navigation.py"


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    known = translations(language)
    missing = {text: where for text, where in texts() if known.gettext(text) == text and not text.isascii()}
    assert missing == {}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_same_places_to_fill_in(language: str) -> None:
    for file in sorted((LOCALE / language).glob("*.po")):
        with file.open("rb") as opened:
            for message in read_po(opened):
                if isinstance(message.id, str) and isinstance(message.string, str) and message.id:
                    assert places(message.string) == places(message.id), f"{file.name}: {message.id}"


def places(text: str) -> set[str]:
    """What a text is filled in with, as %(name)s or {name}."""
    percent = {part.split(")")[0] for part in text.split("%(")[1:]}
    try:
        braces = {name for _, name, _, _ in Formatter().parse(text) if name}
    except ValueError:  # a lone brace is a brace
        braces = set()
    return percent | braces


def test_no_template_says_anything_that_is_not_translated() -> None:
    """Chinese outside of a comment, a translation or an attribute's translation would be Chinese in every language."""
    extracted = {text for text, _ in texts()}
    for file in sorted(Path(WEB / "templates").glob("**/*.html")):
        rest = _filled_in(_without_comments(file.read_text(encoding="utf-8")))
        for text in sorted(extracted, key=len, reverse=True):
            rest = rest.replace(text, "")
        left = [line.strip() for line in rest.splitlines() if any("一" <= sign <= "鿿" for sign in line)]
        assert [line for line in left if "劝阻" not in line] == [], file.name


def _filled_in(text: str) -> str:
    """What stands in a trans block as its text has it: {{ n }} is %(n)s, and blanks are one."""
    return re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", text)


def _without_comments(text: str) -> str:
    while (begin := text.find("{#")) >= 0:
        text = text[:begin] + text[text.index("#}", begin) + 2 :]
    return text
