"""POST /v1/objections with a real server, Redis and Kafka: who may object to which order, and what is written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.casework.orders.objections import objection_id
from domain.identity.personal import WITHHELD
from schemas.casework.cases import Case, Payment, Stop, StopState
from schemas.casework.inputs import ObjectStop
from schemas.casework.objections import ObjectionGround, ObjectionState, Objector, StopObjection, WrongfulCause
from schemas.casework.orders import OrderState, StopOrder
from schemas.codes.money import CanStillBeStopped
from schemas.levels import Action
from schemas.risk.signals import TransferState
from streams.intake import objections
from streams.intake.server import running
from streams.intake.settings import IntakeSettings, hash_of_key
from streams.runtime.settings import Settings
from streams.state.keys import key
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW, case_of, dispatch_for
from tests.documents.answers import described
from tests.domain.payments.test_same_payment import told
from tests.streams.intake.intake_signals import cannot_encrypt

WHERE = "/v1/objections"
ACCOUNT, CARD = "9900000000000001", "6222020000000001"  # the card is one of icbc's, by its first digits
STEP = "red.stop_payment"


@pytest.fixture
async def rig(settings: Settings) -> AsyncIterator[Rig]:
    async with rigged(settings) as made:
        yield made


@asynccontextmanager
async def client(rig: Rig, source: str = "bank", **more: object) -> AsyncIterator[httpx.AsyncClient]:
    """An intake, and a client with the key of one source."""
    keys = ",".join(f"{name}:{hash_of_key(f'key of {name}')}" for name in ("bank", "other", "icbc", "reported"))
    intake = IntakeSettings.model_validate({"api_keys": keys} | more)
    own = rig.settings.model_copy(update={"http_port": 0})
    routes = objections.routes(own, intake, await rig.worker())
    async with running(own, intake, rig.clock, routes) as address:
        headers = {"Authorization": f"Bearer key of {source}"}
        hooks = {"response": [described]}
        async with httpx.AsyncClient(
            base_url=address, headers=headers, trust_env=False, timeout=20, event_hooks=hooks
        ) as found:
            yield found


async def stopped(
    rig: Rig, account: str = ACCOUNT, state: OrderState = OrderState.APPROVED, **fields: object
) -> tuple[Case, dict[str, Any]]:
    """A case whose account is stopped, and the objection of its holder."""
    resident, token = await rig.resident(), await rig.knows(account)
    stop = Stop(state=StopState.IN_FORCE, until=NOW + timedelta(hours=48))
    paid = Payment(transfer="bank:1", payee=token, amount_fen=500_000, at=NOW, state=TransferState.PENDING, stop=stop)
    order = StopOrder(
        step=STEP,
        number="吉公反诈止付〔2026〕1号",
        transfer="bank:1",
        payee=token,
        amount_fen=500_000,
        hours=48,
        action=Action.STOP_PAYMENT,
        state=state,
        ground=CanStillBeStopped(),
        asked_at=NOW,
        due=NOW,
        persons=1,
    )
    dispatch = dispatch_for(resident.id, Action.STOP_PAYMENT)
    case = case_of(dispatch, payments=[paid], orders=[order]).model_copy(update=fields)
    await rig.store(case)
    notice = {"id": "Y-17", "dispatch": dispatch.id, "account": account, "who": "holder", "ground": "lawful_payment"}
    return case, {**notice, "text": "我的工资"}


def objection(case: Case, name: str, **fields: object) -> StopObjection:
    known = {"id": name, "order": STEP, "transfer": "bank:1", "who": Objector.HOLDER, "bank": "bank"}
    clock = {"ground": ObjectionGround.OTHER, "at": NOW, "due": NOW + timedelta(hours=4)}
    return StopObjection.model_validate({**known, **clock, **fields})


async def test_a_bank_passes_on_an_objection_and_the_case_gets_it_once(rig: Rig) -> None:
    case, notice = await stopped(rig)
    async with client(rig) as bank:
        answer = await bank.post(WHERE, json=notice)
        assert answer.status_code == 202, answer.text
        again = await bank.post(WHERE, json=notice)
        assert again.json() == answer.json(), "until the case has it, the same is written under the same id"
    first, second = await rig.inputs(case.resident)
    assert isinstance(first, ObjectStop)
    assert first.id == second.id
    assert (first.order, first.bank, first.receipt, first.by) == (STEP, "bank", "Y-17", None)
    assert (first.who, first.ground, first.text) == (Objector.HOLDER, ObjectionGround.LAWFUL_PAYMENT, "我的工资")
    assert answer.json() == {"objection": objection_id(first.id), "state": "waiting", "due": None}


async def test_sent_again_a_notice_is_answered_with_how_it_stands_and_nothing_is_written(rig: Rig) -> None:
    case, notice = await stopped(rig)
    async with client(rig) as bank:
        name = (await bank.post(WHERE, json=notice)).json()["objection"]
        waits = objection(case, name)
        await rig.store(case.model_copy(update={"objections": [waits]}))
        answer = await bank.post(WHERE, json=notice)
        assert (answer.status_code, answer.json()["state"]) == (200, "waiting")
        assert answer.json()["due"] == "2026-03-01T07:12:00Z"
        joined = await bank.post(WHERE, json=notice | {"id": "Y-18"})
        assert (joined.status_code, joined.json()) == (200, answer.json()), "it waits with the one that is there"
        upheld = {"state": ObjectionState.UPHELD, "cause": WrongfulCause.OTHER, "decided_at": NOW}
        lifted = [order.model_copy(update={"state": OrderState.OVERTURNED}) for order in case.orders]
        decided = {"objections": [waits.model_copy(update=upheld)], "orders": lifted}
        await rig.store(case.model_copy(update=decided))
        assert (await bank.post(WHERE, json=notice)).json()["state"] == "upheld"
        other = await bank.post(WHERE, json=notice | {"id": "Y-19"})
        assert (other.status_code, "upheld" in other.json()["error"]) == (409, True)
    assert len(await rig.inputs(case.resident)) == 1


@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("other", {}),  # another bank's key
        ("bank", {"account": "9900000000000002"}),  # another account
        ("bank", {"account": "账户"}),
        ("bank", {"dispatch": "raaaaaaaaaaaaaaaa-1:red.stop_payment:1:payment"}),  # nobody's order
        ("bank", {"dispatch": "'; DROP TABLE cases; --"}),
        ("bank", {"step": "again.0"}),
        ("bank", {"channel": "sms"}),
    ],
)
async def test_an_order_that_is_not_the_banks_is_answered_as_one_that_does_not_exist(
    rig: Rig, source: str, change: dict[str, str]
) -> None:
    case, notice = await stopped(rig)
    step, channel = change.pop("step", STEP), change.pop("channel", "payment")
    asked = notice | {"dispatch": f"{case.id}:{step}:1:{channel}"} | change
    await rig.stands("raaaaaaaaaaaaaaaa")
    async with client(rig, source) as bank:
        answer = await bank.post(WHERE, json=asked)
    assert (answer.status_code, answer.json()["error"]) == (404, "no stop order of this bank has this id and account")
    assert await rig.inputs(case.resident) == []


async def test_the_bank_that_has_the_account_may_object_by_its_code_or_by_the_card(rig: Rig) -> None:
    case, notice = await stopped(rig, CARD)
    async with client(rig, "icbc") as bank:
        assert (await bank.post(WHERE, json=notice)).status_code == 202
    named, other = await stopped(rig, "9900000000000003")
    (paid,) = named.payments
    await rig.store(named.model_copy(update={"payments": [paid.model_copy(update={"institution": "icbc"})]}))
    async with client(rig, "icbc") as bank:
        assert (await bank.post(WHERE, json=other)).status_code == 202
    (given,) = await rig.inputs(case.resident)
    assert isinstance(given, ObjectStop)
    assert given.bank == "icbc"


async def test_the_first_word_of_a_reported_payments_name_is_nobodys_key(rig: Rig) -> None:
    case, notice = await stopped(rig)
    reported = told().model_copy(update={"payee": case.payments[0].payee})
    order = case.orders[0].model_copy(update={"transfer": reported.transfer})
    await rig.store(case.model_copy(update={"payments": [reported], "orders": [order]}))
    async with client(rig, reported.transfer.partition(":")[0]) as bank:
        assert (await bank.post(WHERE, json=notice)).status_code == 404


@pytest.mark.parametrize(
    "state", [OrderState.PROPOSED, OrderState.DECLINED, OrderState.WITHDRAWN, OrderState.UNDECIDED]
)
async def test_an_order_that_no_bank_got_is_unknown_to_banks(rig: Rig, state: OrderState) -> None:
    _, notice = await stopped(rig, state=state)
    async with client(rig) as bank:
        assert (await bank.post(WHERE, json=notice)).status_code == 404


async def test_an_erased_case_and_a_later_one_take_no_objection(rig: Rig) -> None:
    case, notice = await stopped(rig)
    gone = [order.model_copy(update={"payee": WITHHELD}) for order in case.orders]
    await rig.store(case.model_copy(update={"orders": gone}))
    async with client(rig) as bank:
        assert (await bank.post(WHERE, json=notice | {"account": WITHHELD})).status_code == 404
        await _followed(rig, case)
        assert (await bank.post(WHERE, json=notice)).status_code == 409


async def test_only_the_bank_that_got_the_order_is_told_that_another_case_has_followed(rig: Rig) -> None:
    case, notice = await stopped(rig)
    await _followed(rig, case)
    async with client(rig, "other") as other, client(rig) as bank:
        assert (await other.post(WHERE, json=notice)).status_code == 404
        assert (await bank.post(WHERE, json=notice | {"account": "9900000000000002"})).status_code == 404
        answer = await bank.post(WHERE, json=notice)
        assert (answer.status_code, answer.json()["error"]) == (409, "the order belongs to an earlier case")
    assert await rig.inputs(case.resident) == []


async def _followed(rig: Rig, case: Case) -> None:
    """The resident's later case, with no order."""
    await rig.redis.hset(key("earlier", await rig.stands(case.resident)), case.id, case.model_dump_json())
    await rig.store(case.model_copy(update={"id": f"{case.resident}-2", "number": 2, "payments": [], "orders": []}))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"id": "Y-1"}', 400),
        (b'{"id": "Y\\u0000", "dispatch": "x", "account": "1", "who": "holder", "ground": "other"}', 400),
        (b'{"id": "Y", "dispatch": "x", "account": "1", "who": "god", "ground": "other"}', 400),
        (b'{"id": "Y", "dispatch": "x", "account": "1", "who": "holder", "ground": "other", "decided_by": "me"}', 400),
        (b'{"id": "Y", "text": "' + b"x" * 20_000 + b'"}', 413),
    ],
)
async def test_a_body_that_is_no_objection_is_refused_without_its_values(rig: Rig, body: bytes, status: int) -> None:
    async with client(rig) as bank:
        answer = await bank.post(WHERE, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, answer.text
        assert "god" not in answer.text
        unknown = await bank.post(WHERE, content=body, headers={"Authorization": "Bearer none"})
        assert unknown.status_code == 401


async def test_while_the_store_is_restored_nothing_is_unknown(rig: Rig) -> None:
    _, notice = await stopped(rig)
    await rig.redis.flushdb()
    async with client(rig) as bank:
        answer = await bank.post(WHERE, json=notice)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_an_objection_that_cannot_be_encrypted_is_answered_with_503(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, notice = await stopped(rig)
    async with client(rig) as bank:
        cannot_encrypt(monkeypatch)
        answer = await bank.post(WHERE, json=notice)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_source_that_floods_is_held_back(rig: Rig) -> None:
    _, notice = await stopped(rig)
    async with client(rig, payee_check_rate="300/minute") as bank:
        found = [(await bank.post(WHERE, json=notice | {"id": f"Y-{n}"})).status_code for n in range(4)]
    assert found == [202, 202, 202, 429]
