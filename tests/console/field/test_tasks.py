"""The officers' page: what it is told, what it tells, the alarms; sent twice counts once."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from console.web.routes.field.tasks import _listed, _read
from domain.visits.check_in import GLANCE, WITHIN
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.codes.people import InterpreterNeeded
from schemas.codes.visits import OfficerArrived, OfficerOnTheWay, VisitAccepted, VisitAssigned, VisitMade
from schemas.levels import EvidenceClass, Outcome
from schemas.people.alarms import Alarm
from schemas.people.residents import InterpreterLanguage
from schemas.people.rosters import Shift
from schemas.people.staff import StaffRole
from streams.repositories.alarms import Alarms
from streams.state.keys import ALARMS_OPEN, VISIT_TASKS
from streams.state.shared_state import EmptiedError
from tests.console.harness.audit import audited, unaudited
from tests.console.harness.stage import Client, Stage
from tests.console.harness.visiting import NAME, Visiting, act, done, send, stage, tasks_of, visiting
from tests.end_to_end.harness.house import until

MINUTE = timedelta(minutes=1)
DONE = ("done", "")
JSON = {"accept": "application/json"}


async def officer(console: Stage, name: str) -> Client:
    return await console.signed_in(StaffRole.OFFICER, officer=name)


async def alarms(client: Client) -> Sequence[Alarm]:
    answer = await client.get("/alarms", headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return [Alarm.model_validate(each) for each in answer.json()["open"]]


async def alarmed(client: Client, visit: Visiting) -> list[Alarm]:
    """The open alarms of this visit's officer."""
    return [alarm for alarm in await alarms(client) if alarm.officer == visit.task.officer]


# ------------------------------------------------------------ what he is told


async def test_an_officer_sees_who_his_task_is_about_and_that_he_looked_is_recorded_once(console: Stage) -> None:
    async with visiting(console, "tells-1") as visit, await officer(console, "tells-1") as client:
        for _ in range(2):
            (task,) = await tasks_of(client)
        assert (task["who"]["name"], task["who"]["address"]) == (NAME, visit.resident.address)
        assert "****" in task["who"]["phone"]
        assert (task["level"], task["stage"], task["why"] != []) == ("red", "assigned", True)
        assert any(re.search(r"\b\d\d-\d\d \d\d:\d\d\b", why) for why in task["why"]), (
            "a telephone keeps it past midnight"
        )
        assert task["first"][0] == "出示证件；当事人可当面拨打 96110 核实"
        looks = await audited(console, "look-task", by=client.account.login)
        assert [entry.on for entry in looks] == [visit.task.case]


async def test_he_is_told_when_a_visit_no_longer_fits_into_his_shift(console: Stage) -> None:
    words = "下班前来不及完成：请转交"
    async with visiting(console, "ends-1") as visit, await officer(console, "ends-1") as client:
        (task,) = await tasks_of(client)
        assert words not in task["danger"]
        ending = Shift(start=visit.line.began, end=console.house.clock.now() + 10 * MINUTE)
        await visit.line.officers("ends-1", shifts=[ending])
        (task,) = await tasks_of(client)
        assert words in task["danger"]


async def test_the_whole_telephone_is_told_for_a_reason_and_only_of_whom_he_visits(console: Stage) -> None:
    async with (
        visiting(console, "tells-9") as visit,
        await officer(console, "tells-9") as client,
        await officer(console, "tells-10") as other,
    ):
        asked = {"case": visit.task.case, "why": "visiting", "reason": "门口无人应答"}
        assert (await client.get("/tasks/phone", params=asked)).json() == {"phone": "", "seconds": 0}
        assert (await client.post("/unmask", data=asked, headers=JSON)).status_code == 200
        told = (await client.get("/tasks/phone", params=asked)).json()
        assert (told["phone"], told["seconds"] > 0) == (visit.resident.phones[0].value, True)
        assert (await other.post("/unmask", data=asked, headers=JSON)).status_code == 404
        assert (await other.get("/tasks/phone", params=asked)).json()["phone"] == ""


async def test_nobody_elses_tasks_are_told(console: Stage) -> None:
    async with visiting(console, "tells-2"):
        for other in ("nobody", None):
            async with await console.signed_in(StaffRole.OFFICER, officer=other) as client:
                assert await tasks_of(client) == []


