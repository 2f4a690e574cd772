"""Write the labels of docs/glossary.md, as the console shows them: `python -m tests.documents.glossary`."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from console.web.kit.i18n import translations
from domain.wording import labels, money_labels, people_labels

PAGE = Path(__file__).parents[2] / "docs/glossary.md"
HEADING = "## Labels on the screen\n"
TABLES = {**vars(labels), **vars(money_labels), **vars(people_labels)}
HEAD = """Made by `python -m tests.documents.glossary` from `labels.py`, `money_labels.py` and `people_labels.py` in
`domain/wording/` (Chinese) and the catalogues under `console/web/locale/` (English, Korean). A test compares.
"""


def page() -> str:
    """Return the whole page, with the labels as the code has them now."""
    written = PAGE.read_text("utf-8").partition(HEADING)[0]
    return written + HEADING + HEAD + "".join(_tables())


def _tables() -> Iterator[str]:
    for name, table in TABLES.items():
        if name.isupper() and isinstance(table, Mapping) and all(isinstance(each, StrEnum) for each in table):
            yield from _table(name, table)


def _table(name: str, table: Mapping[StrEnum, str]) -> Iterator[str]:
    kind = type(next(iter(table)))
    yield f"\n### {kind.__name__}{_more(name, kind)}\n`{_path(kind)}`\n\n"
    yield "| value | English | 中文 | 한국어 |\n|---|---|---|---|\n"
    for member, text in table.items():
        yield f"| `{member.value}` | {_said('en', text)} | {text} | {_said('ko', text)} |\n"


def _more(name: str, kind: type[StrEnum]) -> str:
    """Tell two tables of one enum apart."""
    same = [each for each, table in TABLES.items() if each.isupper() and _is_of(table, kind)]
    return f" ({name.lower().replace('_', ' ')})" if len(same) > 1 else ""


def _is_of(table: object, kind: type[StrEnum]) -> bool:
    return isinstance(table, Mapping) and all(type(each) is kind for each in table)


def _path(kind: type[StrEnum]) -> str:
    return kind.__module__.replace(".", "/") + ".py"


def _said(language: str, text: str) -> str:
    return str(translations(language).gettext(text))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
