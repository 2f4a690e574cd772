"""Signing in as people do, over HTTP: passwords, second factors, sessions; and what becomes of guessing."""

import asyncio
import re
import time

import httpx
import orjson
import pytest
from argon2 import PasswordHasher

from console.web.auth import passwords, sessions
from console.web.auth.lockout import OWN, STRANGERS, Attempt
from console.web.kit.door import EVERYBODY
from schemas.people.staff import Account, StaffRole
from streams.repositories.staff import Staff
from streams.state.keys import SESSION
from tests.console.harness.audit import audited
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import (
    PASSWORD,
    Authenticator,
    Person,
    Visitor,
    newcomer,
    person,
    secret_on,
    sign_in,
)

ELSEWHERE = "203.0.113.9"
TRIES = int(OWN[0].split("/")[0])


async def password(visitor: Visitor, login: str, given: str = PASSWORD) -> httpx.Response:
    return await visitor.post("/sign-in", data={"login": login, "password": given})


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/account")).status_code == 200


async def test_a_newcomer_chooses_a_password_and_an_authenticator_and_begins_work(console: Stage) -> None:
    account, word = await newcomer(console)
    async with Visitor(console) as visitor:
        assert (await password(visitor, account.login, word)).headers["location"] == "/sign-in/password"
        mine = {"password": PASSWORD, "again": PASSWORD}
        assert (await visitor.post("/sign-in/password", data=mine)).headers["location"] == "/sign-in/set-up"
        page = await visitor.get("/sign-in/set-up")
        assert 'src="data:image/svg+xml' in page.text
        assert secret_on(await visitor.get("/sign-in/set-up")) == secret_on(page)
        assert not await is_in(visitor)
        code = Authenticator(secret_on(page)).code()
        page = await visitor.post("/sign-in/set-up", data={"code": code})
        assert len(re.findall(r"<li><code>", page.text)) == 10
        assert (await visitor.get("/")).headers["location"] == "/queue"
    async with Visitor(console) as visitor:
        assert (await password(visitor, account.login, word)).status_code == 401
        assert (await password(visitor, account.login)).headers["location"] == "/sign-in/code"


async def test_a_newcomers_password_and_authenticator_are_in_the_audit(console: Stage) -> None:
    account, word = await newcomer(console)
    async with Visitor(console) as visitor:
        await password(visitor, account.login, word)
        await visitor.post("/sign-in/password", data={"password": PASSWORD, "again": PASSWORD})
        code = Authenticator(secret_on(await visitor.get("/sign-in/set-up"))).code()
        await visitor.post("/sign-in/set-up", data={"code": code})
    told = [(entry.act, entry.by) for entry in await audited(console, on=account.login)]
    assert told[-3:] == [(act, account.login) for act in ("password-changed", "second-factor-set-up", "signed-in")]


async def test_who_has_signed_in_before_is_asked_for_a_code_and_a_code_counts_once(console: Stage) -> None:
    somebody = await person(console)
    code = somebody.authenticator.code()
    async with Visitor(console) as visitor:
        assert (await sign_in(visitor, somebody, code)).headers["location"] == "/"
        assert await is_in(visitor)
    async with Visitor(console) as visitor:
        assert (await sign_in(visitor, somebody, code)).status_code == 401
        assert not await is_in(visitor)
        again = await visitor.post("/sign-in/code", data={"code": somebody.authenticator.code()})
        assert again.headers["location"] == "/"


@pytest.mark.parametrize(("off", "status"), [(-1, 303), (1, 303), (-3, 401), (3, 401)])
async def test_an_authenticator_may_be_one_step_off(console: Stage, off: int, status: int) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await password(visitor, somebody.login)
        answer = await visitor.post("/sign-in/code", data={"code": somebody.authenticator.code(off)})
        assert answer.status_code == status


