"""Each order to a bank is signed with that bank's key, and only that bank answers it, whatever the store has lost."""

import asyncio
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from agents.dispatch import channel_of
from agents.payments import BankProvider
from agents.sms import SmsProvider
from schemas.casework.cases import StepState
from schemas.casework.events import Dispatch
from schemas.casework.inputs import BankFeedback
from schemas.levels import Action
from streams.channels.provider import KEY_HEADER, Kind, Order
from streams.channels.settings import ChannelSettings
from streams.channels.signing import NONCE, SIGNATURE, SignatureError, SignedMessage, Signer, sign, verify
from streams.runtime.settings import Settings, SettingsError
from streams.state.case_store import CaseStore
from tests.channel_rig import Rig, rigged
from tests.dispatched import case_of, dispatch_for, payment
from tests.streams.channels.test_iso_orders import asked, bank
from tests.streams.channels.test_receipts import post

PATH = "/stop-payments"


def fits(rig: Rig, signer: str, headers: dict[str, str], body: bytes, *, key: int = 0) -> bool:
    """Whether a bank that has this key would take the order."""
    own = rig.channels.receipt_keys(rig.settings)[signer][key]
    try:
        verify([own], httpx.Headers(headers), SignedMessage("bank", PATH, body), time.time())
    except SignatureError:
        return False
    return True


def told(dispatch: Dispatch, number: int = 1) -> dict[str, Any]:
    """A bank's answer to the order."""
    return {"id": f"{number}", "dispatch": dispatch.id, "transfer": "bank:1", "state": "in_force", "amount_fen": 100}


async def answered(rig: Rig, dispatch: Dispatch, signer: str) -> int:
    return (await post(rig, "bank", told(dispatch), signer=signer)).status_code


async def feedback(rig: Rig, dispatch: Dispatch) -> int:
    return len([each for each in await rig.inputs(dispatch.resident) if isinstance(each, BankFeedback)])


async def test_an_order_is_signed_with_its_banks_own_key_over_its_id(settings: Settings, tmp_path: Path) -> None:
    async with bank(settings, tmp_path) as (rig, gateway):
        dispatch = await asked(rig, at="zbank")
        ((headers, body),) = gateway.requests
        assert (orjson.loads(body)["dispatch"], headers[KEY_HEADER.lower()]) == (dispatch.id, dispatch.id)
        assert fits(rig, "bank/zbank", headers, body)
        for other in ("bank/ybank", "bank", "station"):
            assert not fits(rig, other, headers, body)
        assert not fits(rig, "bank/zbank", headers, body.replace(b'"stop_payment"', b'"stop_release"'))


async def test_an_order_in_iso_20022_is_signed_too_and_one_for_no_known_bank_with_the_gateways_key(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, gateway):
        await asked(rig)
        await asked(rig, at=None)
        (xml, document), (json, body) = gateway.requests
        assert document.startswith(b"<?xml")
        assert fits(rig, "bank/ybank", xml, document)
        assert fits(rig, "bank", json, body)


async def test_an_order_sent_again_is_the_same_order_under_a_new_signature(settings: Settings, tmp_path: Path) -> None:
    async with bank(settings, tmp_path) as (rig, gateway):
        provider, dispatch = BankProvider(await rig.worker()), await asked(rig, at="zbank")
        order = await provider.prepare(dispatch)
        assert isinstance(order, Order)
        await provider.send(dispatch, order)
        (first, body), (second, again) = gateway.requests
        assert body == again
        assert first[NONCE.lower()] != second[NONCE.lower()]
        assert fits(rig, "bank/zbank", second, again)


async def test_only_the_bank_that_was_asked_answers(settings: Settings, tmp_path: Path) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = await asked(rig, at="zbank")
        refused = await post(rig, "bank", told(dispatch), signer="bank/ybank")
        assert (refused.status_code, refused.json()["reason"]) == (403, ANY)
        assert "not signed with that bank's key" in refused.json()["reason"]
        assert await answered(rig, dispatch, "bank") == 403  # nor does the gateway
        assert await answered(rig, dispatch, "sms") == 401
        assert await feedback(rig, dispatch) == 0
        assert await answered(rig, dispatch, "bank/zbank") == 200
        assert await answered(rig, dispatch, "bank/zbank") == 200
        assert await feedback(rig, dispatch) == 2  # one input by its id
        assert len({each.id for each in await rig.inputs(dispatch.resident) if isinstance(each, BankFeedback)}) == 1


