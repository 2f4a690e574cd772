"""Visitors of the console without a script: they keep cookies as a browser does, and have an authenticator."""

import re
import time
from dataclasses import dataclass, field
from html import unescape
from itertools import count
from typing import Any

import httpx
import pyotp

from console.web.auth import passwords, second_factor
from domain.access.key_rings import KeyPurpose
from schemas.people.staff import Account, StaffRole
from tests.console.harness.soft_key import SoftKey
from tests.console.harness.stage import CHANGCHUN, Stage
from tests.end_to_end.harness.house import SHORTER

PASSWORD = "一只猫在屋顶上看月亮"
_ADDRESSES = count(1)


class Visitor(httpx.AsyncClient):
    """A browser. httpx keeps secure cookies from http, which a browser sends to the loopback: so it keeps its own."""

    def __init__(self, console: Stage, address: str = "") -> None:
        """`address`: where it comes from; of its own, when nothing else is said."""
        number = next(_ADDRESSES)
        address = address or f"198.18.{number // 250}.{number % 250}"
        headers = {"accept": "text/html", "x-forwarded-for": address, "sec-fetch-site": "same-origin"}
        hooks: Any = {"request": [self._send], "response": [self._keep]}
        super().__init__(base_url=console.address, headers=headers, event_hooks=hooks, timeout=20, limits=SHORTER)
        self.kept: dict[str, str] = {}
        self.login = ""  # who is at it
        self.key: SoftKey | None = None  # theirs

    async def write(self, path: str, **form: str) -> httpx.Response:
        """Send a form of a page that is open, and again with one's security key where it asks for that."""
        answer = await self.write_once(path, **form)
        if answer.status_code == 428 and self.key is not None:
            return await self.write_once(path, **form, step_up_key=self.key.get(options_on(answer)))
        return answer

    async def write_once(self, path: str, **form: str) -> httpx.Response:
        """Send a form of a page that is open."""
        page = await self.get("/account")
        found = re.search(r'data-csrf="([0-9a-f]+)"', page.text)
        assert found, page.status_code
        return await self.post(path, data={"csrf": found[1], **form})

    async def _send(self, request: httpx.Request) -> None:
        request.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.kept.items())

    async def _keep(self, response: httpx.Response) -> None:
        for line in response.headers.get_list("set-cookie"):
            name, value = line.split(";")[0].split("=", 1)
            assert "Secure" in line
            assert "HttpOnly" in line
            if value.strip('"'):
                self.kept[name] = value
            else:
                self.kept.pop(name, None)


@dataclass
class Authenticator:
    """Shows codes; each is asked for once."""

    secret: str
    used: set[int] = field(default_factory=set)

    def code(self, off: int | None = None) -> str:
        """A code that was not shown before, at most one step off; `off`: by so many steps."""
        totp = pyotp.TOTP(self.secret)
        now = totp.timecode(int(time.time()))
        steps = [now + off] if off is not None else [now, now + 1, now - 1]
        step = next(each for each in steps if each not in self.used)
        self.used.add(step)
        return totp.generate_otp(step)


@dataclass
class Person:
    """Somebody who has signed in before: with a password, an authenticator and a security key."""

    account: Account
    authenticator: Authenticator
    recovery: list[str]
    key: SoftKey

    @property
    def login(self) -> str:
        return self.account.login


async def person(
    console: Stage, role: StaffRole = StaffRole.OPERATOR, area: str = CHANGCHUN, **fields: object
) -> Person:
    """Somebody with an account that is set up."""
    secret, keys_of_factor = second_factor.new_secret(), console.services.keys(KeyPurpose.SECOND_FACTOR)
    sealed = second_factor.sealed(keys_of_factor, secret)
    plain: dict[str, Any] = {"password": await passwords.hashed(PASSWORD), "totp": sealed}
    given: dict[str, Any] = plain | fields
    account = await console.account(role, area, **given)
    codes = second_factor.new_recovery()
    kept = [second_factor.hashed_recovery_code(keys_of_factor, account.login, code) for code in codes]
    key = SoftKey(console.services.settings.origin or "")
    keys = {} if "security_keys" in fields or not account.totp else {"security_keys": [key.kept("蓝色密钥")]}
    account = account.model_copy(update={"recovery": kept, **keys})
    await console.services.staff.put(account)
    return Person(account, Authenticator(secret), codes, key)


async def newcomer(console: Stage, role: StaffRole = StaffRole.OPERATOR, **fields: object) -> tuple[Account, str]:
    """Somebody with a one-time password."""
    word = passwords.one_time()
    hashed = await passwords.hashed(word)
    given: dict[str, Any] = {"password": hashed, "must_change": True} | fields
    return await console.account(role, **given), word


async def sign_in(visitor: Visitor, somebody: Person, code: str | None = None) -> httpx.Response:
    """Password and code; gives the answer to the code."""
    answer = await visitor.post("/sign-in", data={"login": somebody.login, "password": PASSWORD})
    assert answer.headers.get("location") == "/sign-in/code", answer.text
    visitor.login, visitor.key = somebody.login, somebody.key
    return await visitor.post("/sign-in/code", data={"code": code or somebody.authenticator.code()})


def options_on(page: httpx.Response) -> str:
    """The options (JSON) with which a page asks for a security key."""
    found = re.search(r'data-options="(.*?)"', page.text)
    assert found, page.text
    return unescape(found[1])


def secret_on(page: httpx.Response) -> str:
    """The secret that a page shows."""
    found = re.search(r'<code class="secret">(.*?)</code>', page.text)
    assert found, page.text
    return unescape(found[1]).replace(" ", "")