async def test_a_recovery_code_takes_the_place_of_the_authenticator_once(console: Stage) -> None:
    somebody = await person(console)
    code = somebody.recovery[3]
    async with Visitor(console) as visitor:
        assert (await sign_in(visitor, somebody, code.upper().replace("-", " "))).headers["location"] == "/"
        assert "<dd>9</dd>" in (await visitor.get("/account")).text
    async with Visitor(console) as visitor:
        answer = await sign_in(visitor, somebody, code)
        assert answer.status_code == 401
        assert "恢复码不对" in answer.text


async def test_no_step_can_be_jumped(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        for path in ("/sign-in/code", "/sign-in/password", "/sign-in/set-up"):
            assert (await visitor.get(path)).headers["location"] == "/sign-in"
            assert (await visitor.post(path, data={"code": "1"})).headers["location"] == "/sign-in"
        await password(visitor, somebody.login)
        assert (await visitor.get("/sign-in/set-up")).headers["location"] == "/sign-in/code"
        chosen = {"password": PASSWORD, "again": PASSWORD}
        assert (await visitor.post("/sign-in/password", data=chosen)).headers["location"] == "/sign-in/code"


async def test_a_one_time_password_comes_to_its_end(console: Stage) -> None:
    account, word = await newcomer(console, password_until="2026-01-01T00:00:00Z")
    async with Visitor(console) as visitor:
        answer = await password(visitor, account.login, word)
        assert answer.status_code == 401
        assert "一次性密码已过期" in answer.text


@pytest.mark.parametrize(
    ("chosen", "again", "words"),
    [
        ("short", "short", "至少要有 10 个字符"),
        ("1234567890", "1234567890", "最先被人猜到"),
        (PASSWORD, PASSWORD + "!", "两次输入的密码不一样"),
    ],
)
async def test_a_new_password_that_will_not_do_says_why(console: Stage, chosen: str, again: str, words: str) -> None:
    account, word = await newcomer(console)
    async with Visitor(console) as visitor:
        await password(visitor, account.login, word)
        answer = await visitor.post("/sign-in/password", data={"password": chosen, "again": again})
        assert answer.status_code == 422
        assert words in answer.text


async def test_whoever_does_not_get_in_learns_nothing_of_the_account(console: Stage) -> None:
    there, closed = await person(console), await person(console, disabled=True)
    federated = await person(console, password=None)
    async with Visitor(console) as visitor:
        answers = [
            await password(visitor, there.login, "not the password"),
            await password(visitor, closed.login),
            await password(visitor, federated.login),
            await password(visitor, "nobody-of-this-name"),
        ]
    names = (there.login, closed.login, federated.login, "nobody-of-this-name")
    told = {re.sub(r'data-now="\d+"', "", a.text.replace(name, "")) for a, name in zip(answers, names, strict=True)}
    assert {answer.status_code for answer in answers} == {401}
    assert len(told) == 1


async def test_an_unknown_login_takes_as_long_as_a_known_one(console: Stage) -> None:
    somebody = await person(console)
    took: dict[str, list[float]] = {}
    async with Visitor(console) as visitor:
        for login in [somebody.login, "nobody-at-all"] * 4:
            began = time.perf_counter()
            await password(visitor, login, "not the password")
            took.setdefault(login, []).append(time.perf_counter() - began)
    known, unknown = (min(took[login]) for login in (somebody.login, "nobody-at-all"))
    assert known / 2 < unknown < known * 2


async def test_guessing_is_slowed_down_and_the_right_password_is_not_told_then(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        for _ in range(TRIES):
            assert (await password(visitor, somebody.login, "not the password")).status_code == 401
        answer = await password(visitor, somebody.login)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert "尝试次数太多" in answer.text
    async with Visitor(console, ELSEWHERE) as visitor:
        assert (await password(visitor, somebody.login)).status_code == 303


async def test_guesses_at_a_code_are_slowed_down_too(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await password(visitor, somebody.login)
        for _ in range(TRIES):
            assert (await visitor.post("/sign-in/code", data={"code": "000000"})).status_code == 401
        right = somebody.authenticator.code()
        assert (await visitor.post("/sign-in/code", data={"code": right})).status_code == 429


async def test_a_login_under_attack_from_everywhere_opens_where_it_was_used_before(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as known:
        await sign_in(known, somebody)
        lockout = console.services.sign_in.lockout
        for number in range(int(STRANGERS["password"].split("/")[0])):
            await lockout.wrong(Attempt("password", somebody.login, f"192.0.2.{number}", None))
        async with Visitor(console, ELSEWHERE) as stranger:
            assert (await password(stranger, somebody.login)).status_code == 429
        await known.write("/sign-out")
        assert (await sign_in(known, somebody)).headers["location"] == "/"


async def test_the_cookie_of_a_known_browser_is_of_one_login_and_cannot_be_made_up(console: Stage) -> None:
    mine, other = await person(console), await person(console)
    lockout = console.services.sign_in.lockout
    async with Visitor(console) as visitor:
        await sign_in(visitor, mine)
        value = visitor.kept[lockout.cookie(mine.login)]
        visitor.kept[lockout.cookie(other.login)] = value
        for _ in range(int(STRANGERS["password"].split("/")[0])):
            await lockout.wrong(Attempt("password", other.login, ELSEWHERE, None))
        assert (await password(visitor, other.login)).status_code == 429


async def test_a_password_kept_by_older_figures_is_kept_anew_when_it_is_at_hand(console: Stage) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    somebody = await person(console, password=weak)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        assert await is_in(visitor)
    now = await console.services.staff.get(somebody.login)
    assert now is not None
    assert now.password is not None
    assert not passwords.outdated(now.password)
    assert await passwords.fits(now.password, PASSWORD)


async def test_a_form_of_another_site_signs_nobody_in(console: Stage) -> None:
    somebody = await person(console)
    form = {"login": somebody.login, "password": PASSWORD}
    async with Visitor(console) as visitor:
        for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
            assert (await visitor.post("/sign-in", data=form, headers=headers)).status_code == 403
        del visitor.headers["sec-fetch-site"]
        foreign = {"origin": "https://elsewhere.example"}
        assert (await visitor.post("/sign-in", data=form, headers=foreign)).status_code == 403


async def test_signing_in_gives_a_new_session_and_ends_the_one_the_browser_had(console: Stage) -> None:
    attacker, somebody = await person(console), await person(console)
    async with Visitor(console) as first, Visitor(console) as second:
        await sign_in(first, attacker)
        planted = first.kept[sessions.COOKIE]
        second.kept[sessions.COOKIE] = planted
        await sign_in(second, somebody)
        assert second.kept[sessions.COOKIE] != planted
        assert not await is_in(first)


async def test_signing_out_is_a_form_and_ends_the_session(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        token = visitor.kept[sessions.COOKIE]
        assert (await visitor.get("/sign-out")).status_code == 405
        assert (await visitor.post("/sign-out")).status_code == 403
        assert (await visitor.write("/sign-out")).headers["location"] == "/sign-in"
        assert sessions.COOKIE not in visitor.kept
        visitor.kept[sessions.COOKIE] = token
        assert not await is_in(visitor)


async def test_sessions_are_listed_and_one_is_ended_but_nobody_elses(console: Stage) -> None:
    somebody, other = await person(console), await person(console)
    async with Visitor(console) as here, Visitor(console, ELSEWHERE) as there, Visitor(console) as stranger:
        await sign_in(here, somebody)
        await sign_in(there, somebody)
        await sign_in(stranger, other)
        page = (await here.get("/account")).text
        assert ELSEWHERE in page
        [ending] = re.findall(r'action="(/account/sessions/[0-9a-f]+/end)"', page)
        assert (await stranger.write(ending)).status_code == 404
        assert (await here.write(ending)).headers["location"] == "/account"
        assert not await is_in(there)
        assert await is_in(here)


async def test_signing_out_everywhere_ends_all(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as here, Visitor(console, ELSEWHERE) as there:
        await sign_in(here, somebody)
        await sign_in(there, somebody)
        await here.write("/account/sign-out-everywhere")
        assert not await is_in(here)
        assert not await is_in(there)


async def test_a_session_ends_when_it_is_not_used_and_after_its_whole_time(console: Stage) -> None:
    somebody, redis = await person(console), console.house.line.redis
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        name = SESSION + sessions.hashed(visitor.kept[sessions.COOKIE])
        await redis.expire(name, 5)
        assert await is_in(visitor)
        assert 1790 < await redis.ttl(name) <= 1800  # used, it lasts its half hour again
        kept = orjson.loads(await redis.get(name))
        began = kept["began"] - console.services.settings.session_hours * 3600
        await redis.set(name, orjson.dumps(kept | {"began": began}), ex=1800)
        assert not await is_in(visitor)
        assert not await redis.exists(name)


async def test_a_change_of_an_account_that_is_deleted_meanwhile_is_answered_with_404(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = await person(console)

    async def deleted(self: Staff, login: str, *_: object) -> Account:
        raise KeyError(login)

    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Staff, "change", deleted)
            assert (await visitor.write("/account/sign-out-everywhere")).status_code == 404


async def test_who_changes_a_password_too_often_is_told_when_to_try_again(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        wrong = {"current": "not the password", "password": "x", "again": "x"}
        answers = [await visitor.write("/account/password", **wrong) for _ in range(6)]
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3600


async def test_a_new_password_ends_all_sessions_but_this_one(console: Stage) -> None:
    somebody, new = await person(console), "月亮在看屋顶上的一只猫呢"
    async with Visitor(console) as here, Visitor(console, ELSEWHERE) as there:
        await sign_in(here, somebody)
        await sign_in(there, somebody)
        wrong = await here.write("/account/password", current="not the password", password=new, again=new)
        assert wrong.status_code == 401
        right = await here.write("/account/password", current=PASSWORD, password=new, again=new)
        assert right.headers["location"] == "/account"
        assert await is_in(here)
        assert not await is_in(there)
        assert (await password(there, somebody.login)).status_code == 401


async def test_new_recovery_codes_are_made_with_a_code_and_the_old_ones_are_void(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        assert (await visitor.write("/account/recovery", code="000000")).status_code == 401
        page = await visitor.write("/account/recovery", code=somebody.authenticator.code())
        codes = re.findall(r"<li><code>(.*?)</code></li>", page.text)
    assert len(codes) == 10
    async with Visitor(console) as visitor:
        assert (await sign_in(visitor, somebody, somebody.recovery[0])).status_code == 401
        assert (await visitor.post("/sign-in/code", data={"code": codes[0]})).headers["location"] == "/"


@pytest.mark.parametrize("role", sorted(EVERYBODY))
async def test_every_role_is_asked_for_a_second_factor(console: Stage, role: StaffRole) -> None:
    somebody = await person(console, role, officer="p-1", totp=None)
    async with Visitor(console) as visitor:
        assert (await password(visitor, somebody.login)).headers["location"] == "/sign-in/set-up"
        assert not await is_in(visitor)


async def test_what_lies_in_redis_and_on_the_topic_opens_nothing(console: Stage) -> None:
    somebody: Person = await person(console)
    kept = (await console.services.staff.get(somebody.login) or somebody.account).model_dump_json()
    assert PASSWORD not in kept
    assert somebody.authenticator.secret not in kept
    assert not any(code in kept for code in somebody.recovery)


@pytest.mark.parametrize(
    ("role", "path", "look"),
    [
        (StaffRole.SUPERVISOR, "/alarms/events", "console.web.routes.centre.alarms.SESSION_SECONDS"),
        (StaffRole.OFFICER, "/tasks/events", "console.web.routes.field.tasks.LOOK_SECONDS"),
    ],
)
async def test_the_streams_of_pages_that_wait_end_with_their_session(
    console: Stage, monkeypatch: pytest.MonkeyPatch, role: StaffRole, path: str, look: str
) -> None:
    monkeypatch.setattr(look, 0.05)
    async with (
        await console.signed_in(role) as client,
        client.stream("GET", path, headers={"accept": "text/event-stream"}) as told,
        asyncio.timeout(20),
    ):
        lines = told.aiter_lines()
        assert (await anext(lines)).startswith("event: ")
        await console.services.sessions.end(client.token)
        assert "signed" in " ".join([line async for line in lines])
