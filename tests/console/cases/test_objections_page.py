"""Objections at the release desk: one takes it down, another reviews it, and the bank lifts the stop once."""

from datetime import timedelta

from console.web.kit.described import WordedCase
from console.web.kit.wording import wording
from console.web.overview.needs import needs
from domain.desk.attention import Concern
from domain.identity.own_words import masked_words
from schemas.casework.cases import Case, StopState
from schemas.casework.objections import ObjectionState, WrongfulCause
from schemas.levels import Action
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.stage import Stage
from tests.console.harness.stops import Stopped, hidden, stopped
from tests.end_to_end.harness.house import until

DESK = StaffRole.RELEASE_DESK
SAID = "这是我的工资，请打 13900000001"


async def listed(console: Stage, case: Case, state: ObjectionState) -> None:
    """Return when the console's figures have the case's objection in this state."""
    book = console.services.figures.book

    async def seen() -> bool:
        return any(line.case == case.id and line.objection.state is state for line in book.objections.values())

    await until(seen, 10.0)


async def objected(console: Stage) -> tuple[Stopped, str]:
    """A stop to which the account's holder objects at the centre; the objection's page."""
    stop = await stopped(console)
    name = await stop.line.object_to(stop.resident, SAID)
    await listed(console, stop.case, ObjectionState.WAITING)
    return stop, f"/release/objections/{stop.case.id}/{name}"


async def test_who_takes_an_objection_down_cannot_review_it_and_another_lifts_the_stop_once(console: Stage) -> None:
    stop = await stopped(console)
    order = f"/release/orders/{stop.case.id}/stop.0"
    begin = f"/release/objections/{stop.case.id}/stop.0"
    anna, ben = await console.signed_in(DESK), await console.signed_in(StaffRole.SUPERVISOR)
    async with anna, ben:
        assert f'href="{begin}/new"' in (await anna.get(order)).text
        given = {
            "form": hidden((await anna.get(f"{begin}/new")).text, "form"),
            "who": "holder",
            "ground": "lawful_payment",
        }
        for wrong in (
            {"text": ""},
            {"text": "工资", "who": "god"},
            {"text": "工资", "ground": ""},
            {"text": "x" * 1901},
        ):
            assert (await anna.post(f"{begin}/take", data=given | wrong)).status_code == 422
        taken = await anna.post(f"{begin}/take", data=given | {"text": SAID})
        assert taken.status_code == 303, taken.text
        path = taken.headers["location"]
        again = await anna.post(f"{begin}/take", data=given | {"text": SAID})
        assert (again.status_code, again.headers["location"]) == (303, path), "a form sent twice counts once"
        other = await ben.post(f"{begin}/take", data=given | {"form": "a" * 20, "text": SAID})
        assert other.status_code == 409, "one objection waits already"
        await listed(console, stop.case, ObjectionState.WAITING)
        for page in ((await ben.get("/release")).text, (await ben.get("/release/objections")).text):
            assert f'href="{path}"' in page
        page = (await anna.get(path)).text
        assert "13900000001" not in page, "what was said is masked"
        assert "须由另一人复核" in page
        verdict = {"form": "b" * 20, "upheld": "yes", "cause": "lawful_payment", "reason": "工资流水已核对"}
        assert (await anna.post(f"{path}/decide", data=verdict)).status_code == 409
        for wrong in (
            {"reason": ""},
            {"cause": ""},
            {"cause": "none"},
            {"compensation": "-3"},
            {"compensation": "1e9"},
        ):
            assert (await ben.post(f"{path}/decide", data=verdict | wrong)).status_code == 422
        for _ in range(2):
            decided = await ben.post(f"{path}/decide", data=verdict | {"compensation": "1,200.50"})
            assert decided.status_code == 303, decided.text
        against = await ben.post(f"{path}/decide", data=verdict | {"form": "c" * 20, "upheld": "no"})
        assert against.status_code == 409, "it is decided once"
        page = (await ben.get(path)).text
        assert "¥1,200.50" in page
        assert f'href="{begin}/new"' not in (await ben.get(order)).text
    await stop.line.advance(minutes=2)
    case = await stop.now()
    (made,) = case.objections
    assert (made.state, made.cause) == (ObjectionState.UPHELD, WrongfulCause.LAWFUL_PAYMENT)
    assert (made.compensation_fen, made.by, made.decided_by) == (120_050, anna.account.login, ben.account.login)
    stop.line.expect_stop(stop.mule)
    stop.line.expect_stop(stop.mule, Action.STOP_RELEASE)
    assert stop.line.bank.left == []
    assert case.payments[0].stop is not None
    assert case.payments[0].stop.state is StopState.RELEASED
    assert await audited(console, "object-stop", case.id, anna.account.login)
    entries = await audited(console, "decide-objection", case.id, ben.account.login)
    assert {entry.reason for entry in entries} == {"工资流水已核对"}


async def test_a_rejected_objection_keeps_the_stop_and_a_false_report_names_its_source(console: Stage) -> None:
    stop, path = await objected(console)
    verdict = {"form": "d" * 20, "upheld": "no", "reason": "资金来源不明", "cause": "false_report", "compensation": "x"}
    async with await console.signed_in(DESK) as anna:
        unseen = verdict | {"reason": "\x02\u200b\x96"}
        assert (await anna.post(f"{path}/decide", data=unseen)).status_code == 422
        assert (await anna.post(f"{path}/decide", data=verdict)).status_code == 303
        assert "异议不成立" in (await anna.get(path)).text
        (rejected,) = (await stop.now()).objections
        assert (rejected.cause, rejected.compensation_fen, rejected.source) == (None, 0, None)
        name = await stop.line.object_to(stop.resident, "再次提出")
        path = f"/release/objections/{stop.case.id}/{name}"
        verdict = {"form": "e" * 20, "upheld": "yes", "cause": "false_report", "reason": "报案人承认编造"}
        assert (await anna.post(f"{path}/decide", data=verdict)).status_code == 303
        await listed(console, stop.case, ObjectionState.UPHELD)
        source = (await stop.now()).objections[-1].source
        page = (await anna.get("/release/objections")).text
        assert f'<th scope="row">{source}</th><td class="number">1</td>' in page
        assert page.count("异议不成立") == 1


async def test_an_overdue_objection_needs_the_supervisor(console: Stage) -> None:
    stop, path = await objected(console)
    made = console.services
    async with await console.signed_in(StaffRole.SUPERVISOR) as sue:
        who = await made.sessions.find(sue.token)
        assert who is not None
        now = console.house.clock.now()

        async def late(hours: float) -> list[object]:
            found = await needs(made, who, [], {}, now + timedelta(hours=hours))
            return [each.about for each in found.shown if each.topic is Concern.OBJECTION]

        assert await late(3.9) == []
        assert await late(4.1) == [line for line in made.figures.book.objections.values() if line.case == stop.case.id]
        console.house.clock.move_to(now + timedelta(hours=4, minutes=1))
        await stop.line.settle()
        page = (await sue.get("/desk")).text
        assert f'href="{path}"' in page
        assert "止付异议超时" in page


async def test_a_program_reads_no_words_of_an_objection(console: Stage) -> None:
    stop, _ = await objected(console)
    case = await stop.now()
    shown = WordedCase.of(case, wording("zh"), masked_words)
    assert [(each.text, each.reason, each.receipt) for each in shown.objections] == [("", "", "")]
    assert SAID not in shown.model_dump_json()
