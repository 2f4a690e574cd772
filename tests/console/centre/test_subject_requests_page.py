"""People's requests about their own data: entered at a desk, decided by a second person, carried out, never leaked."""

import secrets
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from console.web.overview.needs import needs
from domain.desk.attention import Concern
from domain.identity.entries import merge
from domain.ids import short_hash
from quanzu import app
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from schemas.people.subject_requests import (
    Correction,
    SubjectRefusal,
    SubjectRequest,
    SubjectRequestState,
    SubjectRight,
)
from streams.messaging.reader import read_all
from streams.messaging.topics import SUBJECT_REQUESTS
from streams.operations.granted_requests import (
    RequestNotGrantedError,
    close_request,
    granted_request,
    require_granted_or_audit,
)
from streams.operations.preservation import same_people
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app

APPLICANT = "申某某"
NEW_NAME, NEW_ADDRESS = "更正某", "更正示例路三号"


def form(**fields: str) -> dict[str, str]:
    return {"form": secrets.token_hex(10), "name": APPLICANT, "proof": "in_person", **fields}


async def entered(client: Client, right: str = "see", resident: Resident | None = None, **fields: str) -> str:
    """A request is entered; its id."""
    given = form(right=right, phone=resident.phones[0].value if resident else "", **fields)
    answer = await client.post("/subject-requests", data=given)
    assert answer.status_code in (200, 303), answer.text
    return f"s{short_hash('form', given['form'], 'subject-request')}"


async def kept(console: Stage, name: str) -> SubjectRequest:
    found = await console.house.line.subject_requests.get(name)
    assert found is not None
    return found


async def decided(client: Client, name: str, how: str, **fields: str) -> int:
    return (await client.post(f"/subject-requests/{name}/{how}", data=form(**fields))).status_code


async def test_a_correction_is_entered_by_one_and_granted_by_another_and_the_register_has_it(
    console: Stage, line: Line
) -> None:
    person = await line.resident(name="原名某")
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        name = await entered(operator, "correct", person, new_name=NEW_NAME, new_address=NEW_ADDRESS)
        assert await decided(operator, name, "grant") == 403
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        for _ in range(2):
            assert await decided(second, name, "grant") in (303, 409)
        page = (await second.get(f"/subject-requests/{name}")).text
    found = await kept(console, name)
    assert (found.state, found.decided_by, found.resident) == (
        SubjectRequestState.DONE,
        second.account.login,
        person.id,
    )
    now = (await console.house.line.residents.get([person.id]))[person.id]
    assert (now.name, now.address, now.phones) == (NEW_NAME, NEW_ADDRESS, person.phones)
    assert "原**" in page
    assert "更**" in page
    for word in ("原名某", NEW_NAME, NEW_ADDRESS, APPLICANT):
        assert word not in page
    (line_of,) = await audited(console, "resident-corrected", person.id)
    assert line_of.detail == f"request {name}: name, address"


async def test_whoever_entered_a_request_neither_grants_nor_refuses_it(console: Stage, line: Line) -> None:
    person = await line.resident()
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        name = await entered(client, "see", person)
        assert await decided(client, name, "grant") == 409
        assert await decided(client, name, "refuse", why="investigation") == 409
    assert (await kept(console, name)).state is SubjectRequestState.ASKED


async def test_nobody_is_erased_with_an_open_case_and_the_refusal_has_its_code(console: Stage, line: Line) -> None:
    person = await line.resident()
    await line.signal(scam_app(line, person))
    assert (await line.case(person)).open
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        name = await entered(operator, "erase", person)
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        answer = await second.post(f"/subject-requests/{name}/grant", data=form())
        assert answer.status_code == 409
        assert "有未办结的预警" in answer.text
        assert await decided(second, name, "refuse", why="nothing of the list") == 422
        assert await decided(second, name, "refuse", why="open_case") == 303
    found = await kept(console, name)
    assert (found.state, found.refusal) == (SubjectRequestState.REFUSED, SubjectRefusal.OPEN_CASE)
    (refused,) = await audited(console, "subject-request-refused", name)
    assert refused.detail.endswith(", open_case")


