"""`quanzu doctor`: checks servers and settings; with --now, whether a resident in danger is not being warned at
present.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import load_settings, out

if TYPE_CHECKING:
    from streams.monitoring.doctor import Diagnosis


def doctor(
    now: Annotated[
        bool, typer.Option("--now", help="Show whether anyone is not being warned now, and why. Exits with 1 if so")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --now: as JSON")] = False,
) -> None:
    """Check the servers and the settings, and print each fault with its fix.

    Exits with 1 if a fault is found; a warning is not a fault.
    """
    if as_json and not now:
        raise typer.BadParameter("--json belongs to --now")
    raise typer.Exit(_now(as_json) if now else _installation())


def _installation() -> int:
    from streams.monitoring.doctor import examine

    findings = asyncio.run(examine(load_settings()))
    for finding in findings:
        out.print(_mark(finding), finding.what, highlight=False, soft_wrap=True)
        if finding.warns or not finding.good:
            out.print(f"     {_do(finding)}", markup=False, highlight=False, soft_wrap=True)
    return 0 if all(finding.good for finding in findings) else 1


def _do(finding: "Diagnosis") -> str:
    from console import policy_faults

    return policy_faults.in_english(finding.policy) if finding.policy else finding.do


def _mark(finding: "Diagnosis") -> str:
    if not finding.good:
        return "[red]BAD [/]"
    return "[yellow]warn[/]" if finding.warns else "[green]good[/]"


def _now(as_json: bool) -> int:
    from streams.monitoring.status.checks import status_page
    from streams.monitoring.status.page import Weight
    from streams.runtime.server_discovery import reachable

    settings = reachable(load_settings())
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the output itself names what cannot be reached
    page = asyncio.run(status_page(settings))
    if as_json:
        out.print_json(data=page.as_json())
        return int(page.missed)
    out.print(page.answer, style="bold red" if page.missed else "bold green", highlight=False, soft_wrap=True)
    for trouble in page.troubles:
        mark = "[red]MISSED[/]" if trouble.weight is Weight.MISSED else "[yellow]danger[/]"
        out.print(mark, end=" ")
        out.print(trouble.what, markup=False, highlight=False, soft_wrap=True)
        out.print(f"       {trouble.do}", markup=False, highlight=False, soft_wrap=True)
    return int(page.missed)
