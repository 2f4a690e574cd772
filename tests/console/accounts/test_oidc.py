"""Signing in at an OpenID provider, which is a real one on the loopback."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from oidc_provider_mock import User, run_server_in_thread

from console.web.auth.oidc import AcceptedClaims, Provider, provider
from console.web.auth.sessions import COOKIE
from console.web.kit.settings import ConsoleSettings
from schemas.administration.requests import AdminAct
from schemas.people.staff import StaffRole
from streams.runtime.settings import SettingsError
from tests.console.harness.stage import Stage
from tests.console.harness.two_persons import agreed
from tests.console.harness.visitors import Visitor, person, sign_in

STATED = [
    User(sub="u-strong", claims={"acr": "gold", "amr": ["pwd", "otp"]}),
    User(sub="u-other-acr", claims={"acr": "bronze", "amr": ["pwd", "otp"]}),
    User(sub="u-other-amr", claims={"acr": "gold", "amr": ["pwd"]}),
    User(sub="u-odd-amr", claims={"acr": "gold", "amr": "otp"}),
    User(sub="u-silent", claims={}),
]


@dataclass
class Directory:
    """The provider, as its users see it."""

    issuer: str

    async def confirm(self, address: str, sub: str) -> str:
        """Say who one is on the provider's page; gives the address that it leads back to."""
        async with httpx.AsyncClient(timeout=20) as browser:
            answer = await browser.post(address, data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]


@pytest.fixture(scope="module")
def directory() -> Iterator[Directory]:
    with run_server_in_thread(require_nonce=True, user_claims=STATED) as server:
        yield Directory(f"http://localhost:{server.server_port}")


@contextmanager
def asking(console: Stage, found: Provider) -> Iterator[None]:
    """The console with this provider in its settings."""
    before = console.services.sign_in
    console.services.sign_in = replace(before, provider=found)
    try:
        yield
    finally:
        console.services.sign_in = before


@pytest_asyncio.fixture(loop_scope="session")
async def federated(console: Stage, directory: Directory) -> AsyncIterator[Stage]:
    """The console whose people may sign in at the provider."""
    with asking(console, Provider(directory.issuer, "quanzu", "secret")):
        yield console


