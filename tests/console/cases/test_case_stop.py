"""A stop-payment that is kept back for some seconds, over HTTP: taken back, or sent."""

import secrets

import pytest

from console.web.auth.who import Who
from console.web.case import acting, answers, kept_back
from console.web.kit.services import Services
from schemas.casework.acts import Act
from schemas.casework.cases import Case, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import OperatorReport
from schemas.codes.people import StopAskedFor
from schemas.codes.refusals import CaseChanged
from schemas.people.staff import StaffRole
from streams.state.keys import KEPT_BACK_ACTS
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, SECONDS, latest, red, send
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

# ------------------------------------------------------------ a stop that is kept back


async def stop(console: Stage, client: Client, case: Case) -> dict[str, object]:
    (payment,) = case.payments
    for _ in range(10):
        now = await latest(console, case)
        answer = await send(client, now, "ask_stop", transfer=payment.transfer, headers=JSON)
        if answer.status_code != 409:
            break
    assert answer.status_code == 202, answer.text
    told: dict[str, object] = answer.json()
    assert told["answer"] == "waiting"
    return told


async def test_a_stop_can_be_taken_back_before_it_is_sent(console: Stage, line: Line, operator: Client) -> None:
    resident, case = await red(line)
    told = await stop(console, operator, case)
    assert "止付即将发出" in (await operator.get(f"/cases/{case.id}")).text
    undone = await operator.post(f"/cases/{case.id}/undo", data={"undo": told["undo"]}, headers=JSON)
    assert (undone.status_code, undone.json()["answer"]) == (200, "done")
    again = await operator.post(f"/cases/{case.id}/undo", data={"undo": told["undo"]}, headers=JSON)
    assert (again.status_code, again.json()["answer"]) == (409, "refused")
    assert not await console.services.line.redis.hexists(KEPT_BACK_ACTS, str(told["undo"]))
    assert StopAskedFor() not in [fact.what for fact in await line.facts(resident)]
    assert await audited(console, "ask-stop-undone", case.id)


