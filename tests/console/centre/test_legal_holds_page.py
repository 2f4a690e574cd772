"""An order to keep a person's data: two persons begin and lift it, it stops an erasure, and copies stay."""

import secrets
from datetime import timedelta

from domain.calendar import local_date
from domain.desk.legal_holds import protected
from domain.identity.entries import merge
from domain.ids import short_hash
from schemas.people.legal_holds import LegalHold, LegalHoldState
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from schemas.people.subject_requests import SubjectRequestState
from streams.messaging.topics import LEGAL_HOLDS
from streams.operations.preservation import preserve_records
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app
from tests.preserved import preserved_of


def form(**fields: str) -> dict[str, str]:
    return {"form": secrets.token_hex(10), **fields}


def ordered(console: Stage, person: Resident, days: int = 30) -> dict[str, str]:
    until = local_date(console.house.clock.now() + timedelta(days=days)).isoformat()
    return form(phone=person.phones[0].value, ordered_by="prosecutor", number="2026-17", until=until)


async def entered(client: Client, given: dict[str, str]) -> str:
    answer = await client.post("/legal-holds", data=given)
    assert answer.status_code == 303, answer.text
    return f"l{short_hash('form', given['form'], 'legal-hold')}"


async def did(client: Client, name: str, act: str) -> int:
    return (await client.post(f"/legal-holds/{name}/{act}", data=form())).status_code


async def kept(console: Stage, name: str) -> LegalHold:
    found = await console.house.line.legal_holds.get(name)
    assert found is not None
    return found


async def in_force(console: Stage, person: Resident) -> bool:
    holds = await console.house.line.legal_holds.all()
    return protected(holds, [person.id], console.house.clock.now()) is not None


async def test_an_order_begins_and_ends_early_by_two_persons_and_stops_an_erasure_meanwhile(
    console: Stage, line: Line
) -> None:
    person = await line.resident()
    async with (
        await console.signed_in(StaffRole.SUPERVISOR) as first,
        await console.signed_in(StaffRole.SUPERVISOR) as second,
    ):
        asked = form(right="erase", proof="station", name="某人", phone=person.phones[0].value)
        assert (await first.post("/subject-requests", data=asked)).status_code == 303
        request = f"s{short_hash('form', asked['form'], 'subject-request')}"
        name = await entered(first, ordered(console, person))
        assert not await in_force(console, person)
        assert await did(first, name, "confirm") == 409
        assert await did(second, name, "confirm") == 303
        assert await in_force(console, person)
        answer = await second.post(f"/subject-requests/{request}/grant", data=form())
        assert answer.status_code == 409
        assert "要求保留此人的数据" in answer.text
        assert await did(second, name, "ask-lift") == 303
        assert await did(second, name, "lift") == 409
        assert await in_force(console, person)
        assert await did(first, name, "keep") == 303
        assert await did(first, name, "ask-lift") == 303
        assert await did(second, name, "lift") == 303
        assert not await in_force(console, person)
        assert (await second.post(f"/subject-requests/{request}/grant", data=form())).status_code == 303
    assert (await kept(console, name)).state is LegalHoldState.LIFTED
    granted = await console.house.line.subject_requests.get(request)
    assert granted is not None
    assert granted.state is SubjectRequestState.GRANTED
    acts = [entry.act for entry in await audited(console, on=name)]
    steps = ("entered", "confirmed", "lift-asked", "lift-refused", "lift-asked", "lifted")
    assert acts == [f"legal-hold-{step}" for step in steps]


async def test_an_order_that_names_a_merged_entry_stops_the_erasure_of_the_one_that_stands(
    console: Stage, line: Line
) -> None:
    person, gone, farther = await line.resident(), await line.resident(), await line.resident()
    async with (
        await console.signed_in(StaffRole.SUPERVISOR) as first,
        await console.signed_in(StaffRole.SUPERVISOR) as second,
    ):
        asked = form(right="erase", proof="station", name="某人", phone=person.phones[0].value)
        assert (await first.post("/subject-requests", data=asked)).status_code == 303
        request = f"s{short_hash('form', asked['form'], 'subject-request')}"
        name = await entered(first, ordered(console, farther))
        assert await did(second, name, "confirm") == 303
        keep, signpost = merge(gone, farther, console.house.clock.now())
        await console.house.line.residents.put([signpost, *merge(person, keep, console.house.clock.now())])
        answer = await second.post(f"/subject-requests/{request}/grant", data=form())
        assert answer.status_code == 409
        assert "要求保留此人的数据" in answer.text
        assert await did(second, name, "ask-lift") == 303
        assert await did(first, name, "lift") == 303
        assert (await second.post(f"/subject-requests/{request}/grant", data=form())).status_code == 303


async def test_what_there_is_about_the_person_is_copied_once_and_deleted_when_the_order_has_ended(
    console: Stage, line: Line
) -> None:
    person, other, house = await line.resident(), await line.resident(), console.house.line
    await line.signal(scam_app(line, person), scam_app(line, other))
    async with (
        await console.signed_in(StaffRole.SUPERVISOR) as first,
        await console.signed_in(StaffRole.SUPERVISOR) as second,
    ):
        name = await entered(first, ordered(console, person))
        assert (await preserve_records(house, "operator-1")).people == 0  # nobody has confirmed it
        assert await did(second, name, "confirm") == 303
        told = await preserve_records(house, "operator-1")
        assert (told.people, told.dropped, told.unknown) == (1, 0, 0)
        copies = [each async for each in preserved_of(house, person.id)]
        assert len(copies) == told.copied
        assert {"residents", "case-inputs", "case-events"} <= {each.topic for each in copies}
        assert {each.topic for each in copies} & {"signals", "signals-urgent"}
        assert not [each async for each in preserved_of(house, other.id)]
        assert (await preserve_records(house, "operator-1")).copied == 0
        assert await did(first, name, "ask-lift") == 303
        assert await did(second, name, "lift") == 303
    assert (await preserve_records(house, "operator-1")).dropped == told.copied
    assert not [each async for each in preserved_of(house, person.id)]
    assert await audited(console, "data-preserved", LEGAL_HOLDS.name, "operator-1")


async def test_an_order_needs_a_resident_a_number_and_an_end_within_two_years_and_outlives_redis(
    console: Stage, line: Line
) -> None:
    person, house = await line.resident(), console.house.line
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        right = ordered(console, person)
        for wrong in (
            {"phone": line.phone()},
            {"phone": ""},
            {"number": ""},
            {"ordered_by": "a friend"},
            {"until": "someday"},
            {"until": local_date(console.house.clock.now() - timedelta(days=2)).isoformat()},
            {"until": local_date(console.house.clock.now() + timedelta(days=800)).isoformat()},
        ):
            assert (await client.post("/legal-holds", data={**right, **wrong})).status_code == 422, wrong
        name = await entered(client, right)
        assert "2026-17" in (await client.get("/legal-holds")).text
    before = await kept(console, name)
    await house.redis.delete(LEGAL_HOLDS.name)
    assert await house.legal_holds.get(name) is None
    await house.legal_holds.restore()
    assert await kept(console, name) == before
    async with await console.signed_in(StaffRole.SUPERVISOR, "2202") as elsewhere:
        assert await did(elsewhere, name, "confirm") == 404
        assert "2026-17" not in (await elsewhere.get("/legal-holds")).text
