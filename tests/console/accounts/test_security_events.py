"""Security events: what the console tells a security centre, on the topic and in the counts for the alarms."""

import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from limits import parse
from redis.exceptions import RedisError

from console.web.auth import security_log
from console.web.auth.lockout import ADDRESS, Attempt, Lockout
from console.web.kit import limits
from schemas.administration.security_events import SecurityEvent
from schemas.administration.security_events import SecurityEventKind as Kind
from schemas.people.staff import StaffRole
from streams.messaging.reader import read_all
from streams.messaging.topics import SECURITY_EVENTS
from streams.state.keys import SECURITY_COUNTS
from tests.channel_rig import until
from tests.console.accounts.test_security import another
from tests.console.harness.case_forms import reveal
from tests.console.harness.public_reports import told
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import PASSWORD, Authenticator, Visitor, newcomer, person, sign_in
from tests.console.programs.test_api import red


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(console: Stage) -> AsyncIterator[Visitor]:
    async with Visitor(console) as opened:
        yield opened


async def events(console: Stage, who: str) -> list[SecurityEvent]:
    """All events of a login."""
    records = read_all(console.house.settings, SECURITY_EVENTS.name)
    found = [SecurityEvent.model_validate_json(record.value or b"") async for record in records]
    return [each for each in found if each.who == who]


async def eventually(console: Stage, who: str, number: int) -> list[SecurityEvent]:
    """The events of a login once there are so many: some are written after the answer."""

    async def there() -> bool:
        return len(await events(console, who)) >= number

    await until(there)
    return await events(console, who)


async def kinds(console: Stage, who: str) -> list[Kind]:
    return [each.kind for each in await events(console, who)]


async def test_wrong_passwords_and_then_the_lockout_are_told(console: Stage, visitor: Visitor) -> None:
    somebody = await person(console)
    for _ in range(6):
        await visitor.post("/sign-in", data={"login": somebody.login, "password": "not the password"})
    found = await events(console, somebody.login)
    assert [each.kind for each in found] == [Kind.PASSWORD_WRONG] * 5 + [Kind.GUESSING]
    assert found[0].address.startswith("198.18.")
    counted = await console.services.line.redis.hget(SECURITY_COUNTS, Kind.GUESSING.value)
    assert int(counted) >= 1


async def test_a_login_that_nobody_has_is_kept_as_a_keyed_hash(console: Stage, visitor: Visitor) -> None:
    typed = f"secret-{secrets.token_hex(4)}"
    await visitor.post("/sign-in", data={"login": typed, "password": "x"})
    records = read_all(console.house.settings, SECURITY_EVENTS.name)
    raw = [(record.key or b"") + (record.value or b"") async for record in records]
    assert not any(typed.encode() in each for each in raw)
    assert SecurityEvent.model_validate_json(raw[-1][raw[-1].index(b"{") :]).who.startswith("h:")


