"""`quanzu demo`."""

import asyncio
import json
from datetime import timedelta
from typing import Annotated

import typer

from console.commands.common import Report, duration, load_settings, out


def demo(
    for_: Annotated[
        timedelta | None,
        typer.Option(
            "--for",
            parser=duration,
            metavar="<time>",
            show_default="5m; 30m with --operators 0",
            help="How long, in wall time: 60s, 10m. It takes longer where the machine is too slow for the speed",
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, show_default="60; 5 with --operators 0", help="Simulated seconds per second"),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same province")] = 7,
    residents: Annotated[int, typer.Option(min=1, help="How many people live in the province")] = 3000,
    workers: Annotated[int, typer.Option(min=1, help="Number of workers")] = 2,
    report: Report = None,
    kill_worker: Annotated[bool, typer.Option("--kill-worker", help="Kill one worker during the demo")] = False,
    operators: Annotated[
        int,
        typer.Option(min=0, help="Simulated operators; 0 leaves the desk and an officer's telephone to you"),
    ] = 12,
    console: Annotated[bool, typer.Option(help="Serve the console too, and print its addresses")] = True,
    metrics_port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Serve metrics: the province's on this port, each worker's on the following ports"
        ),
    ] = 0,
) -> None:
    """Run a simulated province on its own servers, and show the board.

    It ends with a report as JSON, printed or in the file of --report. Refused if a Quanzu runs in the data folder
    already.
    """
    from console.terminal import board
    from console.web.kit.demo import beside
    from simulators.demo.run import Demo, Plan
    from streams.runtime import tracing
    from streams.runtime.server_discovery import refuse_company

    settings = load_settings()
    refuse_company(settings)
    tracing.begin("demo", settings.traces, settings.traces_ratio)
    usual = (timedelta(minutes=5), 60.0) if operators else (timedelta(minutes=30), 5.0)  # a person's pace
    plan = Plan(
        for_ or usual[0],
        speed or usual[1],
        seed,
        residents,
        workers,
        kill_worker,
        operators=operators,
        metrics_port=metrics_port,
        paced=True,
        scenes=True,
    )
    found = asyncio.run(Demo(settings, plan, out, board, beside if console else None).run())
    if report is not None:
        report.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        out.print(f"\nreport: {report}", markup=False)
    else:
        out.print_json(data=found)
