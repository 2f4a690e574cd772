"""A telephone that several residents use: forms ask which person is meant, and the second person sees whom it names."""

import secrets
from datetime import timedelta

import pytest

from domain.calendar import local_date
from domain.ids import short_hash
from schemas.people.residents import Holding, Resident
from schemas.people.staff import StaffRole
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.rig import Line

NAMES, YEARS = ("祖辈某", "孙辈某"), (1949, 1991)
MASKED = ("祖** · 1949 年出生", "孙** · 1991 年出生")


async def family(line: Line, division: str = "220104") -> list[Resident]:
    """Two residents with one telephone; the first is its primary holder, the second lives in `division`."""
    phone, places = line.phone(), ("220104", division)
    return [
        await line.resident(
            name=name,
            birth_year=year,
            division=place,
            phones=[Holding(value=phone, shared=True, primary=number == 0)],
        )
        for number, (name, year, place) in enumerate(zip(NAMES, YEARS, places, strict=True))
    ]


def forms(console: Stage, phone: str) -> dict[str, dict[str, str]]:
    """The fields of each form that finds a resident by telephone, by the form's path."""
    until = local_date(console.house.clock.now() + timedelta(days=30)).isoformat()
    return {
        "/subject-requests": {"phone": phone, "right": "erase", "proof": "in_person", "name": NAMES[1]},
        "/legal-holds": {"phone": phone, "ordered_by": "court", "number": "2026-7", "until": until},
        "/complaints": {"phone": phone, "kind": "too_often", "text": "the words of a complaint"},
    }


async def resident_of(console: Stage, path: str, form: str) -> str | None:
    """Whom the record that the form made is about."""
    line = console.house.line
    if path == "/subject-requests":
        request = await line.subject_requests.get(f"s{short_hash('form', form, 'subject-request')}")
        return request.resident if request else None
    if path == "/legal-holds":
        hold = await line.legal_holds.get(f"l{short_hash('form', form, 'legal-hold')}")
        return hold.resident if hold else None
    complaint = await line.complaints.get(f"k{short_hash('form', form, 'complaint')}")
    return complaint.resident if complaint else None


@pytest.mark.parametrize("path", ["/subject-requests", "/legal-holds", "/complaints"])
async def test_of_several_who_use_a_telephone_the_form_asks_which_one_is_meant(
    console: Stage, line: Line, path: str
) -> None:
    people = await family(line)
    elsewhere = await line.resident()
    given = forms(console, people[0].phones[0].value)[path] | {"form": secrets.token_hex(10)}
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        for resident in ("", elsewhere.id):
            answer = await client.post(path, data=given | {"resident": resident})
            assert answer.status_code == 422
            assert "这个电话不止一人使用" in answer.text
            assert all(f'value="{person.id}"' in answer.text for person in people)
            assert all(masked in answer.text for masked in MASKED)
            assert not [name for name in NAMES if name in answer.text.replace(f'value="{given.get("name")}"', "")]
        assert await resident_of(console, path, given["form"]) is None
        assert (await client.post(path, data=given | {"resident": people[1].id})).status_code == 303
    assert await resident_of(console, path, given["form"]) == people[1].id


async def test_the_second_person_sees_the_name_and_year_of_whom_a_request_or_an_order_is_about(
    console: Stage, line: Line
) -> None:
    people = await family(line)
    fields = forms(console, people[0].phones[0].value)
    made = {path: given | {"form": secrets.token_hex(10), "resident": people[1].id} for path, given in fields.items()}
    async with await console.signed_in(StaffRole.SUPERVISOR) as first:
        for path in ("/subject-requests", "/legal-holds"):
            assert (await first.post(path, data=made[path])).status_code == 303
    request = f"s{short_hash('form', made['/subject-requests']['form'], 'subject-request')}"
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        for path in (f"/subject-requests/{request}", "/legal-holds"):
            page = (await second.get(path)).text
            assert MASKED[1] in page
            assert MASKED[0] not in page
            assert NAMES[1] not in page


async def test_an_order_offers_only_holders_of_the_area(console: Stage, line: Line) -> None:
    people = await family(line, "220281")
    given = forms(console, people[0].phones[0].value)["/legal-holds"] | {"form": secrets.token_hex(10)}
    async with await console.signed_in(StaffRole.SUPERVISOR, "2202") as client:
        assert (await client.post("/legal-holds", data=given)).status_code == 303
    assert await resident_of(console, "/legal-holds", given["form"]) == people[1].id
