"""Revealing residents' data has a quota, a reason that says something, a review and a mark on the screen."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from console.web.auth import unmask
from console.web.auth.reveal_reviews import _why
from domain.access.reveals import quotas, reveal_id
from domain.calendar import JILIN, local_date
from schemas.administration.audit import AuditEntry, RevealReason
from schemas.administration.security_events import SecurityEventKind as Kind
from schemas.levels import Level
from schemas.people.staff import StaffRole
from streams.security import audit
from streams.state.keys import REVEALS
from tests.console.accounts.test_security_events import kinds
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import REASON, red, reveal, send
from tests.console.harness.stage import Client, Stage

LONG_AGO = timedelta(days=20)
USUAL, RED = 20, 60  # of an operator


async def filled(console: Stage, client: Client, number: int) -> None:
    """So many residents' data was revealed half an hour ago."""
    at = (console.house.clock.now() - timedelta(minutes=30)).timestamp()
    await console.house.line.redis.zadd(REVEALS + client.account.login, {f"r{each}": at for each in range(number)})


async def test_a_class_and_a_reason_that_says_something_are_asked_for(console: Stage) -> None:
    _, case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        for wrong in ({"reason": "aaaa"}, {"reason": "核实核实"}, {"why": ""}, {"why": "curious"}):
            assert (await reveal(client, case, **wrong)).status_code == 422
        assert (await reveal(client, case)).status_code == 303
        (entry,) = await audited(console, by=client.account.login)
    assert (entry.reason, entry.detail) == (REASON, "for calling")


async def test_above_the_quota_a_person_is_told_when_one_more_is_allowed(console: Stage) -> None:
    line = console.line()
    (_, first), (_, second) = await red(line), await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await filled(console, client, USUAL - 1)
        assert (await reveal(client, first)).status_code == 303
        refused = await reveal(client, second)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 1800
        assert "起可再查看一人" in refused.text
        assert (await reveal(client, first)).status_code == 303  # the same resident again counts once


async def test_many_forms_at_once_reveal_no_more_than_the_quota(console: Stage) -> None:
    line = console.line()
    (_, first), (_, second) = await red(line), await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await filled(console, client, USUAL)
        name = REVEALS + client.account.login
        for _ in range(5):
            answers = await asyncio.gather(*(reveal(client, first) for _ in range(8)))
            assert {each.status_code for each in answers} == {429}
        assert await console.house.line.redis.zcard(name) == USUAL
        await console.house.line.redis.zrem(name, "r0")
        both = await asyncio.gather(reveal(client, first), reveal(client, second), reveal(client, first))
        assert {each.status_code for each in both} == {303, 429}
        assert await console.house.line.redis.zcard(name) == USUAL


async def test_a_red_case_of_ones_own_may_be_revealed_above_the_quota(console: Stage) -> None:
    line = console.line()
    (_, case), (_, other) = await red(line), await red(line)
    assert case.level is Level.RED
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await filled(console, client, USUAL)
        assert (await client.post(f"/cases/{case.id}/claim", data={"form": "aaaabbbbccccdddd"})).status_code == 303
        assert (await reveal(client, other)).status_code == 429
        assert (await reveal(client, case)).status_code == 303
        counted = await console.house.line.redis.zcard(REVEALS + client.account.login)
        assert (await client.post(f"/cases/{case.id}/release", data={"form": "bbbbccccddddeeee"})).status_code == 303
        assert (await reveal(client, case)).status_code == 303  # the same resident counts once, whoever has the case
        assert await console.house.line.redis.zcard(REVEALS + client.account.login) == counted
        assert (await client.post(f"/cases/{case.id}/claim", data={"form": "ccccddddeeeeffff"})).status_code == 303
        await filled(console, client, RED)
        await console.house.line.redis.zrem(REVEALS + client.account.login, f"red:{case.resident}")
        assert (await reveal(client, case)).status_code == 429


async def test_an_export_of_a_case_has_the_reason_and_the_quota_of_a_revealing(console: Stage) -> None:
    line = console.line()
    (_, first), (_, second) = await red(line), await red(line)
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        for wrong in ("aaaa", "核实核实"):
            assert (await client.post(f"/audit/export/{first.id}", data={"reason": wrong})).status_code == 422
        await filled(console, client, quotas(console.services.settings.reveal_quotas)[StaffRole.SUPERVISOR].usual - 1)
        assert (await client.post(f"/audit/export/{first.id}", data={"reason": REASON})).status_code == 200
        refused = await client.post(f"/audit/export/{second.id}", data={"reason": REASON})
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 1800
        assert await kinds(console, client.account.login) == [Kind.REVEALED, Kind.MASS_REVEALING]
        today = local_date(console.house.clock.now())
        assert (await unmask.counts(console.services, today))[today, client.account.login] == 1