def ours(address: str) -> str:
    """The path and query of an address of the console's."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


async def test_whose_account_is_bound_to_the_subject_gets_in_without_a_code(
    federated: Stage, directory: Directory
) -> None:
    await federated.account(StaffRole.AUDITOR, subject=f"{directory.issuer}|u-1")
    async with Visitor(federated) as visitor:
        assert 'href="/sign-in/oidc"' in (await visitor.get("/sign-in")).text
        address = (await visitor.get("/sign-in/oidc")).headers["location"]
        asked = parse_qs(urlsplit(address).query)
        assert asked["scope"] == ["openid"]
        assert asked["code_challenge_method"] == ["S256"]
        assert {"state", "nonce", "code_challenge"} <= asked.keys()
        answer = await visitor.get(ours(await directory.confirm(address, "u-1")))
        assert answer.status_code == 200  # a page leads on: a redirect would come without our strict cookie
        assert 'content="0; url=/"' in answer.text
        assert (await visitor.get("/")).headers["location"] == "/audit"


async def test_who_has_no_account_is_told_so_and_none_is_made(federated: Stage, directory: Directory) -> None:
    before = len(await federated.services.staff.all())
    async with Visitor(federated) as visitor:
        address = (await visitor.get("/sign-in/oidc")).headers["location"]
        answer = await visitor.get(ours(await directory.confirm(address, "u-stranger")))
        assert answer.status_code == 403
        assert "没有绑定的账号" in answer.text
        assert "u-stranger" in answer.text
        assert COOKIE not in visitor.kept
    assert len(await federated.services.staff.all()) == before


async def test_a_disabled_account_stays_closed(federated: Stage, directory: Directory) -> None:
    await federated.account(StaffRole.AUDITOR, subject=f"{directory.issuer}|u-2", disabled=True)
    async with Visitor(federated) as visitor:
        address = (await visitor.get("/sign-in/oidc")).headers["location"]
        assert (await visitor.get(ours(await directory.confirm(address, "u-2")))).status_code == 403


async def test_an_answer_counts_once_and_in_the_browser_that_asked(federated: Stage, directory: Directory) -> None:
    await federated.account(StaffRole.AUDITOR, subject=f"{directory.issuer}|u-3")
    async with Visitor(federated) as visitor, Visitor(federated) as other:
        address = (await visitor.get("/sign-in/oidc")).headers["location"]
        back = ours(await directory.confirm(address, "u-3"))
        await other.get("/sign-in/oidc")
        assert (await other.get(back)).status_code == 401  # another's code and state
        assert COOKIE not in other.kept
        assert (await visitor.get(back)).status_code == 200
        assert (await visitor.get(back)).status_code == 401


@pytest.mark.parametrize(
    "query",
    ["error=access_denied", "code=made-up&state=made-up", "state=only", "code=x&state=y&iss=https://elsewhere.example"],
)
async def test_an_answer_that_is_none_lets_nobody_in(federated: Stage, query: str) -> None:
    async with Visitor(federated) as visitor:
        await visitor.get("/sign-in/oidc")
        assert (await visitor.get(f"/sign-in/oidc/back?{query}")).status_code == 401
        assert COOKIE not in visitor.kept


async def test_a_code_that_was_made_up_is_refused_by_the_provider(federated: Stage, directory: Directory) -> None:
    async with Visitor(federated) as visitor:
        address = (await visitor.get("/sign-in/oidc")).headers["location"]
        state = parse_qs(urlsplit(address).query)["state"][0]
        assert (await visitor.get(f"/sign-in/oidc/back?code=made-up&state={state}")).status_code == 401


async def test_a_token_for_another_request_is_refused(federated: Stage, directory: Directory) -> None:
    await federated.account(StaffRole.AUDITOR, subject=f"{directory.issuer}|u-4")
    async with Visitor(federated) as visitor:
        address = (await visitor.get("/sign-in/oidc")).headers["location"]
        nonce = parse_qs(urlsplit(address).query)["nonce"][0]
        back = await directory.confirm(address.replace(nonce, "another"), "u-4")
        assert (await visitor.get(ours(back))).status_code == 401


async def test_a_provider_that_is_away_is_told_and_the_password_still_opens(console: Stage) -> None:
    somebody = await person(console)
    with asking(console, Provider("http://localhost:9", "quanzu", None)):
        async with Visitor(console) as visitor:
            answer = await visitor.get("/sign-in/oidc")
            assert answer.status_code == 502
            assert "统一身份认证现在连不上" in answer.text
            assert (await sign_in(visitor, somebody)).headers["location"] == "/"


async def test_a_provider_that_calls_itself_otherwise_is_not_asked(console: Stage, directory: Directory) -> None:
    elsewhere = directory.issuer.replace("localhost", "127.0.0.1") + "/"
    with asking(console, Provider(elsewhere, "quanzu", None)):
        async with Visitor(console) as visitor:
            assert (await visitor.get("/sign-in/oidc")).status_code == 502


@pytest.mark.parametrize("metadata", [[], "text", {"issuer": "http://localhost"}])
async def test_metadata_of_another_form_are_told_as_a_provider_that_cannot_be_asked(
    console: Stage, metadata: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answered(*_: object) -> object:
        return metadata

    monkeypatch.setattr(Provider, "_get", answered)
    with asking(console, Provider("http://localhost", "quanzu", None)):
        async with Visitor(console) as visitor:
            assert (await visitor.get("/sign-in/oidc")).status_code == 502


async def test_an_address_that_is_none_is_told_as_a_provider_that_cannot_be_asked(console: Stage) -> None:
    with asking(console, Provider("http://localhost:80:80", "quanzu", None)):
        async with Visitor(console) as visitor:
            assert (await visitor.get("/sign-in/oidc")).status_code == 502


async def test_an_administrator_binds_an_account_and_a_subject_is_bound_once(
    federated: Stage, directory: Directory
) -> None:
    roles = (StaffRole.SYSTEM_ADMINISTRATOR, StaffRole.SECURITY_ADMINISTRATOR, *[StaffRole.AUDITOR] * 2)
    admin, confirming, one, two = [await person(federated, role) for role in roles]
    async with Visitor(federated) as visitor, Visitor(federated) as second:
        await sign_in(visitor, admin)
        await sign_in(second, confirming)
        answers = []
        for somebody in (one, two):
            page = (await visitor.get(f"/staff/{somebody.login}")).text
            seen = page.split('name="seen" value="')[1].split('"')[0]
            form = {"seen": seen, "name": "某某", "role": "auditor", "area": "", "subject": "u-5"}
            answers.append((await visitor.write(f"/staff/{somebody.login}", **form)).status_code)
            if somebody is one:
                await agreed(federated, visitor, second, AdminAct.ACCOUNT_CHANGE, one.login)
    assert answers == [303, 409]
    bound = await federated.services.staff.get(one.login)
    assert bound is not None
    assert bound.subject == f"{directory.issuer}|u-5"


async def test_only_a_sign_in_of_the_accepted_strength_lets_somebody_in(console: Stage, directory: Directory) -> None:
    strong = Provider(
        directory.issuer, "quanzu", "secret", AcceptedClaims(frozenset({"gold"}), frozenset({"otp", "hwk"}))
    )
    with asking(console, strong):
        for user in STATED:
            await console.account(StaffRole.AUDITOR, subject=f"{directory.issuer}|{user.sub}")
            async with Visitor(console) as visitor:
                address = (await visitor.get("/sign-in/oidc")).headers["location"]
                assert parse_qs(urlsplit(address).query)["acr_values"] == ["gold"]
                answer = await visitor.get(ours(await directory.confirm(address, user.sub)))
                assert (answer.status_code, COOKIE in visitor.kept) == (
                    (200, True) if user.sub == "u-strong" else (401, False)
                ), user.sub


async def test_a_provider_that_answers_from_an_old_session_of_its_own_proves_nothing(
    console: Stage,
) -> None:
    times = {"u-hours-ago": time.time() - 3 * 3600, "u-odd-time": "now", "u-a-minute-ago": time.time() - 60}
    users, found = [User(sub=sub, claims={"auth_time": at}) for sub, at in times.items()], {}
    with run_server_in_thread(require_nonce=True, user_claims=users) as server:
        directory = Directory(f"http://localhost:{server.server_port}")
        with asking(console, Provider(directory.issuer, "quanzu", "secret")):
            for sub in times:
                await console.account(StaffRole.AUDITOR, subject=f"{directory.issuer}|{sub}")
                async with Visitor(console) as visitor:
                    address = (await visitor.get("/sign-in/oidc")).headers["location"]
                    assert parse_qs(urlsplit(address).query)["max_age"] == ["300"]
                    answer = await visitor.get(ours(await directory.confirm(address, sub)))
                    found[sub] = (answer.status_code, COOKIE in visitor.kept)
    assert found == {"u-hours-ago": (401, False), "u-odd-time": (401, False), "u-a-minute-ago": (200, True)}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"oidc_issuer": "https://id.example"}, "QUANZU_CONSOLE_OIDC_CLIENT"),
        ({"oidc_issuer": "http://id.example", "oidc_client": "quanzu"}, "write https://"),
        ({"oidc_issuer": "https://id.example", "oidc_client": "quanzu"}, "QUANZU_CONSOLE_OIDC_ACR"),
    ],
)
async def test_a_provider_that_is_not_set_whole_or_in_the_clear_is_refused(fields: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        provider(ConsoleSettings.model_validate(fields))
