"""What pages load: kept for good under its version, asked for anew under any other path. The style sheets have one type
scale, one scale of spaces, one radius, and red for what is red or overdue alone.
"""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from console.web.kit.pages import TEMPLATES
from console.web.kit.static_files import ANEW, FOR_GOOD, STATIC, Versioned, files, root
from schemas.levels import Level

SHEETS = sorted(STATIC.glob("*.css"))
DENSE = {"case.css", "queue.css"}  # the pages of an operator in a call have sizes of their own between these
SIZES = {".75", ".875", "1", "1.125", "1.375", "1.75", "2.25"}  # rem
SPACES = {4, 8, 12, 16, 24, 32}  # px
SPACE = re.compile(r"(?<![-\w])((?:margin|padding)(?:-[a-z]+)*|(?:row-|column-)?gap)\s*:\s*([^;}]+)")
LENGTH = re.compile(
    r"(?<![\w.-])-?\d*\.?\d+(?:rem|px|vw|vh|vmin|dvh)\b"
)  # em is not one: it grows with the text that it surrounds
ROOM = {  # that is no space between things
    ("case.css", "padding-bottom", "6.5rem"): "the line fixed at the bottom",
    ("quanzu.css", "gap", "4rem"): "the watermark's pattern",
    ("tasks.css", "padding-bottom", "7rem"): "the bar fixed at the bottom",
    ("tasks.css", "padding-top", "4rem"): "the notice fixed at the top",
}
LATER = {  # dense tables and screens to be read from afar, with sizes of their own
    *("alarms.css", "desk.css", "incoming.css", "map.css", "order.css", "queue.css", "release.css", "wall.css"),
    "watch.css",
}
RADII = re.compile(r"(0|50%|var\(--(round|pill)\)|calc\(var\(--round\) / 2\))( (0|var\(--round\)))*")
RED = re.compile(r"var\(--(red|red-bg|bad|alarm|on-alarm)\)")
MEANS_RED = re.compile(r"\.(red|reds|reds-list|dot|badge|alarm|late|late-word|too-late|overdue|beyond)\b")


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Mount("/static", Versioned(directory=STATIC))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        yield client


async def test_a_file_under_its_version_is_kept_for_good(browser: httpx.AsyncClient) -> None:
    for file in files():
        answer = await browser.get(f"{root()}/{file.relative_to(STATIC).as_posix()}")
        assert (answer.status_code, answer.content) == (200, file.read_bytes())
        assert answer.headers["cache-control"] == FOR_GOOD
        assert answer.headers["etag"]


async def test_scripts_and_styles_are_sent_compressed_to_who_takes_it_and_pictures_are_not(
    browser: httpx.AsyncClient,
) -> None:
    for name, encoding in (("case.js", "gzip"), ("quanzu.css", "gzip"), ("icon.svg", None)):
        answer = await browser.get(f"{root()}/{name}", headers={"accept-encoding": "gzip"})
        assert (answer.headers.get("content-encoding"), answer.content) == (encoding, (STATIC / name).read_bytes())
    zipped = await browser.get("/static/case.js", headers={"accept-encoding": "gzip"})
    assert int(zipped.headers["content-length"]) < (STATIC / "case.js").stat().st_size / 2
    plain = await browser.get("/static/case.js", headers={"accept-encoding": "identity"})
    assert zipped.headers["content-type"] == plain.headers["content-type"]
    again = await browser.get("/static/case.js", headers={"if-none-match": zipped.headers["etag"]})
    assert again.status_code == 304
    assert ("content-encoding" in plain.headers, plain.content) == (False, (STATIC / "case.js").read_bytes())


@pytest.mark.parametrize("path", ["/static/quanzu.css", "/static/v-000000000000/quanzu.css"])
async def test_by_its_plain_path_or_another_version_s_a_file_is_asked_for_anew(
    browser: httpx.AsyncClient, path: str
) -> None:
    first = await browser.get(path)
    assert (first.content, first.headers["cache-control"]) == ((STATIC / "quanzu.css").read_bytes(), ANEW)
    again = await browser.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"], again.content) == (304, ANEW, b"")


async def test_what_is_not_there_is_not_kept(browser: httpx.AsyncClient) -> None:
    for path in (root(), f"{root()}/", f"{root()}/none.css", f"{root()}{root()}/quanzu.css"):
        answer = await browser.get(path, follow_redirects=True)
        assert (answer.status_code, answer.headers.get("cache-control")) == (404, None), path


