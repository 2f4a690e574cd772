"""`quanzu admin drain`: close intake before servers are stopped, and open it again."""

import asyncio
from typing import Annotated

import typer

from console.commands.common import By, open_installation, out


def drain(
    by: By,
    reason: Annotated[str, typer.Option(help="Why; senders receive it")] = "maintenance",
    end: Annotated[bool, typer.Option("--end", help="Open intake again")] = False,
) -> None:
    """Close intake and wait until all accepted signals are processed.

    After that the servers may be stopped. Intake stays closed until `quanzu admin drain --end`.
    """
    from streams.operations import drain

    async def run() -> None:
        async with open_installation() as line:
            if end:
                opened_now = await drain.end(line, by)
                out.print("signals are taken in again" if opened_now else "intake was open")
                return
            await drain.begin(line, by, reason)
            async for left in drain.waiting(line):
                rest = ", ".join(f"{name} {count:,}" for name, count in left.items() if count)
                out.print(f"still to be done: {rest}" if rest else "drained: nothing is left undone", soft_wrap=True)
        out.print("Intake stays closed until `quanzu admin drain --end`", markup=False)

    asyncio.run(run())
