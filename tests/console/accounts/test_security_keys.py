"""Security keys over HTTP: added, used to sign in and to step up, removed; and everything that must be refused."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute, iter_route_contexts

from console.web.kit.door import STEPS_UP
from console.web.kit.settings import ConsoleSettings
from console.web.step_up import challenges
from console.web.step_up.security_keys import RelyingParty, relying_party
from domain.access.step_up import SignedInBy
from schemas.administration.requests import AdminAct
from schemas.administration.security_events import SecurityEventKind as Kind
from schemas.people.staff import Account, StaffRole
from streams.state.keys import KEY_CHALLENGE
from tests.console.accounts.test_security_events import events, kinds
from tests.console.harness.audit import audited
from tests.console.harness.soft_key import PRESENT, SoftKey
from tests.console.harness.stage import Stage
from tests.console.harness.two_persons import agreed, open_requests
from tests.console.harness.visitors import PASSWORD, Person, Visitor, options_on, person, sign_in

ACT = "/staff/nobody/one-time"  # a grave act that changes nothing: there is no such account


@pytest_asyncio.fixture(loop_scope="session")
async def admin(console: Stage) -> AsyncIterator[tuple[Visitor, Person]]:
    somebody = await person(console, StaffRole.SYSTEM_ADMINISTRATOR, "")
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        yield visitor, somebody


async def account(console: Stage, login: str) -> Account:
    found = await console.services.staff.get(login)
    assert found is not None
    return found


async def options(visitor: Visitor, path: str = ACT, **form: str) -> str:
    """The options of the page that asks for a proof of this act."""
    answer = await visitor.write_once(path, **form)
    assert answer.status_code == 428, answer.text
    return options_on(answer)


async def refused(answer: httpx.Response) -> None:
    """The page asks again, and the act is not done."""
    assert answer.status_code == 401, answer.text
    assert "请再次证明您的身份" in answer.text


async def with_password(visitor: Visitor, somebody: Person) -> httpx.Response:
    """The page that asks for the second factor."""
    await visitor.post("/sign-in", data={"login": somebody.login, "password": PASSWORD})
    return await visitor.get("/sign-in/code")


async def test_a_key_is_added_after_a_step_up_by_code_and_signs_in_in_place_of_the_code(console: Stage) -> None:
    somebody = await person(console)
    await console.services.staff.put((await account(console, somebody.login)).model_copy(update={"security_keys": []}))
    key = SoftKey(console.services.settings.origin or "")
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        asked = await visitor.write_once("/account/keys/new", name="办公室的密钥")
        assert asked.status_code == 428
        assert "data-options" not in asked.text, "no key yet: a code is asked for"
        page = await visitor.write_once("/account/keys/new", name="办公室的密钥", code=somebody.authenticator.code())
        assert page.status_code == 200
        answer = await visitor.write_once("/account/keys", name="办公室的密钥", answer=key.create(options_on(page)))
        assert answer.headers["location"] == "/account"
        assert "办公室的密钥" in (await visitor.get("/account")).text
    async with Visitor(console) as visitor:
        code = await with_password(visitor, somebody)
        answer = await visitor.post("/sign-in/key", data={"answer": key.get(options_on(code))})
        assert answer.headers["location"] == "/"
        assert (await visitor.get("/account")).status_code == 200
    (kept,) = (await account(console, somebody.login)).security_keys
    assert kept.counter == key.counter
    assert kept.used_at is not None
    assert Kind.KEY_ADDED in await kinds(console, somebody.login)
    trail = [(each.act, each.detail) for each in await audited(console, by=somebody.login)]
    assert ("key-added", "办公室的密钥") in trail
    assert trail[-1] == ("signed-in", "key")


async def test_the_audit_says_by_what_a_grave_act_was_stepped_up(console: Stage, admin: tuple[Visitor, Person]) -> None:
    visitor, somebody = admin
    first = await visitor.write("/account/recovery")
    assert first.status_code == 200, first.text
    second = await visitor.write_once("/account/recovery", code=somebody.authenticator.code())
    assert second.status_code == 200
    entries = [each for each in await audited(console, by=somebody.login) if each.act == "stepped-up"]
    assert [each.detail for each in entries] == ["security key 蓝色密钥", "authenticator"]
    assert {each.on for each in entries} == {"/account/recovery"}


async def test_a_proof_counts_once(console: Stage, admin: tuple[Visitor, Person]) -> None:
    visitor, somebody = admin
    answer = somebody.key.get(await options(visitor))
    assert (await visitor.write_once(ACT, step_up_key=answer)).status_code == 404  # proved; there is no such account
    await refused(await visitor.write_once(ACT, step_up_key=answer))
    code = somebody.authenticator.code()
    assert (await visitor.write_once(ACT, code=code)).status_code == 404
    await refused(await visitor.write_once(ACT, code=code))
    assert [each.on for each in await events(console, somebody.login)] == ["challenge /staff/nobody/one-time", None]


async def test_a_proof_for_one_act_carries_out_no_other_and_for_one_form_no_changed_one(
    console: Stage, admin: tuple[Visitor, Person]
) -> None:
    visitor, somebody = admin
    answer = somebody.key.get(await options(visitor))
    await refused(await visitor.write_once("/staff/nobody/enable", step_up_key=answer))
    form = {"login": "new.person", "name": "新人", "role": "operator", "area": "2201"}
    answer = somebody.key.get(await options(visitor, "/staff", **form))
    await refused(await visitor.write_once("/staff", **form | {"role": "supervisor"}, step_up_key=answer))
    assert await open_requests(console, AdminAct.ACCOUNT_NEW, "new.person") == []
    assert {each.on for each in await events(console, somebody.login)} == {"act /staff/nobody/enable", "act /staff"}


async def test_the_page_keeps_what_was_filled_in_and_runs_none_of_it(admin: tuple[Visitor, Person]) -> None:
    visitor, _ = admin
    answer = await visitor.write_once(ACT, name='"><script>alert(1)</script>', reason="one\r\ntwo")
    assert "<script>alert" not in answer.text
    kept = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="(.*?)">', answer.text, re.DOTALL)}
    assert kept["name"] == '"><script>alert(1)</script>'
    assert kept["reason"].splitlines() == ["one", "two"]


async def test_an_act_is_its_address_and_what_its_form_says() -> None:
    fields = [("reason", "one\r\ntwo"), ("seen", "4")]
    act = challenges.act_of_form("POST", "/release", fields)
    assert act == challenges.act_of_form("POST", "/release", [("seen", "4"), ("reason", "one\ntwo")])
    for other in ([("reason", "onetwo"), ("seen", "4")], [("reason", "4"), ("seen", "one\ntwo")], fields * 2, []):
        assert act != challenges.act_of_form("POST", "/release", other)
    assert act != challenges.act_of_form("POST", "/staff", fields)
    roles = [("role", "operator"), ("role", "supervisor")]  # the last one counts
    assert challenges.act_of_form("POST", "/staff", roles) != challenges.act_of_form("POST", "/staff", roles[::-1])


async def test_a_proof_of_another_session_is_refused(console: Stage, admin: tuple[Visitor, Person]) -> None:
    visitor, somebody = admin
    async with Visitor(console) as elsewhere:
        await sign_in(elsewhere, somebody)
        answer = somebody.key.get(await options(elsewhere))
    await refused(await visitor.write_once(ACT, step_up_key=answer))


async def test_a_proof_after_two_minutes_is_refused(console: Stage, admin: tuple[Visitor, Person]) -> None:
    visitor, somebody = admin
    redis = console.services.line.redis
    before = {each async for each in redis.scan_iter(f"{KEY_CHALLENGE}*")}
    asked = await options(visitor)
    (name,) = {each async for each in redis.scan_iter(f"{KEY_CHALLENGE}*")} - before
    assert challenges.SECONDS == 120
    assert 100_000 < await redis.pttl(name) <= 120_000
    await redis.delete(name)  # as its time does
    await refused(await visitor.write_once(ACT, step_up_key=somebody.key.get(asked)))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"origin": "https://console.example.evil"}, id="another site's page"),
        pytest.param({"host": "evil.example"}, id="another site's credential"),
        pytest.param({"flags": PRESENT}, id="nobody was verified"),
        pytest.param({"flags": 0}, id="nobody was there"),
    ],
)
async def test_an_answer_that_is_not_ours_is_refused(
    console: Stage, admin: tuple[Visitor, Person], wrong: dict[str, object]
) -> None:
    visitor, somebody = admin
    for name, value in wrong.items():
        setattr(somebody.key, name, value)
    await refused(await visitor.write_once(ACT, step_up_key=somebody.key.get(await options(visitor))))
    (event,) = await events(console, somebody.login)
    assert (event.kind, event.on) == (Kind.KEY_REFUSED, "InvalidAuthenticationResponse /staff/nobody/one-time")


async def test_a_refused_key_is_told_whatever_the_address_says(console: Stage, admin: tuple[Visitor, Person]) -> None:
    visitor, somebody = admin
    path = "/staff/no%E2%80%8Bbody/one-time"  # an event has printable characters only
    await refused(await visitor.write_once(path, step_up_key="x"))
    (event,) = await events(console, somebody.login)
    assert (event.kind, event.on) == (Kind.KEY_REFUSED, f"unreadable {path}")
    assert (await visitor.write(path)).status_code == 404  # proved, and recorded; there is no such account


async def test_another_person_s_key_is_refused_and_a_forged_signature_too(
    console: Stage, admin: tuple[Visitor, Person]
) -> None:
    visitor, somebody = admin
    other = await person(console)
    await refused(await visitor.write_once(ACT, step_up_key=other.key.get(await options(visitor))))
    other.key.id = somebody.key.id  # signs as if it were the right key
    await refused(await visitor.write_once(ACT, step_up_key=other.key.get(await options(visitor))))
    assert await kinds(console, somebody.login) == [Kind.KEY_REFUSED] * 2


@pytest.mark.parametrize("step", [0, -1])
async def test_a_counter_that_does_not_rise_is_refused_and_told(
    console: Stage, admin: tuple[Visitor, Person], step: int
) -> None:
    visitor, somebody = admin
    assert (await visitor.write(ACT)).status_code == 404
    somebody.key.step = step
    answer = await visitor.write_once(ACT, step_up_key=somebody.key.get(await options(visitor)))
    await refused(answer)
    assert "可能被复制过" in answer.text
    assert await kinds(console, somebody.login) == [Kind.KEY_CLONED]
    async with Visitor(console) as thief:
        code = await with_password(thief, somebody)
        refusal = await thief.post("/sign-in/key", data={"answer": somebody.key.get(options_on(code))})
        assert refusal.status_code == 401


@pytest.mark.parametrize(
    "answer",
    ["", "x", "[]", "{}", '{"response": 1}', '{"response": {"clientDataJSON": "AA"}}', "[" * 20_000, "9" * 9_000],
)
async def test_nonsense_is_refused(console: Stage, admin: tuple[Visitor, Person], answer: str) -> None:
    visitor, _ = admin
    assert (await visitor.write_once(ACT, step_up_key=answer)).status_code in (401, 428)
    assert (await visitor.write_once("/account/keys", name="a", answer=answer)).status_code == 401


async def test_a_signed_answer_with_broken_parts_is_refused(console: Stage, admin: tuple[Visitor, Person]) -> None:
    visitor, somebody = admin
    for part in ("authenticatorData", "signature"):
        broken = json.loads(somebody.key.get(await options(visitor)))
        broken["response"][part] = "AAAA"
        await refused(await visitor.write_once(ACT, step_up_key=json.dumps(broken)))


async def test_a_key_made_without_the_step_up_or_under_another_name_is_refused(
    console: Stage, admin: tuple[Visitor, Person]
) -> None:
    visitor, somebody = admin
    new = SoftKey(console.services.settings.origin or "")
    answer = await visitor.write_once("/account/keys", name="second", answer=new.create(await options(visitor)))
    assert answer.status_code == 401  # the challenge was for another act
    page = await visitor.write("/account/keys/new", name="second")
    answer = await visitor.write_once("/account/keys", name="other", answer=new.create(options_on(page)))
    assert answer.status_code == 401
    origin = console.services.settings.origin or ""
    for faulty in (SoftKey(origin, flags=PRESENT), SoftKey("https://evil.example"), SoftKey(origin, "evil.example")):
        page = await visitor.write("/account/keys/new", name="second")
        answer = await visitor.write_once("/account/keys", name="second", answer=faulty.create(options_on(page)))
        assert answer.status_code == 401, faulty
    assert len((await account(console, somebody.login)).security_keys) == 1


async def test_a_key_that_somebody_has_registered_is_nobody_else_s(
    console: Stage, admin: tuple[Visitor, Person]
) -> None:
    visitor, _ = admin
    other = await person(console)
    page = await visitor.write("/account/keys/new", name="borrowed")
    answer = await visitor.write_once("/account/keys", name="borrowed", answer=other.key.create(options_on(page)))
    assert answer.status_code == 409
    assert "已经登记过" in answer.text


async def test_a_key_is_removed_by_step_up_alone_and_the_other_sessions_end(console: Stage) -> None:
    somebody = await person(console)
    (kept,) = (await account(console, somebody.login)).security_keys
    async with Visitor(console) as here, Visitor(console) as there:
        await sign_in(here, somebody)
        await sign_in(there, somebody)
        assert (await here.write_once("/account/keys/remove", key=kept.id)).status_code == 428
        assert (await here.write("/account/keys/remove", key=kept.id)).headers["location"] == "/account"
        assert (await here.get("/account")).status_code == 200
        assert (await there.get("/account")).status_code == 303
    assert (await account(console, somebody.login)).security_keys == []
    assert Kind.KEY_REMOVED in await kinds(console, somebody.login)
    assert "key-removed" in [each.act for each in await audited(console, by=somebody.login)]


async def test_a_lost_key_is_taken_away_by_two_administrators_with_the_authenticator(
    console: Stage, admin: tuple[Visitor, Person]
) -> None:
    visitor, _ = admin
    somebody = await person(console)
    async with Visitor(console) as second:
        await sign_in(second, await person(console, StaffRole.SECURITY_ADMINISTRATOR, ""))
        assert (await visitor.write(f"/staff/{somebody.login}/reset-factor")).headers["location"] == "/approvals"
        await agreed(console, visitor, second, AdminAct.RESET_FACTOR, somebody.login)
    after = await account(console, somebody.login)
    assert (after.security_keys, after.totp) == ([], None)


async def test_a_lost_key_keeps_nobody_out_who_has_a_recovery_code(console: Stage) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        assert (await sign_in(visitor, somebody, somebody.recovery[0])).headers["location"] == "/"


async def test_whoever_the_provider_vouched_for_acts_and_whoever_nobody_vouched_for_signs_in_again(
    console: Stage,
) -> None:
    async with await console.signed_in(StaffRole.SYSTEM_ADMINISTRATOR, "") as vouched:
        assert (await vouched.post(ACT)).status_code == 404  # let in; there is no such account
    async with await console.client(vouched.account, SignedInBy.PASSWORD) as unproved:
        answer = await unproved.post(ACT)
        assert answer.status_code == 428
        assert "统一身份认证重新登录" in answer.text
        told = await unproved.post(ACT, headers={"accept": "application/json"})
        assert (told.status_code, told.json()["error"]) == (428, "proof needed")


async def test_the_grave_acts_are_these(console: Stage) -> None:
    found = [route.original_route for route in iter_route_contexts(console.app.routes)]
    grave = {route.name for route in found if isinstance(route, APIRoute) and STEPS_UP in (route.openapi_extra or {})}
    assert grave == {
        *("release-approve", "release-order-decline", "release-order-hand-over", "release-objection-decide"),
        "release-order-end-freeze",
        *("own-account-approve", "own-account-decline", "own-account-lift"),
        *("policy-draft-publish", "policy-back", "export"),
        *("staff-new", "staff-change", "staff-enable", "staff-reset-factor", "staff-one-time"),
        *("approval-confirm", "approval-carry-out", "token-new", "webhook-make", "webhook-rotate"),
        *(
            "subject-request-grant",
            "subject-request-file",
            "legal-hold-confirm",
            "legal-hold-lift",
            "case-search-start",
        ),
        *("case-third-party-emergency", "case-province-offer", "case-province-end"),
        *("account-recovery", "account-key-new", "account-key-remove"),
    }


@pytest.mark.parametrize(
    ("origin", "party"),
    [
        ("https://console.example", RelyingParty("console.example", "https://console.example")),
        ("https://Console.example:443/", RelyingParty("console.example", "https://console.example")),
        ("https://console.example:8443", RelyingParty("console.example", "https://console.example:8443")),
        ("http://localhost:8081", RelyingParty("localhost", "http://localhost:8081")),
        ("http://console.example", None),
        ("https://10.1.2.3", None),
        ("https://[fd00::1]", None),
        (None, None),
    ],
)
async def test_keys_work_at_the_address_of_the_settings(origin: str | None, party: RelyingParty | None) -> None:
    assert relying_party(ConsoleSettings.model_validate({"origin": origin})) == party
