"""A visit that cannot be made in time: the desk reads so where it decides, and sends somebody nearer."""

import re

from schemas.codes.channels import SentInstead
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.stage import Stage
from tests.console.harness.visiting import tasks_of, visiting

FAR = "222401002"  # over 5 hours away, of the 40 minutes in which to arrive
WORDS = re.compile(r"到达约 \d\d:\d\d，晚于时限 [1-9]\d* 分钟")


async def test_the_desk_reads_by_how_much_a_visit_is_too_late_and_sends_somebody_nearer(console: Stage) -> None:
    async with visiting(console, "late-far") as visit:
        case = f"/cases/{visit.task.case}"
        async with (
            await console.signed_in(StaffRole.SUPERVISOR, "") as chief,
            await console.signed_in(StaffRole.OFFICER, officer="late-far") as far,
        ):
            assert not WORDS.search((await chief.get(case)).text)
            await visit.line.officers("late-far", division=FAR)
            page = (await chief.get(case)).text
            assert WORDS.search(page)
            assert "没有更近的空闲人员：请先打电话劝阻" in page
            await visit.line.officers("late-near")
            page, desk = (await chief.get(case)).text, (await chief.get("/desk")).text
            assert WORDS.search(desk)
            assert "赶不上 1 件" in desk
            form = page.partition(f'action="{case}/send-instead"')[2].partition("</form>")[0]
            given = dict(re.findall(r'name="(dispatch|to)" value="([^"]+)"', form))
            assert given == {"dispatch": visit.task.dispatch, "to": "late-near"}
            wrong = await chief.post(f"{case}/send-instead", data=given | {"to": "late-far"})
            assert wrong.status_code == 409
            answer = await chief.post(f"{case}/send-instead", data=given)
            assert (answer.status_code, answer.headers["location"]) == (303, case)
            await visit.line.settle()
            handed = [each for each in await visit.told() if getattr(each, "to", None) == "late-near"]
            assert [each.because for each in handed] == [SentInstead(chief.account.login)]  # type: ignore[union-attr]
            assert [entry.by for entry in await audited(console, "send-instead", visit.task.case)] == [
                chief.account.login
            ]
            assert await tasks_of(far) == []
            gone = (await far.get("/tasks/mine", headers={"accept": "application/json"})).json()["gone"]
            assert [each["why"] for each in gone] == ["已改派更近的人员，不必再去"]
            tasks = (await console.house.line.outgoing.rosters.tasks(console.house.clock.now())).values()
            assert "late-near" in {task.officer for task in tasks if task.case == visit.task.case}
            assert not WORDS.search((await chief.get(case)).text)
