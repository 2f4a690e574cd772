"""`quanzu admin ledger`: compare the money in the journal with the money in the store."""

import asyncio
from itertools import chain

import typer

from console.commands.common import open_installation, out


def ledger() -> None:
    """Compute the money again from the journal and compare the result with the store.

    It compares the totals, and the changes of each day. Workers may run: both figures are of one moment and must agree
    to the fen. Exits with 1 if they differ.
    """
    from domain.payments import books
    from domain.payments.ledger import fold
    from streams.casework.journal import events_applied

    async def run() -> None:
        async with open_installation() as line:
            kept = await line.store.ledgers(range(line.settings.partitions))
            events = [await events_applied(line.settings, *stand) for stand in kept.stands.items()]
        computed = fold(chain.from_iterable(events))._asdict()
        stored = {name: kept.totals[name] for name in computed}
        by_day = books.fold_books(chain.from_iterable(events))
        different = sorted(
            name for name in by_day.keys() | kept.books.keys() if by_day.get(name, 0) != kept.books[name]
        )
        agree = stored == computed and not different
        out.print_json(data={"journal": computed, "store": stored, "different_in_the_books": different, "agree": agree})
        raise typer.Exit(0 if agree else 1)

    asyncio.run(run())