async def test_a_stop_goes_to_the_bank_when_its_seconds_are_over_though_the_case_has_changed(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    await stop(console, operator, case)
    await send(operator, case, "note", what="note", note="等银行")

    async def asked() -> bool:
        (payment,) = (await latest(console, case)).payments
        return payment.stop is not None and payment.stop.state in (StopState.ASKED, StopState.IN_FORCE)

    await until(asked, SECONDS)
    await line.settle()
    facts = [fact.what for fact in await line.facts(resident)]
    assert facts.count(StopAskedFor()) == 1
    written = await audited(console, "ask-stop", case.id)
    assert [entry.by for entry in written] == [operator.account.login]


async def test_a_stop_that_was_refused_late_since_the_case_had_changed_is_asked_for_anew(
    console: Stage, line: Line, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a worker starts again: what lies before it is decided on first, and nobody has waited for the answer."""
    resident, case = await red(line)
    written = list[str]()

    def acted(services: Services, who: Who, now: Case, act: Act, name: str) -> OperatorReport:
        message = acting.acted(services, who, now, act, name)
        written.append(message.id)
        return message.model_copy(update={"seen": 1}) if len(written) == 1 else message

    monkeypatch.setattr(kept_back, "acted", acted)
    monkeypatch.setattr(kept_back, "LOST_SECONDS", 0.5)
    monkeypatch.setattr(answers, "ANSWER_SECONDS", 0.0)
    told = await stop(console, operator, case)

    async def gone() -> bool:
        return not await console.services.line.redis.hexists(KEPT_BACK_ACTS, str(told["undo"]))

    await until(gone, SECONDS)
    await line.settle()
    facts = await line.facts(resident)
    assert [fact.what for fact in facts].count(StopAskedFor()) == 1
    assert isinstance(next(fact.what for fact in facts if fact.kind is FactKind.REFUSED), CaseChanged)
    assert len(set(written)) == len(written) > 1


async def test_another_operator_cannot_take_a_stop_back_and_a_supervisor_can(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    told = await stop(console, operator, case)
    async with await console.signed_in(StaffRole.OPERATOR) as other:
        answer = await other.post(f"/cases/{case.id}/undo", data={"undo": told["undo"]}, headers=JSON)
        assert answer.status_code == 409
    async with await console.signed_in(StaffRole.SUPERVISOR) as supervisor:
        answer = await supervisor.post(f"/cases/{case.id}/undo", data={"undo": told["undo"]}, headers=JSON)
        assert answer.status_code == 200


async def test_a_stop_that_was_seen_on_an_old_screen_is_refused_at_once(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    await send(operator, case, "note", what="note", note="x")
    (payment,) = case.payments
    answer = await send(operator, case, "ask_stop", transfer=payment.transfer, headers=JSON)
    assert answer.status_code == 409


async def test_all_stops_are_asked_for_at_once_and_each_is_undone_or_sent_by_itself(
    console: Stage, line: Line, operator: Client
) -> None:
    resident = await line.resident()
    moves = [transfer(line, resident, line.account(), amount_fen=1_000_000 * number) for number in (1, 2, 3)]
    await line.signal(call(line, resident, ongoing=True), *moves)
    await line.settle()
    case = await line.case(resident)
    page = (await operator.get(f"/cases/{case.id}")).text
    assert "全部止付 ¥60,000" in page
    assert page.count("付款行 bank") == 3
    wanted = [payment.transfer for payment in case.payments]
    form = {"form": secrets.token_hex(10), "seen": str(case.version), "do": "ask_stops", "sure": "yes"}
    answer = await operator.post(f"/cases/{case.id}/acts", data={**form, "transfer": wanted}, headers=JSON)
    assert answer.status_code == 202, answer.text
    again = await operator.post(f"/cases/{case.id}/acts", data={**form, "transfer": wanted}, headers=JSON)
    assert again.json()["undo"] == answer.json()["undo"]  # the same form: the same three
    waiting = await console.services.kept_back.waiting(case.id)
    assert sorted(each.body.act.transfer for each in waiting) == sorted(wanted)  # type: ignore[union-attr]  # stops
    assert "全部止付" not in (await operator.get(f"/cases/{case.id}")).text
    undone = await operator.post(f"/cases/{case.id}/undo", data={"undo": answer.json()["undo"]}, headers=JSON)
    assert undone.status_code == 200

    async def asked() -> bool:
        facts = [fact.what for fact in await line.facts(resident)]
        return facts.count(StopAskedFor()) == 2

    await until(asked, SECONDS)
    assert len(await audited(console, "ask-stop-undone", case.id)) == 1


async def test_a_stop_that_is_leaving_or_asked_for_is_not_asked_for_twice(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    await stop(console, operator, case)
    (payment,) = case.payments
    async with await console.signed_in(StaffRole.SUPERVISOR) as colleague:
        for client in (operator, colleague):
            now = await latest(console, case)
            again = await send(client, now, "ask_stops", transfer=payment.transfer, headers=JSON)
            assert (again.status_code, "不会重复发出" in again.json()["words"]) == (422, True)
    assert len(await console.services.kept_back.waiting(case.id)) == 1

    async def asked() -> bool:
        return StopAskedFor() in [fact.what for fact in await line.facts(resident)]

    await until(asked, SECONDS)
    await line.settle()
    again = await send(operator, await line.case(resident), "ask_stops", transfer=payment.transfer, headers=JSON)
    assert again.status_code == 422
    assert [fact.what for fact in await line.facts(resident)].count(StopAskedFor()) == 1


async def test_the_strip_says_how_far_the_stops_are(console: Stage, line: Line, operator: Client) -> None:
    resident, case = await red(line)

    async def strip() -> str:
        text = (await operator.get(f"/cases/{case.id}")).text
        return text.partition('id="stop-strip"')[2].partition("</div>")[0]

    assert "全部止付 ¥30,000" in await strip()
    assert 'data-key="s"' in await strip()
    await stop(console, operator, case)
    assert "止付 ¥30,000 即将发出" in await strip()
    assert 'form="undo" data-key="z"' in await strip()

    async def with_the_bank() -> bool:
        await line.settle()
        return "已发银行" in await strip() or "止付详情" in await strip()

    await until(with_the_bank, SECONDS)
    assert 'form="stops"' not in await strip()
    assert (await line.case(resident)).payments[0].stop is not None


async def test_a_form_without_a_payment_asks_for_no_stop(console: Stage, line: Line, operator: Client) -> None:
    _, case = await red(line)
    answer = await send(operator, case, "ask_stops", headers=JSON)
    assert (answer.status_code, answer.json()["field"]) == (422, "transfer")
