"""The audit's filter by time: one form of it in every language, and people by their names."""

import re

import pytest

from console.web.auth.guests import guests
from console.web.auth.words import ROLES
from console.web.kit.pages import TEMPLATES, environment, marked
from schemas.people.staff import StaffRole
from tests.console.harness.stage import Client, Stage

FORM = {"zh": "时间写成 YYYY-MM-DD HH:MM", "en": "Write times as YYYY-MM-DD HH:MM", "ko": "시각은 YYYY-MM-DD HH:MM"}

HINTS = {
    "zh": "年-月-日 时:分，如 2026-03-02 09:30",
    "en": "Year-month-day hour:minute, such as 2026-03-02 09:30",
    "ko": "년-월-일 시:분, 례: 2026-03-02 09:30",
}


async def entries(client: Client, **asked: str) -> int:
    """How many of the auditor's own lines a filter finds."""
    answer = await client.post("/audit", data={"by": client.account.login, **asked})
    assert answer.status_code == 200, answer.text
    return answer.text.count(f"<code>{client.account.login}</code>")


async def test_the_form_of_a_time_is_the_same_in_every_language(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        for language, words in FORM.items():
            page = (await client.get("/audit", headers={"accept-language": language})).text
            assert words in page
            for name in ("since", "until"):
                field = re.search(rf'<input id="{name}"[^>]*>', page)
                assert field is not None
                assert 'placeholder="YYYY-MM-DD HH:MM"' in field[0]
                assert 'aria-describedby="moment-form"' in field[0]


def test_no_page_has_a_browser_s_own_field_of_a_time_which_follows_the_computer_s_language() -> None:
    for file in TEMPLATES.glob("*.html"):
        assert not re.search(r"""(type|kind)=["'](datetime-local|date|time|month|week)["']""", file.read_text()), file


def test_a_time_is_typed_in_one_form_in_every_language() -> None:
    for language, words in HINTS.items():
        parts = environment(language).get_template("parts.html").module
        field = str(parts.moment("when", "when", "words", "2026-03-02T09:30"))  # type: ignore[attr-defined]  # a macro
        assert 'placeholder="YYYY-MM-DD HH:MM"' in field
        assert 'value="2026-03-02 09:30"' in field
        assert f'title="{words}"' in field
        (pattern,) = re.findall(r'pattern="([^"]+)"', field)
        assert re.fullmatch(pattern, "2026-03-02 09:30")
        assert not re.fullmatch(pattern, "03/02/2026 09:30")


async def test_a_day_alone_is_the_whole_day(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        at = console.house.clock.now()
        await client.post("/audit", data={"by": client.account.login})  # a look that the audit has
        day = f"{at.astimezone(console.house.clock.now().tzinfo):%Y-%m-%d}"
        assert await entries(client, since="2020-01-01", until="2020-01-02") == 0
        assert await entries(client, since="2020-01-01 00:00", until=f"{int(day[:4]) + 1}-01-01") > 0
        assert await entries(client, since=f"{int(day[:4]) + 1}-01-01") == 0


@pytest.mark.parametrize("wrong", ["03/02/2026", "yesterday", "2026-13-01", "9999-12-31"])
async def test_another_form_is_refused_with_the_form_to_use(console: Stage, wrong: str) -> None:
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        answer = await client.post("/audit", data={"until": wrong}, headers={"accept-language": "en"})
    assert answer.status_code == 422
    assert "2026-03-02 09:30" in answer.text


async def test_the_name_of_no_guest_is_a_role_and_the_header_has_the_role_in_the_page_s_language(
    console: Stage,
) -> None:
    people = [each for each in guests(console.house.clock.now(), "o-1") if each.account.role is not StaffRole.DISPLAY]
    assert [each for each in people if any(role in each.account.name for role in ROLES.values())] == []
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        for language, role in (("zh", "审计员"), ("en", "Auditor"), ("ko", "감사자")):
            page = (await client.get("/audit", headers={"accept-language": language})).text
            told = page.partition('<span class="name" title="')[2].partition('"')[0]
            assert told == f"{role} {client.account.name}"
            name = marked(client.account.name, language)
            assert f'<span class="role">{role}</span> {name}</span>' in page
