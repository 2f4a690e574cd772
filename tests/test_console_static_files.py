"""What pages load: kept for good under its version, asked for anew under any other path."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from console.web.kit.pages import TEMPLATES
from console.web.kit.static_files import ANEW, FOR_GOOD, STATIC, Versioned, files, root


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
