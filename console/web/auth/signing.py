"""The steps of signing in: password or OpenID provider, second factor, then a session and its cookie.

Steps that were passed are stored in Redis under a separate cookie (auth/under_way.py); a session begins only at the
end.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import sessions, trail
from console.web.auth.lockout import Lockout, address_of
from console.web.auth.oidc import Provider, provider
from console.web.auth.under_way import UnderWay
from console.web.kit.services import Services, services
from console.web.kit.settings import ConsoleSettings
from domain.access.accounts import Step, next_step
from domain.access.key_rings import KeyPurpose
from domain.access.step_up import SignedInBy
from schemas.base import Partial
from schemas.people.staff import Account
from streams.installation import Installation
from streams.security.installation_keys import ring

PATHS = Partial(
    {
        Step.CODE: "/sign-in/code",
        Step.PASSWORD: "/sign-in/password",
        Step.SET_UP: "/sign-in/set-up",
    }
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """The components of signing in. `steps`: records of sign-ins after the password; `journeys`: records of redirects
    to the OpenID provider.
    """

    lockout: Lockout
    steps: UnderWay
    journeys: UnderWay
    provider: Provider | None


def sign_in(line: Installation, settings: ConsoleSettings) -> SignIn:
    """Return the components of signing in. Raises SettingsError if the OpenID provider's settings are invalid. Missing
    keys for sessions raise nothing here, only when a component needs them.
    """
    return SignIn(
        lockout=Lockout(line.redis, partial(ring, line.settings, KeyPurpose.SESSION)),
        steps=UnderWay(line.redis, "step", "strict"),
        journeys=UnderWay(line.redis, "oidc", "lax"),
        provider=provider(settings),
    )


@dataclass(frozen=True, slots=True)
class Reached:
    """A sign-in in progress, after the password. `step`: the next step; `proved`: True if the second factor was given.

    `secret`: the encrypted secret of a second factor that is being set up, else None.
    """

    account: Account
    step: Step
    proved: bool
    secret: str | None

    def record(self, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
        """Return the record to store in Redis (login, epoch, proved, secret), with the fields `changed` replaced."""
        kept = {
            "login": self.account.login,
            "epoch": self.account.epoch,
            "proved": self.proved,
            "secret": self.secret,
        }
        return kept | changed


def begun(account: Account) -> Reached:
    """Return the state of a sign-in after a correct password."""
    return Reached(account, next_step(account, proved=False), proved=False, secret=None)


async def reached(request: Request) -> Reached | None:
    """Return the browser's sign-in in progress; None if it has none, or if the account was disabled or changed
    meanwhile. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    record = await made.sign_in.steps.of(request)
    account = await made.staff.get(record["login"]) if record else None
    if record is None or account is None or account.disabled or account.epoch != record["epoch"]:
        return None
    return Reached(account, next_step(account, record["proved"]), record["proved"], record["secret"])


def onward(at: Reached | None) -> Response:
    """Return a redirect to the page of the next step; for None, to the start of the sign-in."""
    return RedirectResponse(PATHS.get(at.step, "/sign-in") if at else "/sign-in", 303)


async def proceed(request: Request, account: Account, proved: bool, how: SignedInBy = SignedInBy.PASSWORD) -> Response:
    """Continue after a passed step of a sign-in. Returns a redirect to the next step; after the last step, begins the
    session and returns a redirect to the start page. `proved`: True if the second factor was given; `how`: the way in
    which the person signs in.

    Raises TimeoutError if Kafka does not store the audit entry in time, and SendError if it refuses it for good. Errors
    of Redis pass through.
    """
    step = next_step(account, proved)
    if step is Step.DONE:
        response: Response = RedirectResponse("/", 303)
        await let_in(request, response, account, how)
        return response
    now = Reached(account, step, proved, secret=None)
    await services(request).sign_in.steps.keep(request, now.record())
    return onward(now)


async def let_in(request: Request, response: Response, account: Account, how: SignedInBy = SignedInBy.PASSWORD) -> None:
    """Begin a session, set its cookie on the response, and write the audit entry.

    The browser's earlier session and its sign-in in progress end; from now on the browser is known at the login. Raises
    TimeoutError if Kafka does not store the audit entry in time, and SendError if it refuses it for good; the cookie is
    then not set. Errors of Redis pass through.
    """
    made = services(request)
    if before := request.cookies.get(sessions.COOKIE):
        await made.sessions.end(before)
    token = await made.sessions.begin(account, how, address_of(request), request.headers.get("user-agent", ""))
    who = await made.sessions.find(token)
    if who is not None:
        await trail.write(made, who, "signed-in", account.login, detail=how.value)
    sessions.give(response, token)
    made.sign_in.lockout.remember(response, account.login)
    await made.sign_in.steps.take(request, response)


def wall_now(made: Services) -> datetime:
    """Return the wall clock's time (UTC), by which sessions and one-time passwords expire."""
    return made.line.clock.wall.now()