async def test_a_lockout_is_answered_while_the_addresss_attempts_cannot_be_counted(
    console: Stage, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = await person(console)

    async def away(self: Lockout, attempt: Attempt) -> bool:
        raise RedisError("away")

    monkeypatch.setattr(Lockout, "sprays", away)
    for _ in range(6):
        answer = await visitor.post("/sign-in", data={"login": somebody.login, "password": "not the password"})
    assert answer.status_code == 429
    assert (await kinds(console, somebody.login))[-1] is Kind.GUESSING


async def test_an_address_that_fails_at_many_logins_sprays(console: Stage, visitor: Visitor) -> None:
    somebody, most = await person(console), int(ADDRESS.partition("/")[0])
    lockout = console.services.sign_in.lockout
    await visitor.post("/sign-in", data={"login": "nobody-1", "password": "x"})
    address = visitor.headers["x-forwarded-for"]
    for number in range(most):
        await lockout.wrong(Attempt("password", f"nobody-{number}", address, None))
    answer = await visitor.post("/sign-in", data={"login": somebody.login, "password": PASSWORD})
    assert answer.status_code == 429
    assert await kinds(console, somebody.login) == [Kind.SPRAYING]


async def test_a_wrong_code_a_spent_recovery_code_and_a_new_factor_are_told(console: Stage, visitor: Visitor) -> None:
    somebody = await person(console)
    await sign_in(visitor, somebody, code="000000")
    await visitor.post("/sign-in/code", data={"code": somebody.recovery[0]})
    assert await kinds(console, somebody.login) == [Kind.CODE_WRONG, Kind.RECOVERY_CODE_SPENT]


async def test_a_newcomer_s_second_factor_is_told(console: Stage, visitor: Visitor) -> None:
    account, word = await newcomer(console)
    await visitor.post("/sign-in", data={"login": account.login, "password": word})
    await visitor.post("/sign-in/password", data={"password": PASSWORD, "again": PASSWORD})
    page = (await visitor.get("/sign-in/set-up")).text
    secret = page.partition('class="secret">')[2].partition("<")[0].replace(" ", "")
    await visitor.post("/sign-in/set-up", data={"code": Authenticator(secret).code()})
    assert await kinds(console, account.login) == [Kind.SECOND_FACTOR_SET_UP]


async def test_who_opens_another_role_s_page_is_told_with_the_route(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert (await client.get("/staff")).status_code == 403
        (event,) = await events(console, client.account.login)
    assert (event.kind, event.on) == (Kind.FORBIDDEN, "staff")


async def test_who_asks_for_what_is_in_another_area_is_told_and_who_asks_for_nothing_is_not(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.SUPERVISOR, area="2224") as client:
        assert not case.profile.division.startswith("2224")
        answers = [await client.get(where) for where in (f"/cases/{case.id}", f"/api/v1/cases/{case.id}")]
        assert [answer.status_code for answer in answers] == [404, 404]
        told = await eventually(console, client.account.login, 2)
        nowhere = await client.get(f"/cases/{case.id[:-1]}9")
        assert (nowhere.status_code, len(nowhere.content)) == (404, len(answers[0].content))
    assert [(each.kind, each.on) for each in told] == [(Kind.FORBIDDEN, "case"), (Kind.FORBIDDEN, "api-case")]
    assert await kinds(console, client.account.login) == [Kind.FORBIDDEN] * 2


async def test_who_searches_too_often_is_told_once_a_minute(console: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEARCHES", parse("3/hour"))
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        answers = [await client.post("/queue/search", data={"text": "0001"}) for _ in range(6)]
        assert [answer.status_code == 429 for answer in answers] == [False] * 3 + [True] * 3
        (event,) = await events(console, client.account.login)
    assert (event.kind, event.on) == (Kind.TOO_OFTEN, "queue-search")


async def test_an_address_above_its_limit_is_told_once_a_minute(console: Stage) -> None:
    stranger = {"x-forwarded-for": "198.51.100.77"}
    async with (
        another(console, rate_sign_in="3/minute") as (address, _),
        httpx.AsyncClient(base_url=address, headers=stranger, timeout=60) as client,
    ):
        answers = [await client.post("/sign-in", data={"login": "x"}) for _ in range(6)]
        assert [answer.status_code == 429 for answer in answers] == [False] * 3 + [True] * 3
        await until(lambda: told_of(console, "198.51.100.77"))
    (event,) = [each for each in await events(console, "") if each.address == "198.51.100.77"]
    assert (event.kind, event.on) == (Kind.TOO_OFTEN, None)


async def test_many_addresses_do_not_fill_the_events(console: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STRANGERS", parse("2/hour"))
    before = len(await events(console, ""))
    async with another(console, rate_address="1/minute") as (address, _):
        for number in range(80, 85):
            stranger = {"x-forwarded-for": f"198.51.100.{number}"}
            async with httpx.AsyncClient(base_url=address, headers=stranger, timeout=60) as client:
                answers = [await client.get("/sign-in") for _ in range(2)]
                assert [answer.status_code for answer in answers] == [200, 429]
    assert len(await events(console, "")) - before == 2


async def test_a_form_that_no_page_sent_is_told(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        assert (await client.post("/holds", data={"reason": "no form has this"})).status_code == 400
        (event,) = await events(console, client.account.login)
    assert (event.kind, event.on) == (Kind.FORBIDDEN, "hold-set")


async def test_a_public_form_that_was_made_up_is_told_and_one_that_is_too_old_is_not(console: Stage) -> None:
    forms = {"198.51.100.78": told(console) | {"proof": "f" * 64}, "198.51.100.79": told(console, 9_000)}
    async with another(console, public_page=True) as (where, _):
        for address, given in forms.items():
            headers = {"x-forwarded-for": address}
            async with httpx.AsyncClient(base_url=where, headers=headers, timeout=60) as client:
                assert (await client.post("/report", data=given)).status_code == 422
    await until(lambda: told_of(console, "198.51.100.78"))
    assert not await told_of(console, "198.51.100.79")
    (event,) = [each for each in await events(console, "") if each.address == "198.51.100.78"]
    assert (event.kind, event.on) == (Kind.FORBIDDEN, "public-page-report")


async def told_of(console: Stage, address: str) -> bool:
    return any(each.address == address for each in await events(console, ""))


async def test_a_token_that_is_no_more_is_told(console: Stage) -> None:
    before = len(await events(console, ""))
    async with httpx.AsyncClient(base_url=console.address, headers={"authorization": "Bearer qz_none_none"}) as program:
        assert (await program.get("/api/v1/cases", headers={"accept": "application/json"})).status_code == 401
    assert [each.kind for each in (await events(console, ""))[before:]] == [Kind.TOKEN_REFUSED]


async def test_an_event_that_kafka_refuses_does_not_fail_its_request(
    console: Stage, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = await person(console)
    with monkeypatch.context() as refusing:
        refusing.setattr(console.services.line.producer._kafka, "_max_request_size", 10)
        answer = await visitor.post("/sign-in", data={"login": somebody.login, "password": "not the password"})
    assert answer.status_code == 401
    assert await kinds(console, somebody.login) == []


async def test_a_form_that_is_sent_twice_reveals_once(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        for _ in range(2):
            assert (await reveal(client, case, form="once")).status_code == 303
        assert await kinds(console, client.account.login) == [Kind.REVEALED]


async def test_who_reveals_many_residents_data_within_minutes_is_told_apart(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        for number in range(security_log.MANY):
            assert (await reveal(client, case, form=f"f{number}")).status_code == 303
        found = await events(console, client.account.login)
    assert [each.kind for each in found] == [Kind.REVEALED] * security_log.MANY + [Kind.MASS_REVEALING]
    assert found[0].on == case.id
