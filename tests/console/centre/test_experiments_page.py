"""Experiments on the console: drafted by one person, started by another, read by both, and stopped by one for good."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import tomlkit

from console.web.kit.pages import environment
from domain.experiments.outcomes import Observed
from domain.experiments.reading import read_experiment
from domain.policy.experiments.arms import Arm
from schemas.casework.experiments import Assignment
from schemas.casework.inputs import PolicyChange
from schemas.casework.policies import InForce
from schemas.people.staff import StaffRole
from streams.messaging import case_inputs
from streams.operations import rules
from streams.state.keys import EXPERIMENT_READINGS, EXPERIMENTS_READING
from tests.console.harness.audit import audited
from tests.console.harness.rosters import field, supervisor
from tests.console.harness.stage import Client, Stage
from tests.domain.experiments.plans import WORDING, approval, fields

WHOLE = ""  # the area of who answers for the province


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def as_before(console: Stage) -> AsyncIterator[None]:
    """No worker reads an experiment during a test, and the province's policy is in force again afterwards."""
    await console.house.line.redis.set(EXPERIMENTS_READING, "test")
    yield
    await console.house.line.redis.delete(EXPERIMENTS_READING)
    await rules.publish(console.house.line, console.house.settings.policy.read_text("utf-8"), "test", override="over")
    await console.house.settle([])


def text_with(console: Stage, name: str, **changes: object) -> str:
    """The province's policy with an experiment that has been running for 40 days."""
    now = console.house.clock.now()
    day = {"on": (now - timedelta(days=90)).date()}
    plan = fields(
        starts=(now - timedelta(days=40)).isoformat(),
        ends=(now + timedelta(days=60)).isoformat(),
        registered_on=day["on"],
        ethics=approval() | day,
        waiver=approval() | day,
        **changes,
    )
    plain = console.house.settings.policy.read_text("utf-8")
    return f"{plain}# {next(console.numbers)}\n{tomlkit.dumps({'experiments': {name: plan}})}"


async def drafted(client: Client, text: str) -> str:
    shown = (await client.get("/policies")).text
    files = {"file": ("my.toml", text.encode())}
    answer = await client.post("/policies/drafts", data={"form": field(shown, "form")}, files=files)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def published(client: Client, address: str) -> int:
    shown = (await client.get(address)).text
    data = {"form": field(shown, "form"), "seen": field(shown, "seen"), "reason": "looked at and right"}
    return (await client.post(f"{address}/publish", data=data)).status_code


async def started(console: Stage, name: str, **changes: object) -> None:
    text = text_with(console, name, **changes)
    await rules.publish(console.house.line, text, "li", others=["wang"])
    await console.house.settle([])


async def stop(client: Client, name: str, reason: str) -> int:
    shown = (await client.get("/experiments")).text
    data = {"form": field(shown, "form"), "seen": name, "reason": reason}
    return (await client.post(f"/experiments/{name}/stop", data=data)).status_code


async def test_one_drafts_an_experiment_and_another_starts_it(console: Stage) -> None:
    name = f"wording_{next(console.numbers)}"
    async with await supervisor(console, WHOLE) as writer, await supervisor(console, WHOLE) as approver:
        address = await drafted(writer, text_with(console, name))
        assert await published(writer, address) == 409
        assert name not in (await writer.get("/experiments")).text
        assert await published(approver, address) == 303
        await console.house.settle([])
        shown = (await writer.get("/experiments")).text
    assert "进行中" in shown
    assert "省伦理委员会" in shown
    assert "还没有读数" in shown


async def test_a_plan_that_has_started_is_not_altered_and_the_page_says_why(console: Stage) -> None:
    name = f"wording_{next(console.numbers)}"
    await started(console, name)
    async with await supervisor(console, WHOLE) as writer, await supervisor(console, WHOLE) as approver:
        address = await drafted(writer, text_with(console, name, minimal_effect=0.06))
        shown = (await approver.get(address)).text
        data = {"form": field(shown, "form"), "seen": field(shown, "seen"), "reason": "a better plan"}
        answer = await approver.post(f"{address}/publish", data=data)
    assert answer.status_code == 409
    assert f"对照试验 {name} 已经开始" in answer.text


