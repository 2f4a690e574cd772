"""Policies at the console: drafted by one, published by another, taken back by one click; wrong ones named by line."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from console.web.policies.forms import partition_policies
from console.web.policies.preview import Stage as PreviewStage
from schemas.administration.drafts import DraftState
from schemas.levels import Level
from schemas.people.staff import StaffRole
from schemas.risk.signals import App, AppKind
from streams.messaging.producer import Record
from streams.messaging.topics import CASE_INPUTS, POLICIES, Topic
from streams.operations import rules
from tests.console.harness.audit import audited, unaudited
from tests.console.harness.rosters import field, supervisor
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.house import until

WHOLE = ""  # the area of who answers for the province
PREVIEW_SECONDS = 60.0


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def as_before(console: Stage) -> AsyncIterator[None]:
    """The province's policy is in force again when a test has ended."""
    yield
    line = console.house.line
    text = console.house.settings.policy.read_text("utf-8")
    standing = await line.policies.in_force()
    if standing and standing.policy != (await line.policies.publish(text)).hash:
        await rules.publish(line, text, "test", override="the test is over")
        await console.house.settle([])


def policy(console: Stage, *changes: tuple[str, str]) -> str:
    """The province's policy, made different from every other test's."""
    text = console.house.settings.policy.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return f"{text}# {next(console.numbers)}\n"


