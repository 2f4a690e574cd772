"""What providers tell by webhook becomes an input of the case: signed, once, and never in silence refused."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from agents.dispatch import channel_of
from agents.phone import VoiceProvider
from agents.sms import SmsProvider
from agents.visits import StationProvider
from domain.dispatches.ids import officer_message, parse
from domain.identity.identifiers import account_token
from domain.identity.personal import WITHHELD, without
from schemas.casework.cases import Payment, StepState
from schemas.casework.events import Dispatch
from schemas.casework.inputs import BankFeedback, ContactResult, ResidentReply
from schemas.channels.bank_messages import ReportedFeedback
from schemas.channels.receipts import CallState, VoiceReceipt
from schemas.codes.replies import ReplySender
from schemas.levels import Action, Result
from schemas.people.escalations import OfficerRung
from schemas.people.rosters import Officer, Role, Roster, Shift
from schemas.risk.signals import TransferState
from simulators.providers.carrier import Answering, Carrier, Ringing
from streams.channels.movements import Tokens
from streams.channels.receipt_inputs import input_of
from streams.channels.settings import ChannelSettings
from streams.channels.signing import NONCE, SignatureError, SignedMessage, sign, verify
from streams.messaging import producer
from streams.messaging.reader import read_all
from streams.messaging.topics import OUTSIDE_INPUTS
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings, SettingsError
from streams.security.encrypted_kafka import make_producer
from streams.state.keys import key
from tests.channel_rig import Rig, rigged, until
from tests.dispatched import NOW, case_of, dispatch_for
from tests.documents.answers import described

SECOND = timedelta(seconds=1)


def always(*results: Result) -> Answering:
    """A telephone that answers in this way, a tenth of a second apart."""

    async def answer(ringing: Ringing, now: datetime) -> Sequence[tuple[timedelta, Result]]:
        return [(0.1 * number * SECOND, result) for number, result in enumerate(results, 1)]

    return answer


async def sent(rig: Rig, action: Action) -> Dispatch:
    outgoing = await rig.worker()
    dispatch = await rig.decided(dispatch_for((await rig.resident()).id, action))
    provider = SmsProvider if action.channel == "sms" else VoiceProvider
    await channel_of(provider(outgoing), outgoing).carry([dispatch])
    return dispatch


async def post(
    rig: Rig,
    name: str,
    body: object,
    key: bytes | None = None,
    wall: float | None = None,
    nonce: str = "",
    media_type: str = "application/json",
    signer: str = "",
    channel: str = "",
) -> httpx.Response:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    message = SignedMessage(channel or name, f"/receipts/{name}", raw)
    key = key or rig.channels.receipt_keys(rig.settings)[signer or name][0]
    headers = sign(key, message, wall or time.time(), nonce or secrets.token_hex(12)) | {"Content-Type": media_type}
    async with httpx.AsyncClient(event_hooks={"response": [described]}) as client:
        return await client.post(f"{rig.settings.receipts_url}/{name}", content=raw, headers=headers)


def signing_keys(without: str = "") -> str:
    """A key for each signer, but one."""
    return ",".join(f"{name}:the present secret of {name}" for name in ChannelSettings().signers() if name != without)


async def test_while_a_provider_changes_over_its_former_secret_is_taken_and_counted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("quanzu_receipts_by_secret_before_total") or 0

    former, began = "the former secret of this test", counted()
    present = signing_keys()
    body = {"id": "1", "dispatch": dispatch_for("r" + "a" * 16).id, "result": "delivered"}
    monkeypatch.setenv("QUANZU_RECEIPTS_SECRET", f"{present},sms:{former}")
    async with rigged(settings) as rig:
        await rig.receiving()
        await rig.stands("r" + "a" * 16)
        # Nothing was sent under this id: who is known is told so, who is not is refused before.
        statuses = [(await post(rig, "sms", body, key)).status_code for key in (None, former.encode(), b"a stranger's")]
    assert (statuses, counted() - began) == ([404, 404, 401], 1)


@pytest.mark.parametrize("other", ["sms", "voice", "bank"])
async def test_one_providers_key_signs_no_other_channels_receipt(settings: Settings, other: str) -> None:
    body = {"id": "1", "dispatch": "d", "officer": "p-1", "stage": "done", "outcome": {"outcome": "dissuaded"}}
    async with rigged(settings) as rig:
        await rig.receiving()
        key = rig.channels.receipt_keys(rig.settings)[other][0]
        assert (await post(rig, "station", body, key)).status_code == 401
        assert (await post(rig, "station", body)).status_code == 404


def test_a_signature_is_of_its_method_path_channel_body_and_nonce() -> None:
    key, message = b"a key", SignedMessage("sms", "/receipts/sms", b"{}")
    headers = sign(key, message, 1000, "n" * 16)
    assert verify([b"another", key], headers, message, 1000).key == 1
    changed = {"channel": "voice", "path": "/receipts/voice", "body": b"{ }", "method": "PUT"}
    others = [replace(message, **{name: value}) for name, value in changed.items()]  # type: ignore[arg-type]  # by name
    for other, told in [*((each, headers) for each in others), (message, headers | {NONCE: "m" * 16})]:
        with pytest.raises(SignatureError, match="does not fit"):
            verify([key], told, other, 1000)


async def test_a_signed_receipt_is_not_replayed_and_a_new_signature_counts_once(settings: Settings) -> None:
    async with rigged(settings) as rig:
        await rig.receiving()
        dispatch = await sent(rig, Action.SMS)
        body, nonce = {"id": "1", "dispatch": dispatch.id, "result": "delivered"}, secrets.token_hex(12)
        statuses = [(await post(rig, "sms", body, nonce=each)).status_code for each in (nonce, nonce, "")]
    assert statuses == [200, 409, 200]


@pytest.mark.parametrize(
    ("path", "rung", "told"),
    [
        ("sms", OfficerRung.SMS, {"result": "delivered"}),
        ("sms/replies", OfficerRung.SMS, {"text": "TD"}),
        ("voice", OfficerRung.CALL, {"result": "answered", "key": "1"}),
    ],
)
async def test_what_is_told_of_an_officers_message_is_taken_without_an_input(
    settings: Settings, path: str, rung: OfficerRung, told: dict[str, str]
) -> None:
    async with rigged(settings) as rig:
        await rig.receiving()
        visit = await rig.decided(dispatch_for((await rig.resident()).id, Action.VISIT))
        other = next(each for each in (OfficerRung.SMS, OfficerRung.CALL) if each is not rung)
        channel = path.partition("/")[0]
        key = rig.channels.receipt_keys(rig.settings)[channel][0]
        answers = [
            await post(
                rig, path, {"id": "1", "dispatch": officer_message(visit.id, of)} | told, signed, channel=channel
            )
            for of, signed in ((rung, key), (rung, b"a stranger's"), (other, key))
        ]
        assert [each.status_code for each in answers] == [200, 401, 404]
        assert answers[0].json() == {"input": None}
        assert await rig.inputs(visit.resident) == []


async def test_an_officer_who_does_not_hold_the_task_reports_nothing(settings: Settings) -> None:
    async with rigged(settings) as rig:
        await rig.receiving()
        outgoing, resident = await rig.worker(), await rig.resident()
        shift = Shift(start=NOW - timedelta(hours=4), end=NOW + timedelta(hours=8))
        officer = Officer(id="p-1", name="某警官", role=Role.OFFICER, division="220102001", shifts=[shift])
        await outgoing.rosters.put(Roster(station="s", officers=[officer]))
        dispatch = await rig.decided(dispatch_for(resident.id, Action.VISIT))
        await channel_of(StationProvider(outgoing), outgoing).carry([dispatch])
        task = await outgoing.rosters.task(dispatch.id)
        assert task is not None
        body = {"id": "x1", "dispatch": dispatch.id, "stage": "done", "outcome": {"outcome": "dissuaded"}}
        answer = await post(rig, "station", body | {"officer": "nobody-at-all"})
        assert (answer.status_code, "does not have the task" in answer.text) == (403, True)
        assert (await post(rig, "station", body | {"officer": task.officer})).status_code == 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not set"),
        ("sms:" + "a" * 32, "no key for voice, bank, station, bank/icbc and 21 more. Add voice:KEY, "),
        (signing_keys(without="bank/ccb"), "no key for bank/ccb. Add bank/ccb:KEY, .* Or take the bank out of "),
        (signing_keys() + ",bank/nobody:" + "a" * 32, "entry 27: write CHANNEL:KEY, "),
        (signing_keys() + ",bank/ccb:" + "a" * 32 + ",bank/ccb:" + "b" * 32, "3 keys for bank/ccb: at most 2"),
        (",".join(f"{name}:{'a' * 32}" for name in ChannelSettings().signers()), "one key twice"),
        ("fax:" + "a" * 32, "entry 1: write CHANNEL:KEY, "),
        ("sms:short", "KEY of at least 16 characters"),
    ],
)
def test_keys_that_do_not_keep_the_channels_apart_are_refused(text: str, words: str) -> None:
    channels = ChannelSettings(receipts_secret=SecretStr(text) if text else None)
    with pytest.raises(SettingsError, match=words):
        channels.receipt_keys(Settings(kafka="k:1", redis="redis://r", secret="s" * 32))


async def test_a_receipt_that_comes_twice_is_one_input(settings: Settings) -> None:
    async with rigged(settings, answer=always(Result.DELIVERED)) as rig:
        await rig.receiving()
        await rig.fault(rig.providers.carrier_url, "receipts_twice")
        dispatch = await sent(rig, Action.SMS)

        async def both() -> bool:
            return len(await rig.inputs(dispatch.resident)) == 3

        await until(both)
        assert set(await rig.results(dispatch.resident)) == {"sent", "delivered"}


async def test_a_reply_is_an_input_of_the_resident_once_and_its_words_are_in_no_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged(settings) as rig:
        await rig.receiving()
        dispatch = await sent(rig, Action.SMS)
        body = {"id": "1", "dispatch": dispatch.id, "text": "请打 13900000001"}
        answers = [await post(rig, "sms/replies", body, signer="sms", channel="sms") for _ in range(2)]
        forged = await post(rig, "sms/replies", body, b"a stranger's", channel="sms")
        unknown = await post(rig, "sms/replies", body | {"dispatch": dispatch.id[:-1]}, signer="sms", channel="sms")
        of_a_call = await post(
            rig, "sms/replies", body | {"dispatch": f"{dispatch.case}:call:1:phone"}, signer="sms", channel="sms"
        )
        inputs = [each for each in await rig.inputs(dispatch.resident) if isinstance(each, ResidentReply)]
    assert [each.status_code for each in (*answers, forged, unknown, of_a_call)] == [200, 200, 401, 404, 404]
    assert {each.id for each in inputs} == {f"{dispatch.id}:reply:1"}
    assert {(each.sender, each.text) for each in inputs} == {(ReplySender.RESIDENT, "请打 13900000001")}
    assert without(inputs[0]).text == WITHHELD
    assert "13900000001" not in caplog.text


@pytest.mark.parametrize(
    "result", [Result.ACKNOWLEDGED, Result.WANTS_OPERATOR, Result.WRONG_NUMBER, Result.HUNG_UP, Result.BUSY]
)
async def test_a_call_is_reported_as_the_resident_answered_it(settings: Settings, result: Result) -> None:
    async with rigged(settings, answer=always(result)) as rig:
        await rig.receiving()
        dispatch = await sent(rig, Action.ROBOT_CALL)

        async def answered() -> bool:
            return result.value in await rig.results(dispatch.resident)

        await until(answered)
        told = (await rig.inputs(dispatch.resident))[-1]
        assert isinstance(told, ContactResult)
        assert (told.case, told.step, told.attempt, told.action) == (dispatch.case, dispatch.step, 1, Action.ROBOT_CALL)


@pytest.mark.parametrize(
    ("key", "asked", "usual"),
    [
        ("1", Result.NOTHING_PAID, Result.ACKNOWLEDGED),
        ("2", Result.PAID_SINCE, Result.WANTS_OPERATOR),
        ("3", Result.CONTACTED_AGAIN, Result.HUNG_UP),
        ("9", Result.WRONG_NUMBER, Result.WRONG_NUMBER),
        (None, Result.HUNG_UP, Result.HUNG_UP),
    ],
)
def test_the_keys_of_the_question_a_week_later_are_its_answers(key: str | None, asked: Result, usual: Result) -> None:
    dispatch = parse("raaaaaaaaaaaaaaaa-1:week.week_call:1:phone")
    receipt = VoiceReceipt(id="1", dispatch=dispatch.text, result=CallState.ANSWERED, key=key)
    for action, result in ((Action.WEEK_CALL, asked), (Action.ROBOT_CALL, usual)):
        told = input_of(receipt, dispatch, action, NOW, Tokens(b"a key"))
        assert isinstance(told, ContactResult)
        assert told.result is result


class _Listening(Carrier):
    """A carrier whose receipts are kept instead of sent."""

    def tell(self, key: str, path: str, receipt: dict[str, Any], times: int = 1) -> None:
        self.told.append((self.webhook(path), self.channel(path), receipt))

    told: list[tuple[str, str, dict[str, Any]]]


async def test_the_simulated_telephone_replies_to_the_question_a_week_later() -> None:
    carrier = _Listening(Clock(), "http://127.0.0.1:1", {}, answer=always(Result.CONTACTED_AGAIN))
    carrier.told = []
    order = {"to": "+8613900000001", "action": "week_sms", "text": "?"}
    assert await carrier.later("d", "/sms", order, NOW) == [], "a reply is no receipt"
    await asyncio.sleep(0.05)
    assert carrier.told == [("sms/replies", "sms", {"text": "3"})]
    await carrier.close()


async def test_a_receipt_36_minutes_late_still_arrives(settings: Settings) -> None:
    async with rigged(settings, answer=always(Result.DELIVERED), speed=3600) as rig:
        await rig.receiving()
        await rig.fault(rig.providers.carrier_url, "receipts_late", minutes=36)
        dispatch = await sent(rig, Action.SMS)

        async def arrived() -> bool:
            return "delivered" in await rig.results(dispatch.resident)

        await until(arrived)
        first, last = await rig.inputs(dispatch.resident)
        assert last.at - NOW >= timedelta(minutes=36)
        assert first.id == f"{dispatch.id}:sent"


async def test_a_receipt_is_known_by_the_case_after_the_book_was_lost(settings: Settings) -> None:
    async with rigged(settings, answer=always()) as rig:
        await rig.receiving()
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        answer = await post(rig, "sms", {"id": "1", "dispatch": dispatch.id, "result": "delivered"})
        assert answer.json() == {"input": f"{dispatch.id}:delivered"}


async def test_a_receipt_of_a_call_that_ended_before_it_was_made_is_refused(settings: Settings) -> None:
    async with rigged(settings, answer=always()) as rig:
        await rig.receiving()
        dispatch = dispatch_for((await rig.resident()).id, Action.ROBOT_CALL)
        step = case_of(dispatch).steps[0]
        await rig.decided(dispatch, steps=[step.model_copy(update={"state": StepState.WITHDRAWN, "attempt": 0})])
        body = {"id": "1", "dispatch": dispatch.id, "result": "answered", "key": "1"}
        assert (await post(rig, "voice", body)).status_code == 404
        assert await rig.results(dispatch.resident) == []


async def test_a_receipt_that_kafka_refuses_is_asked_for_again_with_the_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rigged(settings) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        monkeypatch.setattr(producer, "MAX_BYTES", 100)  # as where Kafka is configured wrongly
        rig.producer = make_producer(rig.settings)
        await rig.producer.start()
        rig.stack.push_async_callback(rig.producer.stop)
        await rig.receiving()
        answer = await post(rig, "sms", {"id": "1", "dispatch": dispatch.id, "result": "delivered"})
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
        assert "Kafka refuses" in answer.json()["reason"]


async def test_while_what_was_sent_is_not_known_yet_a_receipt_is_asked_for_again_and_not_refused(
    settings: Settings,
) -> None:
    async with rigged(settings) as rig:
        await rig.receiving()
        unknown = dispatch_for("r" + "a" * 16)
        body = {"id": "1", "dispatch": unknown.id, "result": "delivered"}
        lost = await post(rig, "sms", body)
        state = key("state", await rig.stands(unknown.resident))
        await rig.redis.hset(state, "end", 20)
        behind = await post(rig, "sms", body)
        await rig.redis.hset(state, mapping={"end": 1, "run": "another/one"})
        older = await post(rig, "sms", body)
        await rig.stands(unknown.resident)
        assert [each.status_code for each in (lost, behind, older, await post(rig, "sms", body))] == [
            503,
            503,
            503,
            404,
        ]
        assert "send it again" in lost.json()["reason"]


async def test_what_is_forged_old_malformed_or_unknown_is_refused_with_the_reason(settings: Settings) -> None:
    async with rigged(settings, answer=always()) as rig:
        await rig.receiving()
        dispatch = await sent(rig, Action.SMS)
        good: dict[str, Any] = {"id": "1", "dispatch": dispatch.id, "result": "delivered"}
        stranger = dispatch_for("r" + "a" * 16)
        await rig.stands(stranger.resident)
        refused = {
            401: [await post(rig, "sms", good, key=b"another"), await post(rig, "sms", good, wall=time.time() - 400)],
            400: [
                await post(rig, "sms", good | {"result": "read"}),
                await post(rig, "sms", b"{"),
                await post(rig, "sms", []),
            ],
            404: [
                await post(rig, "sms", good | {"dispatch": stranger.id}),
                await post(rig, "voice", good | {"result": "busy"}),
            ],
            413: [await post(rig, "sms", good | {"detail": "x" * 70_000})],
        }
        for status, answers in refused.items():
            assert {answer.status_code for answer in answers} == {status}
            assert all(answer.json()["reason"] for answer in answers)
        assert refused[413][0].json()["do"]
        assert await rig.results(dispatch.resident) == ["sent"]


async def test_a_receipt_with_a_key_given_twice_or_not_in_utf_8_is_refused_with_the_reason(settings: Settings) -> None:
    async with rigged(settings, answer=always()) as rig:
        await rig.receiving()
        dispatch = await sent(rig, Action.SMS)
        good = orjson.dumps({"id": "1", "dispatch": dispatch.id, "result": "delivered"})
        twice = good[:-1] + b',"result":"busy"}'
        nested = good[:-1] + b',"more":[{"a":1,"a":2}]}'
        chinese = good[:-1] + ',"detail":"已送达"}'.encode("gb18030")
        answers = [await post(rig, "sms", body) for body in (twice, nested, chinese)]
        assert [answer.status_code for answer in answers] == [400, 400, 400]
        reasons = [answer.json()["reason"] for answer in answers]
        assert ["twice" in reason for reason in reasons] == [True, True, False]
        assert "send UTF-8" in reasons[2]
        assert await rig.results(dispatch.resident) == ["sent"]
        assert (await post(rig, "sms", b"\xef\xbb\xbf" + good)).status_code == 200


async def test_a_changed_answer_of_a_bank_needs_a_new_id(settings: Settings) -> None:
    async with rigged(settings) as rig:
        await rig.receiving()
        resident = (await rig.resident()).id
        paid = Payment(transfer="bank:1", payee="a1", amount_fen=5, at=NOW, state=TransferState.SETTLED)
        dispatch = await rig.decided(dispatch_for(resident, Action.STOP_PAYMENT, payment=paid))
        await rig.stands(resident)
        body = {"id": "1", "dispatch": dispatch.id, "transfer": "bank:1", "state": "frozen", "amount_fen": 3}
        changed = body | {"amount_fen": 4}
        answers = [await post(rig, "bank", each) for each in (body, body, changed, changed | {"id": "2"})]
        assert [answer.status_code for answer in answers] == [200, 200, 409, 200]
        assert "under a new id" in answers[2].json()["reason"]
        given = [each for each in await rig.inputs(resident) if isinstance(each, BankFeedback)]
        assert {(each.id, each.amount_fen) for each in given} == {
            (answers[0].json()["input"], 3),
            (answers[3].json()["input"], 4),
        }


async def test_the_accounts_of_a_banks_movements_reach_the_case_as_tokens_and_are_kept_apart(
    settings: Settings,
) -> None:
    numbers = ["9900 0000 0000 0001", "9900000000000002"]
    tokens = [account_token(settings.key(), each) for each in numbers]
    movement: dict[str, Any] = {
        "payer": {"bank": "icbc", "account": numbers[0]},
        "payee": {"bank": "abc", "account": numbers[1]},
        "kind": "transfer",
        "amount_fen": 5,
        "at": NOW.isoformat(),
        "sequence": 7,
    }
    wrong, numbered = movement | {"payee": {"bank": "abc", "account": "?"}}, movement | {"sequence": 10**18}
    async with rigged(settings) as rig:
        await rig.receiving()
        resident = (await rig.resident()).id
        paid = Payment(transfer="bank:1", payee="a1", amount_fen=5, at=NOW, state=TransferState.SETTLED)
        dispatch = await rig.decided(dispatch_for(resident, Action.STOP_PAYMENT, payment=paid))
        await rig.stands(resident)
        body = {"id": "1", "dispatch": dispatch.id, "transfer": "bank:1", "state": "in_force", "bank": "icbc"}
        refused = [
            await post(rig, "bank", body | {"movements": each})
            for each in ([wrong], [movement | {"payee": None}], [movement] * 51)
        ]
        assert [each.status_code for each in refused] == [400, 400, 400]
        assert "9900" not in "".join(each.text for each in refused)
        assert "without movements first" in (await post(rig, "bank", body | {"movements": [numbered]})).json()["do"]
        empty = await post(rig, "bank", body | {"state": "returned"})
        assert (empty.status_code, "returned needs amount_fen" in empty.json()["reason"]) == (400, True)
        past = await post(rig, "bank", body | {"until": (NOW - SECOND).isoformat()})
        assert (past.status_code, past.json()["reason"].partition(":")[0]) == (400, "until lies in the past")
        assert (await post(rig, "bank", body | {"movements": [movement]})).status_code == 200
        given = [each for each in await rig.inputs(resident) if isinstance(each, BankFeedback)]
        outgoing = await rig.worker()
        assert [await outgoing.account(token) for token in tokens] == ["9900000000000001", "9900000000000002"]
        outside = [each.value or b"" async for each in read_all(rig.settings, OUTSIDE_INPUTS.name)]
        (told,) = [ReportedFeedback.model_validate_json(each) for each in outside if resident.encode() in each]
        assert told.accounts == dict(zip(tokens, ["9900000000000001", "9900000000000002"], strict=True))
        assert (told.receipt, told.detail) == ("1", "")
    assert [(each.payer.token, each.payee.token) for each in given[0].movements if each.payee] == [tuple(tokens)]
    assert given[0].bank == "icbc"
    assert "9900" not in given[0].model_dump_json()


@pytest.mark.parametrize("latest", ["erased", "later"])
async def test_an_answer_that_no_case_will_keep_stores_no_account_number(settings: Settings, latest: str) -> None:
    number = "9900000000000003"
    movement = {
        "payer": {"bank": "icbc", "account": number},
        "kind": "cash",
        "amount_fen": 5,
        "at": NOW.isoformat(),
        "sequence": 7,
    }
    async with rigged(settings) as rig:
        await rig.receiving()
        resident = (await rig.resident()).id
        paid = Payment(transfer="bank:1", payee="a1", amount_fen=5, at=NOW, state=TransferState.SETTLED)
        dispatch = dispatch_for(resident, Action.STOP_PAYMENT, payment=paid)
        case = case_of(dispatch, payments=[paid])
        later = case.model_copy(update={"id": f"{resident}-2", "number": 2})
        await rig.store(without(case) if latest == "erased" else later)
        await rig.redis.hset(key("earlier", await rig.stands(resident)), case.id, case.model_dump_json())
        body = {"id": "1", "dispatch": dispatch.id, "transfer": "bank:1", "state": "in_force", "movements": [movement]}
        assert (await post(rig, "bank", body)).status_code == 200
        given = [each for each in await rig.inputs(resident) if isinstance(each, BankFeedback)]
        outgoing = await rig.worker()
        assert await outgoing.account(account_token(settings.key(), number)) is None
    assert [each.movements for each in given] == [[]]
