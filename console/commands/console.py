"""The commands `quanzu console …`: serve the web console, make the first administrators, reopen an account."""

import asyncio
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import Reason, err, load_settings, open_installation, out

if TYPE_CHECKING:
    from console.web.kit.settings import ConsoleSettings
    from streams.installation import Installation

app = typer.Typer(
    name="console", no_args_is_help=True, help="The web console: serve it, and make its first administrators."
)

Login = Annotated[str, typer.Argument(help="Lower-case letters, digits, '.', '_' and '-'")]


@app.command("serve")
def console_serve() -> None:
    """Serve the console until stopped, on the configured servers or those of a Quanzu that runs here."""
    from console.commands.running import open_installation as on
    from console.web.kit.serve import serve
    from console.web.kit.settings import load
    from streams.runtime import metrics
    from streams.runtime.server_discovery import servers, starts_servers
    from streams.security.rights import Component

    wanted, settings = load_settings(), load()
    if starts_servers(wanted):
        err.print("No worker runs: nothing happens to a case until `quanzu worker` is started in another terminal.")

    async def run() -> None:
        async with servers(wanted) as found, on(found, Component.CONSOLE) as line:
            await _hint(line)
            metrics.serve(settings.metrics_port, found.metrics_host, "QUANZU_CONSOLE_METRICS_PORT")
            await serve(line, settings, lambda address: out.print(settings.origin or address, highlight=False))

    asyncio.run(run())


class FirstRole(StrEnum):
    """The three roles of administration, which three different persons must have: SYSTEM asks for accounts, SECURITY
    confirms them, AUDIT reads the audit log.
    """

    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"


@app.command("first-admin")
def console_first_admin(
    login: Login,
    name: Annotated[str, typer.Option(help="The person's name, as colleagues know it")],
    role: Annotated[FirstRole, typer.Option(help="system asks for accounts, security confirms, audit reads the audit")],
) -> None:
    """Make the first person of an administrators' role, who signs in with a one-time password. Once only.

    It prints the password. Refused with exit code 1 if somebody already has the role, or the login or the name is
    invalid.
    """
    from console.web.auth.first import first_administrator
    from console.web.kit.settings import load
    from schemas.people.staff import StaffRole

    settings = load()
    roles = {
        FirstRole.SYSTEM: StaffRole.SYSTEM_ADMINISTRATOR,
        FirstRole.SECURITY: StaffRole.SECURITY_ADMINISTRATOR,
        FirstRole.AUDIT: StaffRole.AUDITOR,
    }

    async def run() -> None:
        async with open_installation() as line:
            _tell(settings, login, await first_administrator(line, login, name, roles[role]))

    asyncio.run(run())


@app.command("open-again")
def console_open_again(login: Login, reason: Reason) -> None:
    """Reopen an account whose password and second factor are lost, with a one-time password.

    It prints the password. Refused with exit code 1 if no account has the login.
    """
    from console.web.auth.first import open_again
    from console.web.kit.settings import load

    settings = load()

    async def run() -> None:
        async with open_installation() as line:
            _tell(settings, login, await open_again(line, login, reason))

    asyncio.run(run())


async def _hint(line: "Installation") -> None:
    from console.web.auth.first import nobody_can_sign_in

    if await nobody_can_sign_in(line):
        err.print(
            "Accounts cannot be made yet: make the first administrators with `quanzu console first-admin LOGIN "
            "--name NAME --role system`, and again with `--role security` and `--role audit`, in another terminal.",
            soft_wrap=True,
        )


def _tell(settings: "ConsoleSettings", login: str, word: str) -> None:
    from console.web.auth.passwords import ONE_TIME

    address = settings.origin or f"http{'s' if settings.certificate else ''}://{settings.host}:{settings.port}"
    lines = [
        f"sign in at   {address}/sign-in",
        f"login        {login}",
        f"password     {word}",
        f"It is for one sign-in, within {ONE_TIME // timedelta(hours=1)} hours: a password and a second factor of your "
        "own follow. It is shown only here.",
    ]
    out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
