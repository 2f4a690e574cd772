"""`quanzu policy`."""

import asyncio

import typer

from console.commands.common import By, Existing, opened, out

app = typer.Typer(name="policy", no_args_is_help=True, help="The policy in force.")


@app.command("check")
def policy_check(file: Existing) -> None:
    """Say whether a policy can be used."""
    from domain.policy import load
    from streams.policies import read

    out.print(f"policy {load(read(file)).hash}: good")


@app.command("publish")
def policy_publish(file: Existing, by: By) -> None:
    """Put a policy in force, in all partitions, without a restart."""
    from streams.policies import read
    from streams.rules import publish

    async def run() -> None:
        async with opened() as line:
            out.print(f"policy {await publish(line, read(file), by)} is in force from now on")

    asyncio.run(run())
