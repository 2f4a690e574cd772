"""A supervisor hands a person's data over at the browser: on a desk and on a telephone, in three languages."""

import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect

from schemas.people.staff import StaffRole
from streams.operations.subject_access import packed
from tests.browser.people import DESKTOP, PHONE, People
from tests.console.centre.test_subject_file import granted
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.rig import Line


@pytest.mark.parametrize(
    ("language", "button", "until"),
    [
        ("zh-CN", "下载文件（ZIP）", "文件已生成，保留至："),
        ("en", "Download the file (ZIP)", "The file is ready, and is kept until: "),
        ("ko", "파일 다운로드(ZIP)", "파일이 만들어졌습니다. 보관 기한: "),
    ],
)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "telephone"])
async def test_the_copy_is_downloaded_by_the_keyboard_alone_and_nothing_of_it_is_in_an_address(
    console: Stage,
    line: Line,
    people: People,
    tmp_path: Path,
    size: dict[str, int],
    language: str,
    button: str,
    until: str,
) -> None:
    person = await line.resident(name="查某某")
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        name = await granted(console, second, person)
    await console.house.line.subject_files.put(name, person.id, packed({}, {"resident": person.id}))
    page = await people.page(StaffRole.SUPERVISOR, language=language, size=size)
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await page.goto(f"/subject-requests/{name}")
    await expect(page.get_by_text(until)).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await people.shot(page, f"subject-file-{language}-{size['width']}")
    async with page.expect_download() as started:
        await page.get_by_role("button", name=button).press("Enter")
    file = tmp_path / "copy.zip"
    await (await started.value).save_as(file)
    with zipfile.ZipFile(file) as archive:
        assert set(archive.namelist()) == {"manifest.json", "handed-over.json"}
    assert not [each for each in addresses if person.id in each or "?" in each.partition("/subject-requests")[2]]
    await page.reload()
    await expect(page.get_by_role("button", name=button)).to_be_visible()