async def test_an_operator_carries_out_only_what_was_granted_and_once(console: Stage, line: Line) -> None:
    person, house = await line.resident(), console.house.line
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        name = await entered(operator, "see", person)
    with pytest.raises(RequestNotGrantedError, match="is asked, not granted"):
        await granted_request(house, name, SubjectRight.SEE, person.id)
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        assert await decided(second, name, "grant") == 303
        assert "quanzu admin subject-access" in (await second.get(f"/subject-requests/{name}")).text
    with pytest.raises(RequestNotGrantedError, match="is to see the data of"):
        await granted_request(house, name, SubjectRight.ERASE, person.id)
    assert (await granted_request(house, name, SubjectRight.SEE, person.id)).id == name
    for _ in range(2):
        await close_request(house, name, "operator-of-the-system")
    assert len(await audited(console, "subject-request-done", name)) == 1
    with pytest.raises(RequestNotGrantedError, match="is done, not granted"):
        await granted_request(house, name, SubjectRight.SEE, person.id)


async def test_a_form_sent_twice_is_one_request_with_one_line_in_the_audit(console: Stage, line: Line) -> None:
    person = await line.resident()
    given = form(right="see", phone=person.phones[0].value)
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        for _ in range(2):
            assert (await operator.post("/subject-requests", data=given)).status_code == 303
    name = f"s{short_hash('form', given['form'], 'subject-request')}"
    assert len(await audited(console, "subject-request-entered", name)) == 1


async def test_a_granted_request_can_be_refused_and_then_nobody_carries_it_out(console: Stage, line: Line) -> None:
    person = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        name = await entered(operator, "erase", person)
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        assert await decided(second, name, "grant") == 303
        assert f"/subject-requests/{name}/refuse" in (await second.get(f"/subject-requests/{name}")).text
        assert await decided(second, name, "refuse", why="legal_hold") == 303
        assert f"/subject-requests/{name}/refuse" not in (await second.get(f"/subject-requests/{name}")).text
    with pytest.raises(RequestNotGrantedError, match="is refused, not granted"):
        await granted_request(console.house.line, name, SubjectRight.ERASE, person.id)


async def test_an_interrupted_correction_is_completed_by_another_supervisor_or_refused(
    console: Stage, line: Line
) -> None:
    person, residents = await line.resident(name="原名某"), console.house.line.residents
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        name = await entered(operator, "correct", person, new_name=NEW_NAME)
    interrupted = {
        "state": SubjectRequestState.GRANTED,
        "decided_by": "a-supervisor-who-left",
        "decided_at": console.house.clock.now(),
        "before": Correction(name="原名某"),
    }
    await console.house.line.subject_requests.put((await kept(console, name)).model_copy(update=interrupted))
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        await residents.put([person.model_copy(update={"name": "另改某"})])
        assert await decided(second, name, "grant") == 409
        await residents.put([person.model_copy(update={"name": NEW_NAME})])
        assert await decided(second, name, "refuse", why="not_verified") == 409  # the register has it
        await residents.put([person])
        assert await decided(second, name, "grant") == 303
    assert (await kept(console, name)).state is SubjectRequestState.DONE
    assert (await residents.get([person.id]))[person.id].name == NEW_NAME


async def test_a_request_about_an_entry_that_was_merged_is_about_the_one_it_was_merged_into(
    console: Stage, line: Line
) -> None:
    house = console.house.line
    gone, keep = await line.resident(name="原名某"), await line.resident(name="留存某")
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        corrects = await entered(operator, "correct", gone, new_name=NEW_NAME)
        sees, erases = await entered(operator, "see", gone), await entered(operator, "erase", gone)
    async with await console.signed_in(StaffRole.SUPERVISOR) as second:
        assert await decided(second, sees, "grant") == 303  # before the merge
        await house.residents.put(merge(keep, gone, console.house.clock.now()))
        assert await decided(second, corrects, "grant") == 303
        assert await decided(second, erases, "grant") == 303
    assert (await house.residents.get([keep.id]))[keep.id].name == NEW_NAME
    assert (await kept(console, erases)).resident == keep.id
    for name, right in ((sees, SubjectRight.SEE), (erases, SubjectRight.ERASE)):
        assert (await granted_request(house, name, right, keep.id)).resident == keep.id
    assert (await kept(console, sees)).resident == keep.id  # found also when the merged entry is erased
    assert await same_people(house, {gone.id}) == {gone.id, keep.id}


