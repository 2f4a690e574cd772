"""Translation catalogues: English and Korean texts for the Chinese source texts."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from domain.identity import divisions

LOCALE = Path(__file__).parent / "locale"
CHINESE = "zh"

Translate = Callable[[str], str]
"""Returns the translation of a Chinese text, or the text itself if there is none."""


@lru_cache
def translate_to(language: str) -> Translate:
    """Return the function that translates Chinese labels, sentences of codes, and place names into a language; it
    returns a text without a translation as it is.

    `language`: "zh" (texts stay as they are), "en" or "ko". Raises KeyError for any other.
    """
    return read_catalogue(language, [LOCALE], place_names(language)).gettext


def place_names(language: str) -> Mapping[str, str]:
    """Return the names of places in a language, by Chinese name; empty for Chinese ("zh").

    Raises KeyError for a language other than "zh", "en" and "ko".
    """
    return {} if language == CHINESE else divisions.names(language)


def read_catalogue(language: str, folders: Iterable[Path], more: Mapping[str, str]) -> NullTranslations:
    """Return the translations in all PO files of a language in these folders, and in `more` (translations by Chinese
    text). If several have a text, the last file's translation counts.

    A folder without files of the language adds nothing. Raises OSError if a file cannot be read.
    """
    whole = Catalog(locale=language)
    for text, translated in more.items():
        whole.add(text, translated)
    for file in sorted(file for folder in folders for file in (folder / language).glob("*.po")):
        with file.open("rb") as opened:
            for message in read_po(opened):
                if message.id and message.string:
                    whole.add(message.id, message.string, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled) if len(whole) else NullTranslations()
