"""A telephone that several residents use: forms ask which person is meant, and the second person sees whom it names."""

import secrets
from datetime import timedelta

import pytest

from domain.calendar import local_date
from domain.ids import short_hash
from schemas.people.residents import Flag, Holding, Resident
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


@pytest.mark.parametrize("path", ["/subject-requests", "/legal-holds"])
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


@pytest.mark.parametrize("role", [StaffRole.OPERATOR, StaffRole.SUPERVISOR])
async def test_a_complaint_is_answered_alike_whether_and_where_the_register_has_the_telephone(
    console: Stage, line: Line, role: StaffRole
) -> None:
    here, elsewhere, people = await line.resident(), await line.resident(division="222401"), await family(line)
    unknown = line.phone()
    known = [each.phones[0].value for each in (here, elsewhere, people[0])]
    answers = set()
    async with await console.signed_in(role) as client:
        for phone in (unknown, *known, ""):
            given = forms(console, phone)["/complaints"] | {"form": secrets.token_hex(10)}
            answer = await client.post("/complaints", data=given)
            name = f"k{short_hash('form', given['form'], 'complaint')}"
            shown = answer.text.partition("<main")[2].partition("</main>")[0]
            assert name[:9] in shown
            answers.add((answer.status_code, shown.replace(name[:9], "NUMBER")))
            assert (await console.house.line.complaints.get(name)) is not None
            if role is StaffRole.OPERATOR:  # its page would tell
                assert (await client.get(f"/complaints/{name}")).status_code == 404
    assert len(answers) == 1


async def test_who_decides_a_complaint_says_which_holder_of_the_telephone_it_is_about(
    console: Stage, line: Line
) -> None:
    people = await family(line)
    given = forms(console, people[0].phones[0].value)["/complaints"] | {"form": secrets.token_hex(10)}
    name = f"k{short_hash('form', given['form'], 'complaint')}"
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        assert (await client.post("/complaints", data=given)).status_code == 200
        page = (await client.get(f"/complaints/{name}")).text
        assert all(masked in page for masked in MASKED)
        act = {"seen": "1", "deed": "no_calls"}
        answer = await client.post(f"/complaints/{name}/follow", data=act | {"form": secrets.token_hex(10)})
        assert (answer.status_code, "请选择是哪一位" in answer.text) == (422, True)
        act |= {"form": secrets.token_hex(10), "resident": people[1].id}
        assert (await client.post(f"/complaints/{name}/follow", data=act)).status_code == 303
        assert MASKED[0] not in (await client.get(f"/complaints/{name}")).text
    assert await resident_of(console, "/complaints", given["form"]) == people[1].id
    found = await console.house.line.residents.get([each.id for each in people])
    assert [Flag.OBJECTS_TO_CALLS in found[each.id].flags for each in people] == [False, True]


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