async def test_the_page_itself_holds_no_task_so_that_it_may_be_kept(console: Stage) -> None:
    async with visiting(console, "tells-3") as visit, await officer(console, "tells-3") as client:
        page = await client.get("/tasks")
        assert page.status_code == 200
        assert not [text for text in (NAME, visit.resident.address, visit.task.case) if text in page.text]


async def test_the_worker_may_answer_for_the_page_and_keeps_every_script_of_it(console: Stage) -> None:
    async with httpx.AsyncClient(base_url=console.address) as stranger:
        worker = await stranger.get("/tasks/worker.js")
        assert worker.headers["service-worker-allowed"] == "/tasks"
        assert worker.headers["content-type"].startswith("text/javascript")
        for name in ("/static/tasks/app.js", "/static/tasks/store.js", "/static/tasks.css", "/static/quanzu.css"):
            assert f'"{name}"' in worker.text
        assert "__VERSION__" not in worker.text
        manifest = await stranger.get("/tasks/manifest.webmanifest")
        assert manifest.headers["content-type"].startswith("application/manifest+json")
        for icon in manifest.json()["icons"]:
            assert (await stranger.get(icon["src"])).status_code == 200


# ------------------------------------------------------------ what he tells


async def test_an_act_waits_while_redis_has_lost_the_task_and_counts_once_it_is_restored(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def emptied() -> None:
        raise EmptiedError

    async with visiting(console, "waits-1") as visit, await officer(console, "waits-1") as client:
        redis: Any = console.services.line.redis
        raw, accepted = await redis.hget(VISIT_TASKS, visit.task.dispatch), stage(visit, "accepted")
        await redis.hdel(VISIT_TASKS, visit.task.dispatch)
        with monkeypatch.context() as patched:
            patched.setattr(console.services.line.shared, "require_whole", emptied)
            assert await send(client, accepted) == [("waiting", "")]
        await redis.hset(VISIT_TASKS, visit.task.dispatch, raw)
        assert await send(client, accepted) == [DONE]


async def test_an_act_waits_while_redis_has_lost_the_case_and_counts_once_it_is_restored(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(*_: object) -> None:
        """Return neither a case nor that the store is whole."""

    async with visiting(console, "waits-2") as visit, await officer(console, "waits-2") as client:
        accepted = stage(visit, "accepted")
        with monkeypatch.context() as patched:
            patched.setattr(console.services.line.store, "case", missing)
            patched.setattr(console.services.line.store, "is_whole", missing)
            assert await send(client, accepted) == [("waiting", "")]
        assert await send(client, accepted) == [DONE]


async def test_a_visit_from_accepting_to_its_result(console: Stage) -> None:
    async with visiting(console, "goes-1") as visit, await officer(console, "goes-1") as client:
        case = await visit.line.case(visit.resident)
        kept = [{"transfer": case.payments[0].transfer, "evidence": "C", "amount_fen": 3_000_000}]
        acts = [stage(visit, name) for name in ("accepted", "on_the_way", "arrived")]
        assert await send(client, *acts, done(visit, kept=kept)) == [DONE] * 4
        case = await visit.line.case(visit.resident)
        assert (case.state, case.outcome) == (CaseState.DISSUADED, Outcome.DISSUADED)
        assert case.kept[case.payments[0].transfer].evidence is EvidenceClass.C
        told = await visit.told()
        made = told[-1]
        assert [type(what) for what in told[:-1]] == [VisitAssigned, VisitAccepted, OfficerOnTheWay, OfficerArrived]
        assert isinstance(made, VisitMade)
        assert "account_protected" in (made.checked or ())
        assert await tasks_of(client) == []


async def test_what_is_sent_twice_counts_once_and_is_answered_as_before(console: Stage) -> None:
    async with visiting(console, "twice-1") as visit, await officer(console, "twice-1") as client:
        acts = [stage(visit, "accepted"), stage(visit, "arrived"), done(visit)]
        first = await send(client, *acts)
        version = (await visit.line.case(visit.resident)).version
        assert await send(client, *acts) == first == [DONE] * 3
        await visit.line.settle()
        assert (await visit.line.case(visit.resident)).version == version


async def test_an_act_whose_answer_was_lost_is_answered_when_it_comes_again(console: Stage) -> None:
    async with visiting(console, "lost-1") as visit, await officer(console, "lost-1") as client:
        accepted = stage(visit, "accepted")
        await send(client, accepted)
        await console.house.line.redis.set(f"task-act:{accepted['id']}", b"begun")
        assert await send(client, accepted) == [DONE]
        assert len([what for what in await visit.told() if isinstance(what, VisitAccepted)]) == 1


async def test_a_refusal_has_a_reason_and_sends_the_next(console: Stage) -> None:
    async with visiting(console, "refuses-1", "next-1") as visit, await officer(console, "refuses-1") as client:
        silent, told = stage(visit, "refused"), stage(visit, "refused", note="距离太远")
        assert [how for how, _ in await send(client, silent)] == ["refused"]
        assert await send(client, told) == [DONE]
        await visit.line.settle()
        async with await officer(console, "next-1") as other:
            assert [task["case"] for task in await tasks_of(other)] == [visit.task.case]
        assert await tasks_of(client) == []


async def test_a_task_is_handed_over_to_the_colleague_who_was_named(console: Stage) -> None:
    colleagues = ("a-first", "z-last")
    async with visiting(console, "ends-1", *colleagues) as visit, await officer(console, "ends-1") as client:
        assert await send(client, stage(visit, "accepted"), act("hand_over", visit, to="z-last")) == [DONE] * 2
        await visit.line.settle()
        assert await tasks_of(client) == []
        async with await officer(console, "z-last") as other:
            assert [task["case"] for task in await tasks_of(other)] == [visit.task.case]


async def test_a_task_is_handed_over_to_nobody_whom_the_roster_does_not_know(console: Stage) -> None:
    async with visiting(console, "ends-2") as visit, await officer(console, "ends-2") as client:
        assert await send(client, act("hand_over", visit, to="nobody")) == [("refused", "没有这位同事")]
        assert len(await tasks_of(client)) == 1


async def test_an_interpreter_asked_for_is_told_to_the_case(console: Stage) -> None:
    async with visiting(console, "asks-1") as visit, await officer(console, "asks-1") as client:
        assert await send(client, stage(visit, "arrived"), act("interpreter", visit, language="sign")) == [DONE] * 2
        facts = await visit.line.facts(visit.resident, FactKind.NOTE)
        assert (InterpreterNeeded(InterpreterLanguage.SIGN), "asks-1") in [(fact.what, fact.by) for fact in facts]


async def test_anothers_task_is_refused_as_one_that_does_not_exist(console: Stage) -> None:
    async with visiting(console, "owner-1", "thief-1") as visit, await officer(console, "thief-1") as client:
        strange = stage(visit, "accepted", dispatch=visit.task.dispatch.replace(":1:", ":7:"))
        theirs, none = await send(client, stage(visit, "accepted"), strange)
        assert theirs == none == ("refused", "这项任务不在您名下")
        assert not [what for what in await visit.told() if isinstance(what, VisitAccepted)]


async def test_who_sets_out_after_the_case_was_settled_is_told_so(console: Stage) -> None:
    async with visiting(console, "late-1") as visit, await officer(console, "late-1") as client:
        await send(client, stage(visit, "accepted"))
        await visit.line.dissuade(visit.resident, recall=True)
        assert await send(client, stage(visit, "on_the_way")) == [("refused", "预警已了结，不必再去")]
        answer = (await client.get("/tasks/mine")).json()
        assert (answer["tasks"], [task["case"] for task in answer["gone"]]) == ([], [visit.task.case])
        assert re.fullmatch(r"\d\d-\d{4}(-\d\d)*", answer["gone"][0]["number"]), "a number that is easy to say"
        assert await send(client, act("seen", visit)) == [DONE]
        assert (await client.get("/tasks/mine")).json()["gone"] == []


async def test_an_act_is_told_at_the_time_at_which_it_was_done(console: Stage) -> None:
    async with visiting(console, "clock-1") as visit, await officer(console, "clock-1") as client:
        await visit.line.advance(minutes=2)
        now = console.house.clock.now()
        early = stage(visit, "accepted", at=(now - timedelta(days=1)).isoformat())
        then = stage(visit, "on_the_way", at=(now - MINUTE).isoformat())
        future = stage(visit, "arrived", at=(now + timedelta(days=1)).isoformat())
        await send(client, early, then, future)
        events = [event for event in await visit.line.events(visit.resident) if event.input_kind == "officer_report"]
        times = [event.at for event in events][-3:]
        assert times[:2] == [visit.task.at, now - MINUTE]
        assert abs(times[2] - now) < MINUTE


async def test_what_cannot_be_read_holds_up_nothing(console: Stage) -> None:
    async with visiting(console, "reads-1") as visit, await officer(console, "reads-1") as client:
        strange = stage(visit, "flown_there")
        accepted = stage(visit, "accepted")
        answers = await send(client, strange, accepted)
        assert [how for how, _ in answers] == ["refused", "done"]
        for body in (b"", b"[]", b'{"acts": 1}', b"\xff"):
            assert (await client.post("/tasks/acts", content=body)).status_code == 422


# ------------------------------------------------------------ alarms


async def test_a_duress_alarm_is_shown_in_the_officers_area_and_taken_up_by_name(console: Stage) -> None:
    async with (
        visiting(console, "danger-1") as visit,
        await officer(console, "danger-1") as client,
        await console.signed_in(StaffRole.SUPERVISOR) as here,
        await console.signed_in(StaffRole.SUPERVISOR, "2224") as elsewhere,
        await console.signed_in(StaffRole.OPERATOR) as desk,
    ):
        pressed = act("duress", visit, silent=True)
        assert await send(client, pressed, pressed) == [DONE] * 2
        (alarm,) = await alarmed(here, visit)
        assert (alarm.silent, alarm.case, alarm.place) == (True, visit.task.case, visit.resident.division)
        assert await alarmed(desk, visit) == [alarm]
        assert await alarmed(elsewhere, visit) == []
        for other in (elsewhere, desk):
            answer = await other.post(f"/alarms/{alarm.id}/acknowledge", data={"note": "?"})
            assert answer.status_code in (403, 404)
        assert (await here.post(f"/alarms/{alarm.id}/acknowledge", data={"note": "派人支援"})).status_code == 303
        assert await alarmed(here, visit) == []
        taken = await console.house.line.alarms.get(alarm.id)
        assert taken is not None
        assert (taken.acknowledged_by, taken.note) == (here.account.name, "派人支援")
        assert len(await audited(console, "task-duress", by=client.account.login)) == 1
        assert len(await audited(console, "alarm-acknowledged", by=here.account.login)) == 1


async def test_no_alarm_is_taken_up_without_its_audit_entry(console: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        visiting(console, "danger-0") as visit,
        await officer(console, "danger-0") as client,
        await console.signed_in(StaffRole.SUPERVISOR) as here,
    ):
        assert await send(client, act("duress", visit, silent=True)) == [DONE]
        (alarm,) = await alarmed(here, visit)
        with monkeypatch.context() as away:
            unaudited(away)
            answer = await here.post(f"/alarms/{alarm.id}/acknowledge", data={"note": "派人支援"})
        assert answer.status_code == 503
        assert await alarmed(here, visit) == [alarm]
        assert (await here.post(f"/alarms/{alarm.id}/acknowledge", data={"note": "派人支援"})).status_code == 303
        assert await alarmed(here, visit) == []


async def test_an_alarm_outlives_redis(console: Stage) -> None:
    async with visiting(console, "danger-2") as visit, await officer(console, "danger-2") as client:
        await send(client, act("duress", visit))
        await console.house.line.redis.delete(Alarms.place.hash, ALARMS_OPEN)
        await console.house.line.alarms.restore()
        async with await console.signed_in(StaffRole.SUPERVISOR) as here:
            (alarm,) = await alarmed(here, visit)
            await here.post(f"/alarms/{alarm.id}/acknowledge")
        await console.house.line.redis.delete(Alarms.place.hash, ALARMS_OPEN)
        await console.house.line.alarms.restore()
        known = await console.house.line.alarms.get(alarm.id)
        assert known is not None
        assert not known.open


async def test_the_note_on_an_alarm_is_shown_without_numbers(console: Stage) -> None:
    async with (
        visiting(console, "danger-4") as visit,
        await officer(console, "danger-4") as client,
        await console.signed_in(StaffRole.SUPERVISOR) as here,
    ):
        await send(client, act("duress", visit))
        (alarm,) = await alarmed(here, visit)
        await here.post(f"/alarms/{alarm.id}/acknowledge", data={"note": "家属 13900000001"})
        for kind in ("text/html", "application/json"):
            shown = (await here.get("/alarms", headers={"accept": kind})).text
            assert "家属 *******0001" in shown
            assert "13900000001" not in shown


async def test_an_alarm_goes_out_before_what_waits_before_it(console: Stage) -> None:
    async with visiting(console, "danger-3") as visit, await officer(console, "danger-3") as client:
        acts = [stage(visit, "accepted"), act("duress", visit)]
        answer = await client.post("/tasks/acts", json={"acts": acts})
        assert [each["id"] for each in answer.json()["answers"]] == [acts[1]["id"], acts[0]["id"]]


async def test_who_does_not_check_in_at_the_door_in_time_is_looked_after(console: Stage) -> None:
    async with (
        visiting(console, "door-1") as visit,
        await officer(console, "door-1") as client,
        await console.signed_in(StaffRole.SUPERVISOR) as here,
    ):
        await send(client, stage(visit, "accepted"), stage(visit, "arrived"))
        await visit.line.until(console.house.clock.now() + WITHIN - MINUTE)
        assert await send(client, act("check_in", visit)) == [DONE]
        await visit.line.advance(minutes=2)
        assert await alarmed(here, visit) == []
        await visit.line.until(console.house.clock.now() + WITHIN)

        async def shown() -> bool:
            return await alarmed(here, visit) != []

        await until(shown, 20)
        (alarm,) = await alarmed(here, visit)
        assert (alarm.kind.value, alarm.case) == ("check_in_missed", visit.task.case)
        assert await send(client, act("check_in", visit)) == [DONE]
        (alarm,) = await alarmed(here, visit)
        assert alarm.safe_at is not None


async def test_who_has_told_his_result_need_not_check_in(console: Stage) -> None:
    async with (
        visiting(console, "door-2") as visit,
        await officer(console, "door-2") as client,
        await console.signed_in(StaffRole.SUPERVISOR) as here,
    ):
        await send(client, stage(visit, "arrived"), done(visit))
        later = console.house.clock.now() + 2 * WITHIN
        late = await console.house.line.outgoing.rosters.overdue_check_ins(later)
        assert visit.task.dispatch not in [task.dispatch for task in late]
        assert await alarmed(here, visit) == []


async def test_an_alarm_of_an_officer_whom_no_roster_knows_is_raised_all_the_same(console: Stage) -> None:
    async with (
        await console.signed_in(StaffRole.OFFICER) as client,
        await console.signed_in(StaffRole.SUPERVISOR) as here,
    ):
        now = console.house.clock.now().isoformat()
        assert await send(client, act("duress", None, at=now)) == [DONE]
        (alarm,) = [each for each in await alarms(here) if each.officer == client.account.login]
        await here.post(f"/alarms/{alarm.id}/acknowledge")


async def test_many_missed_check_ins_do_not_push_the_overview_away_and_all_are_there(console: Stage) -> None:
    now, made = console.house.clock.now(), console.house.line.alarms
    names = [f"glance-{n}" for n in range(6)]
    for age, name in enumerate(names):
        plain = {"id": name, "kind": "check_in_missed", "at": now - age * MINUTE, "told_at": now, "officer": name}
        await made.raise_(Alarm.model_validate(plain | {"name": name, "area": "220102"}))
    async with await console.signed_in(StaffRole.SUPERVISOR) as here:
        part = (await here.get("/alarms", params={"part": "list"}, headers={"accept": "text/html"})).text
        shown, _, folded = part.partition("<details>")
        assert "其余未按时签到警报" in folded
        assert [name for name in names if f'data-alarm="{name}"' in shown] == names[:GLANCE]
        assert [name for name in names if f'data-alarm="{name}"' in folded] == names[GLANCE:]
        whole = (await here.get("/alarms", params={"part": "all"}, headers={"accept": "text/html"})).text
        assert ("<details>" in whole, all(name in whole for name in names)) == (False, True)
        for name in names:
            await here.post(f"/alarms/{name}/acknowledge")


async def test_signing_out_clears_what_the_browser_has_kept(console: Stage) -> None:
    async with await officer(console, "leaves-1") as client:
        answer = await client.post("/sign-out")
        assert (answer.status_code, answer.headers["clear-site-data"]) == (303, '"storage"')


def test_an_act_with_half_a_character_is_unreadable_and_holds_up_no_other() -> None:
    good = {"id": "0" * 32, "at": "2026-03-01T03:12:00Z", "do": "stage", "dispatch": "d", "stage": "accepted"}
    torn = good | {"id": "1" * 32, "stage": "refused", "note": "不去了\ud83d"}
    listed = _listed(json.dumps({"acts": [torn, good]}).encode())
    assert listed is not None
    assert [each if isinstance(each, str) else each.id for each in map(_read, listed)] == ["1" * 32, "0" * 32]
    assert isinstance(_read(torn), str)
    assert _listed(b"[" * 100_000) is None
