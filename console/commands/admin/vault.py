"""`quanzu admin vault`: recover the vault, which holds people's encryption keys."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from console.commands.common import By, Reason, load_settings, out

app = typer.Typer(name="vault", no_args_is_help=True, help="The vault, which holds people's encryption keys.")


@app.command("take-in")
def vault_take_in(
    copy: Annotated[str, typer.Argument(help="A Redis started on the copy, written like QUANZU_VAULT")],
    by: By,
    reason: Reason,
) -> None:
    """Import the keys of a copy of the vault, and keep newer ones. Erased people stay erased.

    Refused with exit code 1 if the copy is not of this installation's vault.
    """
    from streams.security.vault_identity import take_in

    taken = asyncio.run(take_in(load_settings(), copy, by, reason, datetime.now(UTC)))
    out.print(f"keys of {taken:,} owners were taken in. Now send the dead letters again (RUNBOOK, The vault)")


@app.command("adopt")
def vault_adopt(
    by: By,
    reason: Reason,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Continue with the vault of QUANZU_VAULT, if the previous vault is lost and no copy exists.

    Data that was encrypted with the previous vault stays unreadable.
    """
    from streams.security.vault_identity import adopt

    if not yes:
        typer.confirm("What was sealed by another vault than this one will be read by nobody. Go on?", abort=True)
    out.print(f"the vault is {asyncio.run(adopt(load_settings(), by, reason, datetime.now(UTC)))}", markup=False)
