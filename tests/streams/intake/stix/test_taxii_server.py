"""The TAXII server: who reads what, page by page, and how every other request is refused."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stix2
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

from domain.risk.sharing import LEVELS
from domain.stix.objects import MARKINGS, SHARED_FOR, identity_id
from schemas.risk.sharing import Tlp
from streams.intake.settings import sharing_with
from streams.intake.taxii.collection import MOST_IN_PAGE, collection_id
from streams.intake.taxii.server import sharing
from streams.repositories.shared_suspects import SharedSuspects, SuspectsByTime
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings, SettingsError
from tests.streams.intake.stix.taxii_line import CENTRE, NOW, ROOT, given, listed, reader, serving_suspects, suspect

HERE = f"{ROOT}collections/{collection_id(CENTRE)}/"
STANDING = 4  # the centre and the three marks


async def objects(client: httpx.AsyncClient, **query: object) -> dict[str, Any]:
    answer = await client.get(f"{HERE}objects/", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/taxii+json;version=2.1"
    found: dict[str, Any] = answer.json()
    return found


def indicators(found: dict[str, Any]) -> list[str]:
    return [each["pattern"][-5:-2] for each in found.get("objects", ()) if each["type"] == "indicator"]


async def test_a_client_of_oasis_finds_the_collection_and_reads_it_whole() -> None:
    """taxii2-client pages through the objects, and stix2 parses each."""
    suspects = [suspect(number, (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)[number % 3]) for number in range(25)]

    def read(address: str) -> list[dict[str, Any]]:
        login = {"user": "liaoning", "password": "key of liaoning"}
        server = Server(f"{address}/taxii2/", **login)
        assert server.title == CENTRE
        root: ApiRoot = server.default
        (collection,) = root.collections
        assert (collection.can_read, collection.can_write) == (True, False)
        pages = as_pages(Collection(collection.url, **login).get_objects, per_request=7)
        return [each for page in pages for each in page.get("objects", ())]

    async with serving_suspects(suspects) as address:
        found = await asyncio.to_thread(read, address)
    parsed = [stix2.parse(each) for each in found]
    assert len({each.id for each in parsed}) == len(parsed) == 25 + STANDING
    told = [each for each in parsed if each.type == "indicator"]
    assert {each.created_by_ref for each in told} == {identity_id(CENTRE)}
    assert {each.object_marking_refs[0] for each in told} == {MARKINGS[tlp] for tlp in LEVELS}
    assert all(each.valid_until > NOW for each in told)


@pytest.mark.parametrize(("source", "numbers"), [("liaoning", ["001", "002", "003"]), ("heilongjiang", ["001", "002"])])
async def test_a_centre_reads_what_is_marked_up_to_its_level(source: str, numbers: list[str]) -> None:
    suspects = [suspect(1, Tlp.CLEAR), suspect(2, Tlp.GREEN), suspect(3, Tlp.AMBER)]
    async with serving_suspects(suspects) as address, reader(address, source) as client:
        assert indicators(await objects(client)) == numbers
        manifest = (await client.get(f"{HERE}manifest/")).json()
        assert len(manifest["objects"]) == len(numbers) + STANDING
        assert {each["media_type"] for each in manifest["objects"]} == {"application/stix+json;version=2.1"}


async def test_added_after_limit_and_next_lead_through_everything_once() -> None:
    async with serving_suspects([suspect(number) for number in range(10)]) as address, reader(address) as client:
        first = await objects(client, limit=STANDING + 3)
        assert first["more"]
        rest = await objects(client, limit=100, next=first["next"])
        assert not rest["more"]
        assert indicators(first) + indicators(rest) == [f"{number:03}" for number in range(10)]
        answer = await client.get(f"{HERE}objects/", params={"limit": "6"})
        last = answer.headers["x-taxii-date-added-last"]
        assert indicators(await objects(client, added_after=last)) == [f"{number:03}" for number in range(2, 10)]
        end = (await client.get(f"{HERE}objects/")).headers["x-taxii-date-added-last"]
        assert await objects(client, added_after=end) == {}


async def test_a_new_version_takes_the_place_of_the_former_one_and_comes_after_all_others() -> None:
    suspects = [suspect(1), suspect(2), suspect(1, revoked=True)]
    async with serving_suspects(suspects) as address, reader(address) as client:
        found = await objects(client)
        assert indicators(found) == ["002", "001"]
        assert found["objects"][-1]["revoked"] is True


async def test_an_object_that_is_no_longer_valid_is_not_told() -> None:
    old = suspect(1, days_ago=SHARED_FOR.days + 1)
    async with serving_suspects([old, suspect(2)]) as address, reader(address) as client:
        assert indicators(await objects(client)) == ["002"]


async def test_one_object_and_its_versions_are_found_by_its_id_if_the_centre_may_read_it() -> None:
    async with serving_suspects([suspect(1, Tlp.AMBER)]) as address, reader(address) as client:
        (told,) = [each for each in (await objects(client))["objects"] if each["type"] == "indicator"]
        where = f"{HERE}objects/{told['id']}/"
        assert (await client.get(where)).json()["objects"] == [told]
        assert (await client.get(f"{where}versions/")).json() == {"versions": [told["modified"]]}
        assert await objects(client, **{"match[id]": told["id"]}) == {"more": False, "objects": [told]}
        async with reader(address, "heilongjiang") as other:
            assert (await other.get(where)).status_code == 404


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({"match[type]": "identity"}, 1),
        ({"match[type]": "indicator,identity"}, 2),
        ({"match[type]": "malware"}, 0),
        ({"match[spec_version]": "2.0"}, 0),
        ({"match[spec_version]": "2.0,2.1"}, 1 + STANDING),
        ({"match[version]": "first"}, 1 + STANDING),
        ({"match[version]": "2026-02-28T03:12:00.000Z"}, 1),
        ({"match[id]": "indicator--none"}, 0),
        ({"another": "parameter"}, 1 + STANDING),
    ],
)
async def test_objects_are_filtered_as_the_standard_says(query: dict[str, str], number: int) -> None:
    async with serving_suspects([suspect(1)]) as address, reader(address) as client:
        assert len((await objects(client, **query)).get("objects", ())) == number


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"limit": "٣"},
        {"next": "x"},
        {"next": "9" * 17},
        {"added_after": "yesterday"},
        {"added_after": "2026-02-30T00:00:00Z"},
        {"added_after": "2026-04-01"},
        {"match[id]": "x" * 5_000},
    ],
)
async def test_an_invalid_parameter_is_refused_with_the_standards_error_message(query: dict[str, str]) -> None:
    async with serving_suspects([suspect(1)]) as address, reader(address) as client:
        answer = await client.get(f"{HERE}objects/", params=query)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/taxii+json;version=2.1"
        assert answer.json()["http_status"] == "400"
        assert all(value not in answer.text for value in query.values() if len(value) > 2)


async def test_a_limit_above_the_servers_gives_the_servers() -> None:
    suspects = [suspect(number) for number in range(MOST_IN_PAGE + 1)]
    async with serving_suspects(suspects) as address, reader(address) as client:
        assert len((await objects(client, limit=99_999))["objects"]) == MOST_IN_PAGE


@pytest.mark.parametrize("path", ["/taxii2/", ROOT, f"{ROOT}collections/", HERE, f"{HERE}objects/", f"{HERE}manifest/"])
async def test_every_resource_needs_a_key_and_a_centre_that_is_named(path: str) -> None:
    async with serving_suspects([suspect(1)]) as address:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            refused = await client.get(path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Basic")
            for wrong in (("heilongjiang", "key of liaoning"), ("liaoning", "x"), ("", "")):
                assert (await client.get(path, auth=wrong)).status_code == 401
            broken = {"Authorization": "Basic \xff".encode("latin-1")}
            assert (await client.get(path, headers=broken)).status_code == 401  # type: ignore[arg-type]
            assert (await client.get(path, auth=("liaoning", "key of liaoning"))).status_code == 200
        async with reader(address, "bank") as bank:
            answer = await bank.get(path)
            assert (answer.status_code, answer.json()["http_status"]) == (403, "403")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/taxii+json;version=2.1", 200),
        ("application/taxii+json; version=2.1", 200),
        ("application/taxii+json", 200),
        ("text/html, */*;q=0.1", 200),
        ("application/taxii+json;version=2.0", 406),
        ("application/json", 406),
        ("", 406),
    ],
)
async def test_only_clients_that_accept_taxii_get_an_answer(accept: str, status: int) -> None:
    async with serving_suspects([]) as address, reader(address) as client:
        assert (await client.get(f"{HERE}objects/", headers={"Accept": accept})).status_code == status


async def test_nobody_can_write_and_there_is_no_other_collection() -> None:
    async with serving_suspects([suspect(1)]) as address, reader(address) as client:
        assert (await client.post(f"{HERE}objects/", json={"objects": []})).status_code == 403
        assert (await client.delete(f"{HERE}objects/indicator--1/")).status_code == 403
        assert (await client.get(f"{ROOT}collections/other/objects/")).status_code == 404


async def test_while_the_suspects_are_loaded_the_client_is_asked_to_come_again() -> None:
    async with serving_suspects(None) as address, reader(address) as client:
        answer = await client.get(f"{HERE}objects/")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_centre_that_asks_too_often_is_told_to_wait() -> None:
    slow = given(payee_check_rate="20/minute")
    async with serving_suspects([suspect(1)], slow) as address, reader(address) as client:
        answers = [(await client.get(f"{HERE}objects/")).status_code for _ in range(3)]
        assert answers == [200, 200, 429]


@pytest.mark.parametrize(
    ("sharing", "name", "what"),
    [
        ("liaoning", CENTRE, "entry 1"),
        ("liaoning:red", CENTRE, "entry 1"),
        ("liaoning:amber,x y:green", CENTRE, "entry 2"),
        ("liaoning:amber", None, "QUANZU_SHARING_NAME"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(sharing: str, name: str | None, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        sharing_with(given(sharing, sharing_name=name))


def test_without_the_setting_nothing_is_shared() -> None:
    assert sharing_with(given(None)) == {}


def test_times_of_addition_rise_whatever_the_clocks_of_the_writers_say() -> None:
    found = SuspectsByTime()
    for number, at in enumerate((5_000, 5_000, 4_000, 6_000)):
        found.add(suspect(number), at)
    times = [added.at for added in found.after(None)]
    assert times == sorted(set(times))
    assert times[0] == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert list(found.after(times[1])) == list(found.after(None))[2:]


def test_a_list_whose_suspects_change_often_does_not_grow() -> None:
    found = listed([suspect(number % 3) for number in range(10_000)])
    assert len(found._order) < 200
    assert len(list(found.after(None))) == 3


def test_an_old_confirmation_that_is_written_late_does_not_undo_a_withdrawal() -> None:
    since = suspect(1, days_ago=3).at
    withdrawn = suspect(1, days_ago=1, revoked=True).model_copy(update={"since": since})
    for late in (suspect(1, days_ago=3), withdrawn.model_copy(update={"revoked": False})):
        found = listed([suspect(1, days_ago=3), withdrawn, late])
        assert [added.suspect for added in found.after(None)] == [withdrawn]


def test_a_withdrawal_stays_when_the_suspect_is_shared_again() -> None:
    withdrawn, again = suspect(1, days_ago=3, revoked=True), suspect(1, Tlp.AMBER, days_ago=1)
    found = listed([suspect(1, days_ago=3), withdrawn, again])
    assert [added.suspect for added in found.after(None)] == [withdrawn, again]


async def test_a_list_that_is_followed_no_longer_is_served_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[SharedSuspects] = []
    refused = asyncio.Event()

    async def run(shared: SharedSuspects) -> None:
        shared.suspects = listed([suspect(1)])
        shares.append(shared)
        await refused.wait()
        raise PermissionError("the topic may not be read")

    monkeypatch.setattr(SharedSuspects, "run", run)
    settings = Settings(app_id="taxii", kafka="127.0.0.1:1", redis="redis://127.0.0.1:1/0", secret="s" * 32)
    async with sharing(settings, given(), Clock.starting(1, NOW)):
        await asyncio.sleep(0)
        assert shares[0].suspects is not None
        refused.set()
        async with asyncio.timeout(5):
            while shares[0].suspects is not None:  # noqa: ASYNC110 - the callback of the task is waited for
                await asyncio.sleep(0.01)