def test_every_file_that_a_page_names_is_there_and_named_with_its_version() -> None:
    told = "".join(file.read_text("utf-8") for file in TEMPLATES.glob("*.html"))
    names = re.findall(r'"\{\{ static \}\}/([^"]+)"', told)
    assert len(names) > 40
    assert [name for name in names if not (STATIC / name).is_file()] == []
    assert '"/static' not in told


def test_scripts_name_one_another_relatively_so_that_none_is_loaded_twice() -> None:
    """But for the service worker, which has a place of its own."""
    scripts = [file for file in files() if file.suffix == ".js" and file.name != "worker.js"]
    absolute = re.compile(r'(?:from|import)\s*\(?\s*"/')
    assert [file.name for file in scripts if absolute.search(file.read_text("utf-8"))] == []


def declarations(sheet: Path, name: str) -> Iterator[str]:
    """Each value of a property in a sheet."""
    return (found[1].strip() for found in re.finditer(rf"(?<![\w-]){name}: ([^;}}]+)", sheet.read_text()))


def rules(sheet: Path) -> Iterator[tuple[str, str]]:
    """Each rule's selector and declarations. Comments and the heads of @media blocks are left out."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    return ((found[1].strip(), found[2]) for found in re.finditer(r"([^{}]+)\{([^{}]*)\}", text))


def test_sizes_of_type_are_of_one_scale() -> None:
    assert len(SHEETS) >= 20
    found = {
        (sheet.name, value)
        for sheet in SHEETS
        if sheet.name not in DENSE
        for value in declarations(sheet, "font-size")
        if value.endswith("rem") and value.removesuffix("rem") not in SIZES
    }
    assert found == set()


def test_corners_have_one_radius() -> None:
    found = {
        (sheet.name, value)
        for sheet in SHEETS
        if sheet.name not in DENSE
        for value in declarations(sheet, "border-radius")
        if not RADII.fullmatch(value)
    }
    assert found == set()


def test_red_is_for_the_level_red_and_for_what_is_overdue() -> None:
    found = {
        (sheet.name, selector)
        for sheet in SHEETS
        for selector, declared in rules(sheet)
        if RED.search(declared) and selector != ":root" and not MEANS_RED.search(selector)
    }
    assert found == set()


def test_the_spaces_are_the_variables_of_one_scale() -> None:
    main = (STATIC / "quanzu.css").read_text("utf-8")
    declared = {name: int(px) for name, px in re.findall(r"--space-(\w+): (\d+)px", main)}
    assert declared == {str(px): px for px in SPACES}


def test_the_title_of_a_part_has_one_size_on_all_pages() -> None:
    """But an officer's task has the resident's name as its title."""
    found = {
        (sheet.name, selector): size[1]
        for sheet in SHEETS
        for selector, declared in rules(sheet)
        if re.search(r"(\.case|\.card|\.cards|\.waits|section|#desk)[^,]* h2$|^h2$", selector)
        and (size := re.search(r"font-size: ([^;]+)", declared))
    }
    assert found.pop(("tasks.css", "#one .card h2")) == "1.375rem"
    assert set(found.values()) == {"1.125rem"}, found
    assert {"quanzu.css", "case.css"} <= {name for name, _ in found}


def test_the_marks_of_all_levels_follow_one_rule_in_both_themes() -> None:
    """The level's colour on its tint; the theme changes the two colours and not the rule."""
    found = {
        selector: body.strip(" ;")
        for sheet in SHEETS
        for selector, body in rules(sheet)
        if re.fullmatch(r"\.level\.\w+", selector)
    }
    levels = [level.value for level in Level]
    assert found == {f".level.{level}": f"color: var(--{level}); background: var(--{level}-bg)" for level in levels}
    whole = "".join(sheet.read_text() for sheet in SHEETS)
    assert [whole.count(f".level.{level} {{") for level in levels] == [1] * len(levels)


@pytest.mark.parametrize("sheet", [sheet for sheet in SHEETS if sheet.name not in LATER], ids=lambda sheet: sheet.name)
def test_a_margin_a_padding_and_a_gap_are_of_the_scale(sheet: Path) -> None:
    found = set(off_scale(sheet))
    assert found - set(ROOM) == set()
    assert {known for known in ROOM if known[0] == sheet.name} == found, "a room that no rule needs any more"


def test_a_sheet_that_is_left_out_is_one_that_needs_it() -> None:
    assert {sheet.name for sheet in SHEETS if set(off_scale(sheet))} - {known[0] for known in ROOM} == LATER


def off_scale(sheet: Path) -> Iterator[tuple[str, str, str]]:
    """Each length of a space that is written as a number, with its sheet and property."""
    for name, value in SPACE.findall(re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)):
        yield from ((sheet.name, name, length) for length in LENGTH.findall(value))