async def test_notes_have_no_numbers_until_the_data_is_revealed_and_then_the_screen_says_who_looks(
    console: Stage,
) -> None:
    _, case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await send(client, case, "note", what="note", note="女儿 139-0000-0001，卡 6212260000000000000")
        before = (await client.get(f"/cases/{case.id}/story")).text
        assert "女儿 ***-****-0001，卡 ***************0000" in before
        assert "watermark" not in (await client.get(f"/cases/{case.id}")).text
        await reveal(client, case)
        assert "女儿 139-0000-0001，卡 6212260000000000000" in (await client.get(f"/cases/{case.id}/story")).text
        page = (await client.get(f"/cases/{case.id}")).text
    mark = page.split('class="watermark"')[1]
    assert f"<span>{client.account.login} " in mark


async def test_a_sample_of_a_day_is_confirmed_or_questioned_by_another_person_of_the_area(console: Stage) -> None:
    _, case = await red(console.line())
    yesterday = local_date(console.house.clock.now()) - timedelta(days=1)
    at = datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=JILIN)
    async with (
        await console.signed_in(StaffRole.OPERATOR) as client,
        await console.signed_in(StaffRole.SUPERVISOR) as supervisor,
        await console.signed_in(StaffRole.SUPERVISOR, "2202") as elsewhere,
    ):
        logins = (client.account.login, supervisor.account.login)
        entries = [
            AuditEntry(at=at, by=by, act="look-unmask", on=case.id, reason=REASON, detail="for visiting")
            for by in logins
        ]
        await audit.write(console.services.line.producer, entries)
        page = (await supervisor.get("/unmask")).text
        name = _sampled(page, logins[0])
        assert "上门见面: " + REASON in page
        assert "本人的查看由他人复核" in page
        assert f'<span class="soft">{logins[0]}</span>' not in (await elsewhere.get("/unmask")).text
        told = {"day": yesterday.isoformat(), "reveal": name, "verdict": "questioned"}
        assert (await supervisor.post("/unmask/review", data=told)).status_code == 422
        assert (await elsewhere.post("/unmask/review", data=told | {"words": "为何上门"})).status_code == 404
        await audit.write(console.services.line.producer, [entries[0].model_copy(update={"at": at - LONG_AGO})])
        old = told | {"day": (yesterday - LONG_AGO).isoformat(), "verdict": "confirmed"}
        old |= {"reveal": reveal_id(entries[0].model_copy(update={"at": at - LONG_AGO}))}
        assert (await supervisor.post("/unmask/review", data=old)).status_code == 404
        mine = told | {"reveal": _sampled(page, logins[1]), "verdict": "confirmed"}
        assert (await supervisor.post("/unmask/review", data=mine)).status_code == 404
        answer = await supervisor.post("/unmask/review", data=told | {"words": "为何上门 139-0000-0001"})
        shown = (await supervisor.get(answer.headers["location"])).text
        assert "有疑问" in shown
        assert "为何上门 ***-****-0001" in shown
        await supervisor.post("/unmask/review", data=told | {"verdict": "confirmed"})
        assert "已确认" in (await supervisor.get("/unmask")).text
        exported = AuditEntry(at=at, by=logins[0], act="look-export", on=case.id, reason="检察机关调取")
        rows = exported.model_copy(update={"on": "cases", "reason": "行数据"})
        await audit.write(console.services.line.producer, [exported, rows])
        page = (await supervisor.get("/unmask")).text
    assert "检察机关调取" in page
    assert "行数据" not in page


def _sampled(page: str, login: str) -> str:
    """The id of a person's revealing in the sample."""
    (found,) = [each for each in page.split('<li class="card" id="')[1:] if f">{login}</span>" in each]
    return found[:20]


@pytest.mark.parametrize("detail", ["for {why}", "0123456789abcdef for {why}"])
async def test_a_review_shows_the_category_of_the_reason_of_data_shown_and_of_a_recording_heard(detail: str) -> None:
    why = next(iter(RevealReason))
    told = {"at": datetime(2026, 3, 1, tzinfo=UTC), "by": "li", "act": "look-recording", "on": "r-1"}
    assert _why(AuditEntry.model_validate(told | {"detail": detail.format(why=why.value)})) is why


async def test_a_review_shows_no_category_of_an_export() -> None:
    told = {"at": datetime(2026, 3, 1, tzinfo=UTC), "by": "li", "act": "look-export", "on": "r-1"}
    assert _why(AuditEntry.model_validate(told)) is None