async def test_the_page_shows_arms_missing_outcomes_and_the_sequence_in_each_language(console: Stage) -> None:
    name = f"wording_{next(console.numbers)}"
    await started(console, name)
    line, now = console.house.line, console.house.clock.now()
    policy = await line.policies.live()
    plan = policy.experiments[name]
    seen = []
    for number in range(240):
        arm, left = ("short", 0) if number % 2 else ("usual", plan.cap_fen)
        at = plan.starts + timedelta(hours=number)
        given = Assignment(arm=arm, unit=f"r{number}", propensity=0.5, at=at, observed=number != 5)
        seen.append(Observed(given, None if number == 5 else left))
    reading = read_experiment(name, plan, seen, policy.hash, now)
    await line.redis.hset(EXPERIMENT_READINGS, name, reading.model_dump_json())
    async with await supervisor(console, WHOLE) as client:
        shown = (await client.get("/experiments")).text
        assert "仅凭此项结果无法判断：计入的转出更少" in shown
        assert "只计入办结前升至橙色或红色的预警中的付款" in shown
        assert "策略草稿" not in shown
        assert re.search(r"<code>usual</code> \(对照\)</th><td[^>]*>0.5</td><td[^>]*>120</td>", shown)
        assert shown.count("<polyline") == 4
        assert "100.0 %" in shown
        for language, words in (("en", "Not decidable from this outcome"), ("ko", "판단할 수 없음")):
            assert words in (await client.get("/experiments", headers={"accept-language": language})).text


async def test_one_person_stops_an_experiment_for_good(console: Stage) -> None:
    name = f"wording_{next(console.numbers)}"
    await started(console, name)
    async with await supervisor(console, WHOLE) as client:
        assert await stop(client, "other", "it is not there") == 404
        assert await stop(client, name, "") == 422
        assert await stop(client, name, "ethics board asked for it") == 303
        await console.house.settle([])
        assert "已停止" in (await client.get("/experiments")).text
        assert await audited(console, "experiment-stopped", on=name, by=client.account.login)
    live = await console.house.line.policies.live()
    assert live.experiments[name].stopped_at is not None


async def test_a_stop_sent_again_before_the_workers_know_of_it_does_nothing(console: Stage) -> None:
    name = f"wording_{next(console.numbers)}"
    await started(console, name)
    async with await supervisor(console, WHOLE) as client:
        shown = (await client.get("/experiments")).text
        data = {"form": field(shown, "form"), "seen": name, "reason": "ethics board asked for it"}
        await rules.stop_experiment(console.house.line, name, "watch", "it does harm")
        assert (await client.post(f"/experiments/{name}/stop", data=data)).status_code == 303
        assert await audited(console, "experiment-stopped", on=name) == []
        await console.house.settle([])


async def test_an_experiment_that_no_line_can_stop_is_refused_with_what_to_do(console: Stage) -> None:
    """The settings' file may hold such a one: nobody checked it as `publish` does."""
    line, name = console.house.line, f"wording_{next(console.numbers)}"
    table = tomlkit.inline_table()
    table.update(tomlkit.parse(text_with(console, name)).unwrap()["experiments"][name])
    inline = f"experiments.{name} = {table.as_string()}\n{console.house.settings.policy.read_text('utf-8')}"
    policy = await line.policies.publish(inline)
    await line.policies.store_in_force(InForce(policy=policy.hash, good=policy.hash, since=rules.ALWAYS, by="test"))
    change = PolicyChange(id=name, at=console.house.clock.now(), policy=policy.hash, by="test", reason="")
    await line.producer.send_all(case_inputs.to_all(change, range(line.settings.partitions)))
    await console.house.settle([])
    async with await supervisor(console, WHOLE) as client:
        shown = (await client.get("/experiments")).text
        data = {"form": field(shown, "form"), "seen": name, "reason": "ethics board asked for it"}
        answer = await client.post(f"/experiments/{name}/stop", data=data)
    assert answer.status_code == 409
    assert f"对照试验 {name} 须单独写成" in answer.text
    assert await audited(console, "experiment-stopped", on=name) == []


async def test_an_auditor_sees_experiments_and_cannot_stop_one(console: Stage) -> None:
    name = f"wording_{next(console.numbers)}"
    await started(console, name)
    async with await console.signed_in(StaffRole.AUDITOR, WHOLE) as client:
        shown = await client.get("/experiments")
        assert shown.status_code == 200
        assert "/stop" not in shown.text


ALL: dict[str, Any] = {"sms": WORDING, "after": {"visit": "4h"}, "caller": {"call": "operator"}, "remind_after": "14d"}
SAID = {
    "zh": "另拟短信, 提前步骤, 坐席代替自动外呼, 劝阻后 14 天再次提醒",
    "en": "text of its own, earlier steps, an operator makes the automated call, "
    "reminded 14 d after they were dissuaded",
    "ko": "별도 문자, 단계 앞당김, 상담원이 자동 전화를 대신함, 설득 14일 뒤 재알림",
}


@pytest.mark.parametrize(("language", "said"), SAID.items())
async def test_the_page_says_what_an_arm_does(language: str, said: str) -> None:
    does: Any = vars(environment(language).get_template("experiment_arms.html").module)["does"]
    assert does(Arm.model_validate({"weight": 0.5, **ALL})).strip() == said
    assert said not in does(Arm(weight=0.5))