async def test_a_bank_says_nothing_of_another_payment_of_the_case_nor_in_another_banks_name(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = await asked(rig, at="zbank")
        outgoing = await rig.worker()
        case = await CaseStore(outgoing.redis).case(outgoing.book.partition(dispatch.resident), dispatch.case)
        assert case is not None
        other = case.payments[0].model_copy(update={"transfer": "bank:2", "feed": "zfeed:2", "institution": "ybank"})
        await rig.store(case.model_copy(update={"payments": [*case.payments, other]}))
        lifted = told(dispatch) | {"state": "released"}
        for wrong in ({"transfer": "bank:2"}, {"transfer": "zfeed:2"}, {"bank": "ybank"}):
            assert (await post(rig, "bank", lifted | wrong, signer="bank/zbank")).status_code == 403, wrong
        assert await feedback(rig, dispatch) == 0
        assert (await post(rig, "bank", lifted | {"bank": "zbank"}, signer="bank/zbank")).status_code == 200


async def test_another_bank_answers_neither_if_the_progress_of_the_order_is_lost(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = await asked(rig, at="zbank")
        await (await rig.worker()).book.forget(dispatch.resident, [dispatch.id])
        assert await answered(rig, dispatch, "bank/ybank") == 403
        assert await answered(rig, dispatch, "bank/zbank") == 200


async def test_the_bank_is_known_before_the_order_leaves_and_stays_known_when_it_is_done(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        dispatch = await asked(rig, at="zbank")
        outgoing = await rig.worker()
        entry = await outgoing.book.entry(dispatch.resident, dispatch.id)
        assert entry is not None
        assert (entry.state, entry.bank) == ("done", "zbank")
        await channel_of(BankProvider(outgoing), outgoing).carry([dispatch])  # its record comes twice
        assert await outgoing.book.entry(dispatch.resident, dispatch.id) == entry


async def test_a_worker_killed_while_it_sends_has_said_before_to_which_bank(settings: Settings, tmp_path: Path) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        seen = []

        async def killed(request: httpx.Request) -> httpx.Response:
            dispatch = request.headers[KEY_HEADER]
            seen.append(await outgoing.book.entry(dispatch.partition("-")[0], dispatch))
            raise asyncio.CancelledError

        outgoing = await rig.worker()
        outgoing.client = httpx.AsyncClient(transport=httpx.MockTransport(killed))
        rig.stack.push_async_callback(outgoing.client.aclose)
        dispatch = await asked(rig, at="zbank", by=outgoing)
        (entry,) = seen
        assert entry is not None
        assert (entry.state, entry.bank) == ("sending", "zbank")
        assert await answered(rig, dispatch, "bank/ybank") == 403
        assert await answered(rig, dispatch, "bank/zbank") == 200


@pytest.mark.parametrize("state", [StepState.PROPOSED, StepState.PENDING, StepState.HELD])
async def test_an_order_that_was_not_sent_is_answered_by_nobody(
    settings: Settings, tmp_path: Path, state: StepState
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = dispatch_for((await rig.resident()).id, Action.STOP_PAYMENT)
        case = case_of(dispatch, payments=[payment()])
        (step,) = case.steps
        await rig.store(case.model_copy(update={"steps": [step.model_copy(update={"state": state})]}))
        await rig.stands(dispatch.resident)
        assert [await answered(rig, dispatch, signer) for signer in ("bank", "bank/ybank")] == [404, 404]
        assert await rig.inputs(dispatch.resident) == []
        await rig.store(case)  # sent since, though its progress is lost
        assert await answered(rig, dispatch, "bank") == 200


async def test_an_order_for_no_known_bank_is_answered_by_whichever_the_gateway_found(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        for signer in ("bank", "bank/ybank"):
            assert await answered(rig, await asked(rig, at=None), signer) == 200


async def test_while_a_bank_changes_over_orders_fit_both_keys_and_answers_with_either_are_taken(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, gateway):
        text = ",".join(f"{name}:the new key of {name}" for name in rig.channels.signers())
        both = SecretStr(f"{text},bank/zbank:the former key of zbank")
        rig.channels = rig.channels.model_copy(update={"receipts_secret": both})
        await rig.receiving()
        dispatch = await asked(rig, at="zbank")
        ((headers, body),) = gateway.requests
        assert [fits(rig, "bank/zbank", headers, body, key=key) for key in (0, 1)] == [True, True]
        for number, key in enumerate((b"the new key of bank/zbank", b"the former key of zbank")):
            assert (await post(rig, "bank", told(dispatch, number), key)).status_code == 200


async def test_nothing_is_sent_to_a_bank_without_a_key_outside_a_trial(settings: Settings, tmp_path: Path) -> None:
    async with bank(settings, tmp_path) as (rig, gateway):
        some = ",".join(f"{name}:the new key of {name}" for name in rig.channels.signers() if name != "bank/zbank")
        rig.channels = rig.channels.model_copy(update={"receipts_secret": SecretStr(some)})
        with pytest.raises(SettingsError, match=r"no key for bank/zbank\. Add bank/zbank:KEY"):
            await asked(rig, at="zbank")
        with pytest.raises(SettingsError, match="no key for bank/zbank"):
            await rig.receiving()
        assert gateway.requests == []


async def test_the_simulated_providers_take_no_order_that_is_not_signed(settings: Settings) -> None:
    async with rigged(settings) as rig:
        order = {"dispatch": "d", "action": "stop_payment", "account": "1", "transfer": "t", "amount_fen": 1}
        message = SignedMessage("bank", PATH, orjson.dumps(order))
        keys = rig.channels.receipt_keys(rig.settings)
        statuses = []
        async with httpx.AsyncClient() as client:
            for headers in (
                {},
                sign(keys["station"][0], message, time.time(), secrets.token_hex(12)),
                sign(keys["bank"][0], message, time.time() - 301, secrets.token_hex(12)),
                sign(keys["bank"][0], message, time.time(), secrets.token_hex(12)),
            ):
                url = f"{rig.providers.bank_url}{PATH}"
                answer = await client.post(url, content=message.body, headers={KEY_HEADER: "d", **headers})
                statuses.append(answer.status_code)
        assert statuses == [401, 401, 401, 202]


async def test_a_question_about_an_order_is_signed_as_well(settings: Settings) -> None:
    async with rigged(settings) as rig:
        seen: list[httpx.Request] = []

        async def keep(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(404)

        outgoing = await rig.worker()
        outgoing.client = httpx.AsyncClient(transport=httpx.MockTransport(keep))
        rig.stack.push_async_callback(outgoing.client.aclose)
        provider = SmsProvider(outgoing)
        provider.kind = Kind.ASKABLE
        dispatch = dispatch_for((await rig.resident()).id, Action.SMS)
        order = await provider.prepare(dispatch)
        assert isinstance(order, Order)
        assert await provider.ask(dispatch, order) is None
        (request,) = seen
        message = SignedMessage("sms", f"/sms/{dispatch.id}", b"", "GET")
        assert verify(rig.channels.receipt_keys(rig.settings)["sms"], request.headers, message, time.time()).key == 0


@given(st.lists(st.text(alphabet="0123456789abcdef, é", max_size=70), max_size=4))
def test_no_list_of_signatures_fits_without_the_key(guesses: list[str]) -> None:
    message = SignedMessage("bank", PATH, b"{}")
    headers = Signer("bank", {"bank/b": (b"another bank's key",)}, lambda: 1000.0).headers(
        "bank/b", "POST", PATH, b"{}"
    )
    given_ = headers | {SIGNATURE: ",".join([headers[SIGNATURE], *guesses])}
    with pytest.raises(SignatureError, match="does not fit"):
        verify([b"the key"], given_, message, 1000)


def test_a_signature_fits_as_first_or_second_of_two_and_never_as_a_third() -> None:
    message, key = SignedMessage("bank", PATH, b"{}"), b"the key"
    headers = sign(key, message, 1000, "n" * 16)
    right, wrong = headers[SIGNATURE], "0" * 64
    for value, fitting in (
        (right, 1),
        (f"{wrong},{right}", 1),
        (f"{right}, {wrong}", 1),
        (f"{wrong},{wrong},{right}", 0),
    ):
        try:
            assert verify([key], headers | {SIGNATURE: value}, message, 1000).key == 0
            assert fitting
        except SignatureError:
            assert not fitting


def test_an_order_s_signature_is_no_answer_s() -> None:
    headers = Signer("bank", {"bank/b": (b"the key",)}, lambda: 1000.0).headers("bank/b", "POST", PATH, b"{}")
    message = SignedMessage("bank", PATH, b"{}")
    assert verify([b"the key"], headers, message, 1000).key == 0
    with pytest.raises(SignatureError, match="does not fit"):
        verify([b"the key"], headers, replace(message, path="/receipts/bank"), 1000)


def test_an_embedded_installation_derives_a_key_for_each_bank() -> None:
    channels = ChannelSettings()
    keys = channels.receipt_keys(Settings(embedded=True, secret=SecretStr("s" * 32)))
    assert set(keys) == {*channels.signers()}
    assert {"sms", "bank", "bank/icbc"} <= set(keys)
    assert len(set(keys.values())) == len(keys)
