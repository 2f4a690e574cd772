"""The console beside a whole installation (tests/end_to_end/harness/house.py): real servers and HTTP, a hand clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from unittest.mock import patch

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from console.web.app import create_app
from console.web.auth import csrf, passwords
from console.web.auth.sessions import COOKIE
from console.web.kit.serve import serving
from console.web.kit.services import Services
from console.web.kit.settings import ConsoleSettings
from domain.access.key_rings import KeyPurpose
from domain.access.step_up import SignedInBy
from schemas.people.staff import Account, StaffRole
from streams.security.rights import Component
from tests.end_to_end.harness.house import SHORTER, House, admitted, house, opened
from tests.end_to_end.harness.rig import Line

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # in earnest: accounts/test_password_cost.py
CHANGCHUN = "2201"  # the area of who is signed in when nothing else is said; the line's residents live there


@dataclass
class Stage:
    """`address`: the console's, http://host:port."""

    house: House
    app: FastAPI
    address: str
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def services(self) -> Services:
        """What the console's pages work with."""
        found: Services = self.app.state.services
        return found

    def line(self) -> Line:
        """A test's own residents on the line."""
        return Line.begun(self.house)

    async def account(self, role: StaffRole, area: str = CHANGCHUN, **fields: object) -> Account:
        """A new account, which nobody has signed in to."""
        number = next(self.numbers)
        plain = {
            "login": f"{role.value}-{number}".replace("_", "-"),
            "name": f"测试{number}",
            "role": role,
            "area": area,
        }
        changed = {"changed_at": self.house.clock.now(), "changed_by": "test"}
        made = Account.model_validate(plain | changed | fields)
        await self.services.staff.put(made)
        return made

    async def signed_in(self, role: StaffRole, area: str = CHANGCHUN, **fields: object) -> "Client":
        """A browser's client of somebody with this role, for whom the OpenID provider has just vouched."""
        return await self.client(await self.account(role, area, **fields))

    async def client(self, account: Account, by: SignedInBy = SignedInBy.PROVIDER) -> "Client":
        """A browser's client with a new session."""
        token = await self.services.sessions.begin(account, by)
        who = await self.services.sessions.find(token)
        assert who is not None
        proof = csrf.token(self.services.keys(KeyPurpose.SESSION), who)
        return Client(self.address, account, token, proof)


class Client(httpx.AsyncClient):
    """Sends the session's cookie, and its CSRF token with what writes."""

    def __init__(self, address: str, account: Account, token: str, proof: str) -> None:
        headers = {"cookie": f"{COOKIE}={token}", csrf.HEADER: proof, "accept": "text/html"}
        # The console is served openly here. To read the system's certificates for each client takes 20 ms of a core.
        super().__init__(base_url=address, headers=headers, timeout=20, limits=SHORTER, verify=False)
        self.account, self.token, self.proof = account, token, proof


async def first_banner(client: Client) -> str:
    """What the stream of news tells first of what stands above every page of the desk."""
    async with client.stream("GET", "/news", headers={"accept": "text/event-stream"}) as stream:
        lines = stream.aiter_lines()
        async for text in lines:
            if text == "event: banner":
                return await anext(lines)
    raise AssertionError("the stream ended without a banner")


@asynccontextmanager
async def stage(data: Path, **settings: object) -> AsyncIterator[Stage]:
    """Everything started; `settings`: the console's, where they are to be others."""
    with patch.object(passwords, "_HASHER", CHEAP):
        async with house(data) as started:
            # All tests sign in from one address.
            wanted = ConsoleSettings.model_validate({"port": 0, "rate_sign_in": "100000/minute"} | settings)
            own = await admitted(started.line, Component.CONSOLE)
            async with opened(own, started.clock, Component.CONSOLE) as line:
                app = create_app(line, wanted)
                async with serving(app, wanted) as address:
                    made = Stage(started, app, address)
                    if wanted.origin is None:  # security keys need an address with a name
                        named = address.replace("127.0.0.1", "localhost")
                        made.services.settings = wanted.model_copy(update={"origin": named})
                    await made.services.hub.ready.wait()
                    yield made