async def drafted(client: Client, text: str) -> str:
    """Upload a draft; returns its page's address."""
    shown = (await client.get("/policies")).text
    answer = await client.post(
        "/policies/drafts", data={"form": field(shown, "form")}, files={"file": ("my.toml", text.encode())}
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def decide(client: Client, address: str, what: str, **fields: str) -> httpx.Response:
    """Send a form of a draft's page as it stands."""
    shown = (await client.get(address)).text
    seen = re.search(r'name="seen" value="(\d+)"', shown)
    data = {"form": field(shown, "form"), "seen": seen[1] if seen else "", **fields}
    return await client.post(f"{address}{what}", data=data)


async def in_force(console: Stage) -> str:
    return (await rules.standing(console.house.line)).policy


@asynccontextmanager
async def two(console: Stage) -> AsyncIterator[tuple[Client, Client]]:
    """Two supervisors of the whole province."""
    async with await supervisor(console, WHOLE) as one, await supervisor(console, WHOLE) as other:
        yield one, other


async def test_a_draft_is_seen_and_changed_in_its_own_area_only(console: Stage) -> None:
    async with (
        await supervisor(console, "2202") as writer,
        await supervisor(console, "2224") as elsewhere,
        await supervisor(console, WHOLE) as whole,
    ):
        address = await drafted(writer, policy(console))
        name = address.rpartition("/")[2]
        for path in (address, f"{address}/preview"):
            assert (await elsewhere.get(path)).status_code == 404
            assert (await whole.get(path)).status_code == 200
        for what in ("", "/drop", "/preview", "/publish", "/shadow"):
            answer = await elsewhere.post(f"{address}{what}", data={"seen": "1", "text": "x", "reason": "as I like"})
            assert answer.status_code == 404, what
        assert name not in (await elsewhere.get("/policies")).text
        assert name in (await whole.get("/policies")).text
        draft = await console.house.line.drafts.get(name)
        assert draft is not None
        assert (draft.state, draft.version, draft.area) == (DraftState.OPEN, 1, "2202")


async def test_who_wrote_a_draft_does_not_publish_it_and_a_second_person_does(console: Stage) -> None:
    before = await in_force(console)
    async with two(console) as (writer, reviewer):
        address = await drafted(writer, policy(console, ("red = 4.0 }", "red = 4.5 }")))
        own = await decide(writer, address, "/publish", reason="it is good")
        assert own.status_code == 409
        assert "另一人" in own.text
        assert await in_force(console) == before
        answer = await decide(reviewer, address, "/publish", reason="looked at and right")
        assert answer.status_code == 303, answer.text
    after = await in_force(console)
    assert after != before
    draft = await console.house.line.drafts.get(address.rpartition("/")[2])
    assert draft is not None
    assert (draft.state, draft.policy) == (DraftState.PUBLISHED, after)
    assert await audited(console, "policy-approved", by=reviewer.account.login)


async def test_a_publication_that_was_cut_off_is_noted_by_pressing_again_and_begins_no_trial_anew(
    console: Stage,
) -> None:
    async with two(console) as (writer, reviewer):
        text = policy(console, ("red = 4.0 }", "red = 4.3 }"))
        address = await drafted(writer, text)
        await rules.publish(console.house.line, text, reviewer.account.login)  # and no further: the draft stands open
        await console.house.settle([])
        before = await rules.standing(console.house.line)
        assert "这份策略已在执行" in (await reviewer.get(address)).text
        assert (await decide(writer, address, "/publish", reason="it is good")).status_code == 409
        answer = await decide(reviewer, address, "/publish", reason="looked at and right")
        assert answer.status_code == 303, answer.text
        assert "这份策略已在执行" not in (await reviewer.get(address)).text
    assert await rules.standing(console.house.line) == before
    draft = await console.house.line.drafts.get(address.rpartition("/")[2])
    assert draft is not None
    assert (draft.state, draft.policy) == (DraftState.PUBLISHED, before.policy)


async def test_who_changed_a_draft_afterwards_does_not_publish_it_either(console: Stage) -> None:
    before = await in_force(console)
    async with two(console) as (writer, other):
        address = await drafted(writer, policy(console))
        saved = await decide(other, address, "", text=policy(console, ('soon = "1m"', 'soon = "2m"')))
        assert saved.status_code == 303, saved.text
        for client in (writer, other):
            assert (await decide(client, address, "/publish", reason="now")).status_code == 409
    assert await in_force(console) == before


async def test_nothing_is_published_without_a_reason_or_after_it_was_changed(console: Stage) -> None:
    before = await in_force(console)
    async with two(console) as (writer, reviewer):
        address = await drafted(writer, policy(console))
        assert (await decide(reviewer, address, "/publish", reason=" ")).status_code == 409
        shown = (await reviewer.get(address)).text
        await decide(writer, address, "", text=policy(console))
        data = {"form": field(shown, "form"), "seen": "1", "reason": "as I saw it"}
        assert (await reviewer.post(f"{address}/publish", data=data)).status_code == 409
    assert await in_force(console) == before


async def test_a_part_of_the_province_may_draft_and_see_but_not_publish(console: Stage) -> None:
    async with two(console) as (_, whole), await supervisor(console) as part:
        address = await drafted(part, policy(console))
        page = await part.get(address)
        assert page.status_code == 200
        assert f"{address}/publish" not in page.text
        theirs = await drafted(whole, policy(console))
        own = dict.fromkeys((f"{address}/publish", f"{address}/shadow", "/policies/back", "/policies/shadow/end"), 403)
        for path, status in {**own, f"{theirs}/publish": 404, f"{theirs}/shadow": 404}.items():
            answer = await part.post(path, data={"form": "x", "seen": "1", "reason": "because"})
            assert answer.status_code == status, path


async def test_a_wrong_file_is_kept_and_named_with_its_line(console: Stage) -> None:
    wrong = policy(console, ('soon = "1m"', 'soon = "1"'))
    line = 1 + wrong[: wrong.index('soon = "1"')].count("\n")
    async with two(console) as (writer, reviewer):
        address = await drafted(writer, wrong)
        page = (await writer.get(address)).text
        assert f'data-line="{line}"' in page
        assert "plan.soon" in page
        assert "时长要写单位" in page
        assert (await decide(reviewer, address, "/publish", reason="looks fine")).status_code == 409
        assert (await decide(writer, address, "/preview")).status_code == 422


async def test_a_file_that_is_no_text_is_refused(console: Stage) -> None:
    async with await supervisor(console) as client:
        shown = (await client.get("/policies")).text
        answer = await client.post(
            "/policies/drafts", data={"form": field(shown, "form")}, files={"file": ("my.toml", b"name = \xff")}
        )
        assert answer.status_code == 422
        assert "UTF-8" in answer.text


async def test_the_difference_is_told_in_words_and_by_line(console: Stage) -> None:
    async with await supervisor(console) as client:
        address = await drafted(client, policy(console, ("red = 4.0 }", "red = 5.5 }"), ('soon = "1m"', 'soon = "3m"')))
        page = (await client.get(address)).text
        for words in ("等级门槛", "时钟", "4.0", "5.5", "3m", "<ins>", "<del>"):
            assert words in page


async def test_one_click_takes_the_policy_back(console: Stage) -> None:
    before = await in_force(console)
    async with two(console) as (writer, reviewer):
        address = await drafted(writer, policy(console, ("red = 4.0 }", "red = 4.4 }")))
        await decide(reviewer, address, "/publish", reason="looked at and right")
        bad = await in_force(console)
        shown = (await writer.get("/policies")).text
        data = {"form": field(shown, "form"), "seen": bad, "reason": "too many reds"}
        answer = await writer.post("/policies/back", data=data)
        assert answer.status_code == 303, answer.text
        assert await in_force(console) == before
        assert (await writer.post("/policies/back", data=data)).status_code == 409, "it is not in force any more"
        assert bad[:8] in (await writer.get("/policies")).text, "it stays in the history"


def interrupted(console: Stage, monkeypatch: pytest.MonkeyPatch, topic: Topic) -> None:
    """From now on, Kafka takes no records of a topic in time."""
    producer = console.services.line.producer
    real = producer.send_all

    async def cut(records: Sequence[Record]) -> int:
        if any(record.topic == topic.name for record in records):
            raise TimeoutError
        return await real(records)

    monkeypatch.setattr(producer, "send_all", cut)


async def test_a_return_that_was_interrupted_is_completed_by_its_form_or_from_the_page(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await in_force(console)
    for again in ("form", "page"):
        async with two(console) as (writer, reviewer):
            address = await drafted(writer, policy(console, ("red = 4.0 }", "red = 4.6 }")))
            await decide(reviewer, address, "/publish", reason="looked at and right")
            await console.house.settle([])
            bad, shown = await in_force(console), (await writer.get("/policies")).text
            data = {"form": field(shown, "form"), "seen": bad, "to": first, "reason": "too many reds"}
            with monkeypatch.context() as away:
                interrupted(console, away, CASE_INPUTS)
                answer = await writer.post("/policies/back", data=data)
            assert answer.status_code == 503
            assert f"策略 {first[:8]} 已定为现行策略，0/" in answer.text
            assert set(await partition_policies(console.services)) == {bad}
            record = await rules.standing(console.house.line)
            if again == "page":
                data = {"form": field(answer.text, "form"), "seen": first, "to": first}
            for _ in range(2):
                assert (await writer.post("/policies/back", data=data)).status_code == 303
            await console.house.settle([])
            assert set(await partition_policies(console.services)) == {first}
            assert await rules.standing(console.house.line) == record, "no new period begins"
            assert "完成切换" not in (await writer.get("/policies")).text


async def test_a_publication_without_kafka_says_what_is_in_force_and_may_be_repeated(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await in_force(console)
    async with two(console) as (writer, reviewer):
        address = await drafted(writer, policy(console, ("red = 4.0 }", "red = 4.7 }")))
        with monkeypatch.context() as away:
            interrupted(console, away, POLICIES)
            answer = await decide(reviewer, address, "/publish", reason="looked at and right")
            assert answer.status_code == 503
            assert f"未生效，现行策略仍是 {before[:8]}" in answer.text
        with monkeypatch.context() as away:
            interrupted(console, away, CASE_INPUTS)
            answer = await decide(reviewer, address, "/publish", reason="looked at and right")
            assert answer.status_code == 503
            assert "已定为现行策略，0/" in answer.text
        record = await rules.standing(console.house.line)
        assert (await decide(reviewer, address, "/publish", reason="looked at and right")).status_code == 303
        await console.house.settle([])
    assert record.policy != before
    assert set(await partition_policies(console.services)) == {record.policy}
    assert await rules.standing(console.house.line) == record
    draft = await console.house.line.drafts.get(address.rpartition("/")[2])
    assert draft and draft.state is DraftState.PUBLISHED  # noqa: PT018


async def test_of_two_who_save_the_second_keeps_his_text_and_sees_the_other_s(console: Stage) -> None:
    async with two(console) as (one, other):
        address = await drafted(one, policy(console))
        shown = (await other.get(address)).text
        theirs = policy(console, ('soon = "1m"', 'soon = "4m"'))
        await decide(one, address, "", text=theirs)
        mine = policy(console, ('retry = "15s"', 'retry = "25s"'))
        data = {"form": field(shown, "form"), "seen": "1", "text": mine}
        answer = await other.post(address, data=data)
        assert answer.status_code == 409
        assert "retry = &#34;25s&#34;" in answer.text
        assert "soon = &#34;4m&#34;" in answer.text


async def test_no_draft_is_made_saved_or_dropped_without_its_audit_entry(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await supervisor(console, WHOLE) as writer:
        address = await drafted(writer, policy(console))
        name, later = address.rpartition("/")[2], policy(console, ('soon = "1m"', 'soon = "3m"'))
        with monkeypatch.context() as away:
            unaudited(away)
            assert (await decide(writer, address, "", text=later)).status_code == 503
            assert (await decide(writer, address, "/drop")).status_code == 503
        draft = await console.house.line.drafts.get(name)
        assert draft is not None
        assert (draft.state, draft.version) == (DraftState.OPEN, 1)
        assert (await decide(writer, address, "", text=later)).status_code == 303
        assert (await decide(writer, address, "/drop")).status_code == 303
        acts = [entry.act for entry in await audited(console, on=name)]
    assert acts == ["policy-drafted", "policy-draft-saved", "policy-draft-dropped"]


async def test_a_draft_is_previewed_on_the_evidence_of_the_last_days(console: Stage) -> None:
    line = console.line()
    resident = await line.resident()
    app = App(
        source="web",
        id=f"app-{next(console.numbers)}",
        at=console.house.clock.now(),
        phone=resident.phones[0].value,
        app_kind=AppKind.LOAN,
        target="loan.example",
    )
    await line.signal(app)
    async with await supervisor(console) as client:
        address = await drafted(client, policy(console, ("orange = -3.0", "orange = -6.9")))
        assert (await decide(client, address, "/preview")).status_code == 303

        draft = await console.house.line.drafts.get(address.rpartition("/")[2])
        assert draft is not None
        live = await console.house.line.policies.text(await in_force(console))
        preview = console.app.state.previews.find(live, draft.text)

        async def done() -> bool:
            return preview.stage is not PreviewStage.RUNNING

        await until(done, PREVIEW_SECONDS)
        assert preview.live.levels[Level.YELLOW] > preview.draft.levels[Level.YELLOW]
        assert preview.draft.levels[Level.ORANGE] > preview.live.levels[Level.ORANGE]
        page = (await client.get(address)).text
        assert "有证据的居民" in page
        assert "需要工时" in page
        moved = preview.effects
        assert [each.level for each in moved] == [Level.ORANGE, Level.YELLOW]
        assert all(f"{each.before}→{each.after}" in page for each in moved)
        async with await supervisor(console, WHOLE) as reviewer:
            before_publishing = (await reviewer.get(address)).text.partition('action="' + address + '/publish"')[2]
        assert f"橙 {moved[0].before}→{moved[0].after}" in before_publishing
    await line.end()


async def test_a_draft_runs_in_shadow_until_that_is_ended(console: Stage) -> None:
    async with await supervisor(console, WHOLE) as client:
        address = await drafted(client, policy(console))
        assert (await decide(client, address, "/shadow")).status_code == 303
        standing = await console.house.line.policies.in_shadow()
        assert standing is not None
        assert standing.policy is not None
        assert standing.policy[:8] in (await client.get("/policies")).text
        assert await in_force(console) != standing.policy
        await client.post("/policies/shadow/end", data={"form": "x"})
        ended = await console.house.line.policies.in_shadow()
        assert ended is not None
        assert ended.policy is None


async def test_a_policy_s_text_is_shown_and_an_unknown_one_is_not_there(console: Stage) -> None:
    async with await supervisor(console) as client:
        page = await client.get(f"/policies/versions/{await in_force(console)}")
        assert page.status_code == 200
        assert "half_life" in page.text
        assert (await client.get(f"/policies/versions/{'0' * 16}")).status_code == 404


async def test_operators_and_officers_do_not_see_policies(console: Stage) -> None:
    for role in (StaffRole.OPERATOR, StaffRole.OFFICER, StaffRole.SYSTEM_ADMINISTRATOR):
        async with await console.signed_in(role) as client:
            assert (await client.get("/policies")).status_code == 403


async def test_a_broken_draft_is_faulty_in_the_list_and_waits_for_no_review(console: Stage) -> None:
    async with await supervisor(console) as client:
        address = await drafted(client, policy(console, ('soon = "1m"', 'soon = "1"')))
        listed = (await client.get("/policies")).text
        row = listed[listed.index(f'href="{address}"') :].partition("</tr>")[0]
        assert "有误" in row
        assert "待复核" not in row


async def test_who_reviews_an_unpreviewed_draft_is_told_that_its_effect_is_not_known(console: Stage) -> None:
    async with two(console) as (one, other):
        address = await drafted(one, policy(console, ("red = 4.0 }", "red = 4.5 }")))
        shown = (await other.get(address)).text
        assert "尚未按最近七天预览" in shown.partition("/publish")[2]
