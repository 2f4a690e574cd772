"""`quanzu admin ledger`: compare the money in the journal with the money in the store."""

import asyncio
from itertools import chain

import typer

from console.commands.common import open_installation, out


def ledger() -> None:
    """Compute the money again from the journal and compare it with the store.

    Workers may run: both figures are of one moment and must agree to the fen. Ends with 1 if they differ.
    """
    from domain.payments.ledger import fold
    from streams.casework.journal import events_applied

    async def run() -> None:
        async with open_installation() as line:
            kept, stands = await line.store.ledgers(range(line.settings.partitions))
            events = [await events_applied(line.settings, *stand) for stand in stands.items()]
        computed = fold(chain.from_iterable(events))._asdict()
        agree = all(kept[name] == amount for name, amount in computed.items())
        out.print_json(data={"journal": computed, "store": {name: kept[name] for name in computed}, "agree": agree})
        raise typer.Exit(0 if agree else 1)

    asyncio.run(run())
