"""The commands `quanzu case …`: the history of a case, and the list of the latest cases."""

import asyncio
from typing import Annotated

import typer

from console.commands.common import err, load_settings, out

app = typer.Typer(name="case", no_args_is_help=True, help="Cases: list them, or show the whole history of one.")


@app.command("show")
def case_show(case_id: str) -> None:
    """Show a case's history, with its reasons and the policy in force at each step.

    Exits with 1 if the journal does not have the case.
    """
    from console.story import story
    from streams.monitoring.report import journal_events
    from streams.runtime.server_discovery import reachable

    found = asyncio.run(journal_events(reachable(load_settings())))
    events = [entry.event for entry in found if entry.event.case.id == case_id]
    if not events:
        do = "Its id is the resident's and a number (r...-1); `quanzu case list` has them"
        err.print(f"no case {case_id!r} in the journal. {do}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    out.print(story(events))


@app.command("list")
def case_list(most: Annotated[int, typer.Option(min=1, help="How many, the latest first")] = 20) -> None:
    """List the cases with the latest events, in their present state, the one with the latest event first."""
    from console.story import listing
    from streams.monitoring.report import journal_events
    from streams.runtime.server_discovery import reachable

    found = asyncio.run(journal_events(reachable(load_settings())))
    out.print(listing([entry.event for entry in found], most))
