"""A stop order goes out as camt.056, and its answer camt.029 becomes the feedback that a bank's JSON gives."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.dispatch import channel_of
from agents.payments import BankProvider
from schemas.casework.cases import Payment, Step, StepState
from schemas.casework.events import Dispatch
from schemas.casework.inputs import BankFeedback, BankState
from schemas.casework.reported import ReportedPayment
from schemas.levels import Action
from schemas.people.residents import ReportSource
from simulators.providers import serving
from streams.channels.outgoing import Outgoing
from streams.channels.provider import KEY_HEADER
from streams.channels.signing import NONCE, SIGNATURE, TIMESTAMP, SignedMessage, sign
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from streams.security.secrets import bank_signer
from tests.channel_rig import ACCOUNT, Rig, rigged
from tests.dispatched import NOW, dispatch_for, payment
from tests.documents.test_bank_orders import order_fields
from tests.streams.channels.test_receipts import post
from tests.streams.iso20022.messages import answer, returned, status

TABLE = """until = 2099-12-31
[[institution]]
code = "ybank"
name = "某银行"
bic = "YYYYCNYY"
cancellation = "camt.056.001.09"
status_request = "pacs.028.001.03"
[[institution]]
code = "zbank"
name = "另一银行"
"""


@dataclass
class Gateway:
    """The banks' gateway: takes every request and keeps it."""

    requests: list[tuple[dict[str, str], bytes]]

    async def take(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        return JSONResponse({})


@asynccontextmanager
async def bank(settings: Settings, folder: Path) -> AsyncIterator[tuple[Rig, Gateway]]:
    """A rig whose payee's bank gets stop orders as camt.056."""
    table = folder / "institutions.toml"
    table.write_text(TABLE)
    gateway, port = Gateway([]), free_port()
    async with rigged(settings) as rig:
        rig.channels = rig.channels.model_copy(update={"institutions": table})
        rig.settings = rig.settings.model_copy(update={"bank_url": f"http://127.0.0.1:{port}"})
        paths = ("/stop-payments", "/stop-statuses")
        app = Starlette(routes=[Route(path, gateway.take, methods=["POST"]) for path in paths])
        await rig.stack.enter_async_context(serving(app, port))
        yield rig, gateway


async def asked(
    rig: Rig,
    action: Action = Action.STOP_PAYMENT,
    paid: Payment | None = None,
    at: str | None = "ybank",
    by: Outgoing | None = None,
    about: Dispatch | None = None,
) -> Dispatch:
    """A dispatch of the step that asks for a stop, carried out. `at`: the payee's bank; `by`: the worker that sends."""
    update = {"institution": at, "payee": await rig.knows(ACCOUNT)}
    paid = (paid or payment()).model_copy(update=update)
    resident = (await rig.resident()).id
    name = "stop.0" if about is None else "ask.stop.0.1"
    fields: dict[str, Any] = {"id": f"{resident}-1:{name}:1:payment", "step": name, "payment": paid}
    dispatch = dispatch_for(resident, action, **fields, about=about.id if about else None)
    step = Step(id=name, action=action, state=StepState.SENT, due=NOW, transfer=paid.transfer)
    await rig.decided(dispatch, steps=[step], payments=[paid])
    outgoing = by or await rig.worker()
    await channel_of(BankProvider(outgoing), outgoing).carry([dispatch])
    return dispatch


def reported(reference: str) -> Payment:
    """A payment that was reported under this id, and that a feed has then delivered under its own."""
    report = ReportedPayment(source=ReportSource.BANK, report="report-1", told_in="report-1", reference=reference)
    return payment().model_copy(update={"feed": "bank:1", "transfer": "report:1", "reported": report})


async def told(rig: Rig, body: bytes) -> tuple[int, Any]:
    found = await post(rig, "bank", body, media_type="application/xml", signer="bank/ybank")
    return found.status_code, found.json()


async def test_a_stop_order_goes_out_as_a_cancellation_request_and_an_extension_as_json(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, gateway):
        dispatch = await asked(rig)
        await asked(rig, Action.STOP_AGAIN)
        (first, document), (second, _) = gateway.requests
        assert (first["content-type"], first[KEY_HEADER.lower()]) == ("application/xml", dispatch.id)
        assert b"camt.056.001.09" in document
        assert ACCOUNT.encode() in document
        assert b"<OrgnlEndToEndId>1</OrgnlEndToEndId>" in document
        assert second["content-type"] == "application/json"


@pytest.mark.parametrize(("at", "media"), [("ybank", "application/xml"), ("zbank", "application/json")])
async def test_a_question_about_an_order_goes_out_in_the_form_of_the_order_with_the_banks_signature(
    settings: Settings, tmp_path: Path, at: str, media: str
) -> None:
    async with bank(settings, tmp_path) as (rig, gateway):
        dispatch = await asked(rig, at=at)
        question = await asked(rig, Action.STOP_STATUS, at=at, about=dispatch)
        (_, (head, body)) = gateway.requests
        if at == "zbank":
            assert list(json.loads(body)) == order_fields()
        assert (head["content-type"], head[KEY_HEADER.lower()]) == (media, question.id)
        (key, *_) = rig.channels.receipt_keys(rig.settings)[bank_signer(at)]
        message = SignedMessage("bank", "/stop-statuses", body, "POST")
        fits = sign(key, message, float(head[TIMESTAMP.lower()]), head[NONCE.lower()])
        assert head[SIGNATURE.lower()].split(",")[0] == fits[SIGNATURE]
        case = dispatch.id.removeprefix("r").removesuffix(":payment")
        assert (case if at == "ybank" else dispatch.id).encode() in body


async def test_a_status_becomes_feedback_that_decides_nothing(settings: Settings, tmp_path: Path) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = await asked(rig)
        case = dispatch.id.removeprefix("r").removesuffix(":payment")
        body = status(case=case).replace(b"E2E-1", b"1")
        assert (await told(rig, body))[0] == 200
        (feedback,) = [each for each in await rig.inputs(dispatch.resident) if isinstance(each, BankFeedback)]
        assert (feedback.state, feedback.dispatch, feedback.amount_fen) == (BankState.PENDING, dispatch.id, 0)


async def test_an_answer_is_the_feedback_of_its_order_and_counts_once_under_any_message_id(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = await asked(rig)
        case = dispatch.id.removeprefix("r").removesuffix(":payment")
        first = await told(rig, answer(case=case, name="1"))
        assert first[0] == 200
        assert await told(rig, answer(case=case, name="1", id_="A-2")) == first
        feedback = [each for each in await rig.inputs(dispatch.resident) if isinstance(each, BankFeedback)]
        assert {(each.transfer, each.state, each.amount_fen) for each in feedback} == {
            ("bank:1", BankState.IN_FORCE, 80_000)
        }
        assert len({each.id for each in feedback}) == 1


@pytest.mark.parametrize(
    ("case", "name", "status", "why"),
    [
        (None, "other", 400, "another payment"),
        (f"{'b' * 16}-1:stop.0:1", "1", 404, "no order"),
        ("no case", "1", 404, "no dispatch"),
    ],
)
async def test_an_answer_about_another_payment_or_order_is_refused(
    settings: Settings, tmp_path: Path, case: str | None, name: str, status: int, why: str
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = await asked(rig)
        named = case or dispatch.id.removeprefix("r").removesuffix(":payment")
        await rig.stands(f"r{'b' * 16}")
        found = await told(rig, answer(case=named, name=name))
        assert found[0] == status
        assert why in found[1]["reason"]


@pytest.mark.parametrize(
    ("paid", "name"),
    [
        (payment().model_copy(update={"transfer": f"bank:{'5' * 36}"}), "NOTPROVIDED"),
        (payment().model_copy(update={"transfer": f"bank:{'5' * 36}"}), "the bank's"),
        (reported("T-9"), "T-9"),
    ],
)
async def test_an_answer_may_name_the_payment_as_its_order_did_or_if_the_order_could_not(
    settings: Settings, tmp_path: Path, paid: Payment, name: str
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = await asked(rig, paid=paid)
        case = dispatch.id.removeprefix("r").removesuffix(":payment")
        assert (await told(rig, answer(case=case, name=name)))[0] == 200


async def test_a_return_is_the_feedback_that_money_came_back(settings: Settings, tmp_path: Path) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        dispatch = await asked(rig)
        case = dispatch.id.removeprefix("r").removesuffix(":payment")
        assert (await told(rig, returned(case=case, name="1")))[0] == 200
        (feedback,) = [each for each in await rig.inputs(dispatch.resident) if isinstance(each, BankFeedback)]
        assert (feedback.state, feedback.amount_fen) == (BankState.RETURNED, 80_000)


async def test_a_message_of_another_content_type_is_refused_with_the_type_to_send(
    settings: Settings, tmp_path: Path
) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        for kind in ("text/xml; charset=utf-8", "application/json", ""):
            answer = await post(rig, "bank", b"\xef\xbb\xbf <Document/>", media_type=kind, signer="bank/ybank")
            assert (answer.status_code, answer.json()["do"]) == (415, "Send Content-Type: application/xml")


async def test_a_message_that_cannot_be_read_is_refused_with_its_place(settings: Settings, tmp_path: Path) -> None:
    async with bank(settings, tmp_path) as (rig, _):
        await rig.receiving()
        assert await told(rig, b"<!DOCTYPE x><x/>") == (
            400,
            {"reason": "line 1, column 1: a document type declaration or entity; none is read here"},
        )
