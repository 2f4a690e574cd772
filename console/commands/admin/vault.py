"""`quanzu admin vault`."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from console.commands.common import By, Reason, load_settings, out

app = typer.Typer(name="vault", no_args_is_help=True, help="The vault, which holds the keys of the people.")


@app.command("take-in")
def vault_take_in(
    copy: Annotated[str, typer.Argument(help="A Redis that was started on the copy, written as QUANZU_VAULT is")],
    by: By,
    reason: Reason,
) -> None:
    """Take the keys of the vault's copy into the vault, beside those made since. Who was forgotten stays forgotten."""
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
    """Go on with the vault of QUANZU_VAULT, when the one before is lost and no copy is left."""
    from streams.security.vault_identity import adopt

    if not yes:
        typer.confirm("What was sealed by another vault than this one will be read by nobody. Go on?", abort=True)
    out.print(f"the vault is {asyncio.run(adopt(load_settings(), by, reason, datetime.now(UTC)))}", markup=False)
