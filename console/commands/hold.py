"""The commands `quanzu hold …`: pause outgoing contacts and resume them."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from console.commands.common import By, Reason, duration, open_installation, out

app = typer.Typer(name="hold", no_args_is_help=True, help="Pause outgoing contacts, some or all, and resume them.")


@app.command("add")
def hold_add(
    by: By,
    reason: Reason,
    for_: Annotated[timedelta, typer.Option("--for", parser=duration, metavar="<time>", help="How long: 30m, 2h, 1d")],
    channel: Annotated[str | None, typer.Option(help="sms, phone, visit or payment")] = None,
    action: Annotated[str | None, typer.Option(help="One kind of message or act: flash_sms, robot_call, ...")] = None,
    scam_type: Annotated[str | None, typer.Option(help="As the policy names it: brushing, loan, ...")] = None,
    campaign: Annotated[str | None, typer.Option(help="Contacts of one suspect's victims: k-...")] = None,
    area: Annotated[str | None, typer.Option(help="The first digits of a division code")] = None,
    spare_red: Annotated[bool, typer.Option("--spare-red", help="Still contact red cases")] = False,
) -> None:
    """Hold contacts back: those that match the filters, all without a filter. Prints the hold's id; refused with exit
    code 1 if a filter is invalid.
    """
    from streams.operations.rules import begin_hold

    named = {"channel": channel, "action": action, "scam_type": scam_type, "campaign": campaign, "area": area}

    async def run() -> None:
        async with open_installation() as line:
            out.print(f"hold {await begin_hold(line, for_, by, reason, spare_red, named)}")

    asyncio.run(run())


@app.command("lift")
def hold_lift(
    hold_id: str,
    by: By,
    reason: Reason,
    drop: Annotated[bool, typer.Option("--drop", help="Drop the held contacts instead of sending them")] = False,
) -> None:
    """End a hold; the contacts that it held back are sent, or dropped with --drop. Refused with exit code 1 if the hold
    is not in force.
    """
    from streams.operations.rules import lift

    async def run() -> None:
        async with open_installation() as line:
            await lift(line, hold_id, by, reason, "drop" if drop else "release")
            out.print(f"hold {hold_id} is lifted: what it held back is {'dropped' if drop else 'let go'}", markup=False)

    asyncio.run(run())
