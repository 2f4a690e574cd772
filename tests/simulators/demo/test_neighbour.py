"""The simulated neighbour speaks the protocol of hand-overs: signatures, refusals, one case for one offer."""

import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from schemas.casework.provinces import ProvinceGround
from schemas.channels.handovers import CaseHandover, PersonHandedOver
from schemas.codes.channels import TakenThere
from schemas.levels import Level, Result
from schemas.people.residents import Occupation, Sex
from simulators.providers import neighbour as simulated
from simulators.providers import serving
from simulators.providers.neighbour import NeighbourProvince
from streams.channels.provider import Order
from streams.channels.provinces.gateway import PATH, ProvinceGateway
from streams.channels.signing import SignedMessage, Signer, sign
from streams.runtime.clock import Clock
from streams.security.secrets import province_signer
from tests.domain.builders import danger
from tests.domain.casework.provinces.provinceworld import offered, sender

KEY, START = b"of the two provinces, 32 letters", datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def there() -> AsyncIterator[tuple[NeighbourProvince, httpx.AsyncClient]]:
    made = NeighbourProvince(Clock(60.0, time.time(), START), [KEY])
    async with serving(made.app) as address, httpx.AsyncClient(base_url=address, timeout=10) as client:
        yield made, client


def handover(offer: str = "r2222222222222222-1:province.1", **fields: object) -> bytes:
    told = CaseHandover(
        offer=offer,
        case="r2222222222222222-1",
        ground=ProvinceGround.IS,
        until=START + timedelta(hours=10),
        danger=danger(Level.YELLOW),
        person=PersonHandedOver(
            name="某某",
            phones=["+8619911000001"],
            birth_year=1960,
            sex=Sex.MALE,
            occupation=Occupation.FARMER,
            division="220102",
        ),
    )
    return told.model_copy(update=fields).model_dump_json().encode()


async def told(client: httpx.AsyncClient, body: bytes, key: bytes = KEY, nonce: str = "") -> httpx.Response:
    signed = sign(key, SignedMessage("province", PATH, body), time.time(), nonce or secrets.token_hex(12))
    return await client.post(PATH, content=body, headers=signed)


async def test_a_case_is_acknowledged_once_it_is_open_and_the_same_offer_is_one_case(
    there: tuple[NeighbourProvince, httpx.AsyncClient],
) -> None:
    made, client = there
    first = await told(client, handover())
    assert first.status_code == 200, first.text
    assert made._clock.now() >= START + simulated.OPENS
    assert (await told(client, handover())).json() == first.json()
    assert [each.case for each in made.taken.values()] == [first.json()["case"]]
    assert made.acknowledged == made.taken.keys()


async def test_until_the_case_is_open_the_sender_is_told_to_send_again(
    there: tuple[NeighbourProvince, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "ANSWER_SECONDS", 0.1)
    made, client = there
    answer = await told(client, handover())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (len(made.taken), made.acknowledged) == (1, set()), "taken, but not acknowledged yet"


async def test_what_it_does_not_take_is_refused_as_a_real_province_refuses_it(
    there: tuple[NeighbourProvince, httpx.AsyncClient],
) -> None:
    made, client = there
    nobody = CaseHandover.model_validate_json(handover()).person.model_copy(update={"phones": ["none"]})
    for body, why in (
        (b"{", "invalid"),
        (handover(until=START - timedelta(seconds=1)), "too_late"),
        (handover(asks=True), "too_late"),
        (handover(person=nobody), "no_telephone"),
    ):
        answer = await told(client, body)
        assert (answer.status_code, answer.json()) == (409, {"refused": why})
    assert (made.taken, made.refused) == ({}, 4)


async def test_a_request_of_another_key_or_with_a_used_nonce_is_refused(
    there: tuple[NeighbourProvince, httpx.AsyncClient],
) -> None:
    made, client = there
    assert (await told(client, handover(), key=b"of nobody here, but as long as it")).status_code == 401
    assert (await client.post(PATH, content=handover())).status_code == 401
    nonce = secrets.token_hex(12)
    assert (await told(client, handover(), nonce=nonce)).status_code == 200
    assert (await told(client, handover(), nonce=nonce)).status_code == 401
    assert len(made.taken) == 1


async def test_it_understands_what_a_worker_sends_and_the_worker_its_answer(
    there: tuple[NeighbourProvince, httpx.AsyncClient],
) -> None:
    made, client = there
    dispatch = offered(sender())
    assert dispatch is not None
    assert dispatch.offer is not None
    code = dispatch.offer.province
    signer = Signer("province", {province_signer(code): (KEY,)}, time.time)
    gateway = ProvinceGateway(client, {code: str(client.base_url).rstrip("/")}, signer)
    told = CaseHandover.model_validate_json(handover())
    answer = await gateway.send(dispatch, Order(PATH, told.model_dump(mode="json")))
    [taken] = made.taken.values()
    assert (answer.result, answer.why) == (Result.DELIVERED, TakenThere(taken.case))