@pytest.mark.parametrize("options", [[], ["--request", f"s{'0' * 20}", "--without-request"]])
@pytest.mark.parametrize("command", [["erase", "--yes"], ["subject-access", "--out", "never-written.zip"]])
async def test_a_command_wants_a_request_or_that_it_is_said_that_there_is_none(
    command: list[str], options: list[str]
) -> None:
    told = CliRunner().invoke(app, ["admin", *command, f"r{'a' * 16}", "--by", "me", "--reason", "a test", *options])
    assert told.exit_code == 2, told.output
    assert "--without-request" in told.output


async def test_who_acts_without_a_request_is_in_the_audit(console: Stage, line: Line) -> None:
    person = await line.resident()
    await require_granted_or_audit(
        console.house.line, None, SubjectRight.ERASE, person.id, "operator-1", "a court's order"
    )
    (alone,) = await audited(console, "subject-request-none", person.id)
    assert (alone.by, alone.detail, alone.reason) == ("operator-1", "erase", "a court's order")


async def test_a_late_request_needs_the_supervisor_of_its_area_alone(console: Stage, line: Line) -> None:
    person = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        name = await entered(operator, "see", person)
    late = {"due": console.house.clock.now() - timedelta(hours=1)}
    await console.house.line.subject_requests.put((await kept(console, name)).model_copy(update=late))
    for area, wanted in (("2201", [name]), ("2202", [])):
        async with await console.signed_in(StaffRole.SUPERVISOR, area) as client:
            who = await console.services.sessions.find(client.token)
            assert who is not None
            found = await needs(console.services, who, [], {}, console.house.clock.now())
            mine = [each.about for each in found.shown if each.topic is Concern.SUBJECT_REQUEST]
            assert [each.id for each in mine if isinstance(each, SubjectRequest)] == wanted
            assert ((await client.get(f"/subject-requests/{name}")).status_code == 200) is bool(wanted)
            assert ("已超期" in (await client.get("/subject-requests")).text) is bool(wanted)
            if wanted:
                assert "个人信息请求超期" in (await client.get("/desk")).text


async def test_a_form_that_says_too_little_is_shown_again_with_what_was_typed(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        for wrong in (
            form(right="correct"),  # nothing to correct
            form(right="correct", new_birth_year="19x0"),
            form(right="see", phone="12"),
            form(right="everything"),
            form(right="see", proof="a friend said so"),
        ):
            answer = await operator.post("/subject-requests", data=wrong)
            assert answer.status_code == 422, wrong
            assert APPLICANT in answer.text


async def test_a_request_outlives_redis_and_names_nobody_in_the_audit_or_in_an_address(
    console: Stage, line: Line
) -> None:
    person, house = await line.resident(), console.house.line
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        name = await entered(operator, "see", person, note="请寄到家里")
    before = await kept(console, name)
    await house.redis.delete(SUBJECT_REQUESTS.name)
    assert await house.subject_requests.get(name) is None
    await house.subject_requests.restore()
    assert await kept(console, name) == before
    numbers = [holding.value for holding in (*person.phones, *person.accounts)]
    for entry in await audited(console, on=name):
        assert not [word for word in (APPLICANT, "寄到家里", *numbers) if word in entry.model_dump_json()]
    values = [record.value or b"" async for record in read_all(console.house.settings, SUBJECT_REQUESTS.name)]
    assert not [value for value in values for number in numbers if number.encode() in value]
