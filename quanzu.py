"""The command line: `quanzu COMMAND --help` tells each one's options.

What a command does lies in the packages; they are imported when it runs, so that `--help` is quick.
"""

import asyncio
import json
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

import simulators.lab_commands
from console.commands import (
    access,
    audit,
    case,
    console,
    dead,
    doctor,
    documents,
    export,
    hold,
    metrics,
    policy,
    residents,
    sandbox,
    size,
    topics,
    vault,
)
from console.commands.common import By, Report, day, duration, err, load_settings, moment, opened, out

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Early-warning dispatch against fraud: 劝阻.")
for group in (topics, residents, policy, case, hold, dead, audit, console, access, metrics, sandbox, vault):
    app.add_typer(group.app)
app.add_typer(simulators.lab_commands.app, name="lab")
app.command()(doctor.doctor)
app.command()(export.export)
app.command()(documents.documents)
app.command()(size.size)

ALONE = (
    "These servers were started for this command alone, and are gone now with what was taken in. "
    "To keep it, start `quanzu worker` in another terminal first."
)


def main() -> None:
    """Run the command line; what an operator can mend is told in words, not as a traceback."""
    try:
        app()
    except Exception as error:
        from console.commands.running import in_words

        words = in_words(error)
        if words is None:
            raise
        err.print(words, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


@app.command()
def demo(
    for_: Annotated[
        timedelta | None,
        typer.Option(
            "--for",
            parser=duration,
            metavar="<time>",
            show_default="5m; 30m with --operators 0",
            help="How long, in wall time: 60s, 10m",
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, show_default="60; 5 with --operators 0", help="Simulated seconds in a second"),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same province")] = 7,
    residents: Annotated[int, typer.Option(min=1, help="How many people live in the province")] = 3000,
    workers: Annotated[int, typer.Option(min=1, help="How many workers share the line")] = 2,
    report: Report = None,
    kill_worker: Annotated[bool, typer.Option("--kill-worker", help="Kill one worker on the way")] = False,
    operators: Annotated[
        int,
        typer.Option(min=0, help="Simulated operators; 0 leaves the desk and an officer's telephone to you"),
    ] = 12,
    console: Annotated[bool, typer.Option(help="Serve the console too, and print how to come in")] = True,
    metrics_port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Serve metrics: the province's here, each worker's on the ports behind it"),
    ] = 0,
) -> None:
    """Run a simulated province on servers of its own, and show the board."""
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
    )
    found = asyncio.run(Demo(settings, plan, out, board, beside if console else None).run())
    if report is not None:
        report.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        out.print(f"\nreport: {report}", markup=False)
    else:
        out.print_json(data=found)


@app.command()
def simulate(
    seed: Annotated[int, typer.Option(help="The same seed gives the same province")] = 7,
    hours: Annotated[float, typer.Option(min=0, help="How much of the province's time")] = 1,
    out_: Annotated[Path, typer.Option("--out", help="Folder for signals.jsonl and truth.json")] = Path("province"),
) -> None:
    """Write a simulated province's signals and its truth to files, without any server."""
    from simulators.demo.simulate import simulate as write

    write(seed, hours, out_)
    out.print(f"{out_}/signals.jsonl, {out_}/truth.json", markup=False)


@app.command()
def worker() -> None:
    """Run a worker: all agents, on this machine's share of the partitions."""
    from agents.worker import work
    from streams.channels.settings import load
    from streams.messaging import topics
    from streams.runtime.embedded import Embedded
    from streams.runtime.server_discovery import announce, running

    settings = load_settings()
    if settings.kafka is None and (other := running(settings)) is not None:
        settings = other
    if settings.kafka is not None:
        work(settings, load())
        return
    with Embedded(settings.data) as embedded:
        own = embedded.settings(settings)
        announce(own)
        topics.create(own)
        work(own, load())


@app.command()
def intake(
    what: Annotated[str, typer.Argument(help="serve, or a format: jsonl, amlsim, cdr")],
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="The file to take in")] = None,
    report: Report = None,
    resume: Annotated[bool, typer.Option(help="Go on where a run that was cut off has come to")] = True,
    start: Annotated[date, typer.Option(parser=day, metavar="<day>", help="amlsim: the day of step 0")] = date(
        2026, 1, 1
    ),
) -> None:
    """Take signals in: over HTTP, or from a file."""
    from console.commands.running import serve_intake, take_file
    from console.progress import bar
    from streams.intake.formats import FORMATS, Options
    from streams.runtime import tracing
    from streams.runtime.server_discovery import alone

    if what not in ("serve", *FORMATS):
        raise typer.BadParameter(f"no format {what!r}: serve, {', '.join(FORMATS)}")
    if what != "serve" and file is None:
        raise typer.BadParameter(f"name the {what} file to take in")
    settings = load_settings()
    tracing.begin("intake", settings.traces, settings.traces_ratio)
    by_itself = alone(settings)
    if file is None:
        if by_itself:
            err.print("No worker runs: signals wait until `quanzu worker` is started in another terminal.")
        asyncio.run(serve_intake(settings, lambda address: out.print(address, highlight=False)))
        return
    with bar(err, file.name) as progress:
        found = asyncio.run(take_file(settings, what, file, Options(start=start), resume, report, progress))
    out.print_json(found.model_dump_json())
    if by_itself:
        err.print(ALONE, style="yellow", soft_wrap=True)


@app.command()
def ledger() -> None:
    """Compute the money again from the journal, and compare it with the store: they must agree to the fen.

    Workers may run: both are of one moment.
    """
    from domain.payments.ledger import fold
    from streams.casework.journal import events_applied

    async def run() -> None:
        async with opened() as line:
            kept, stands = await line.store.ledgers(range(line.settings.partitions))
            events = [await events_applied(line.settings, *stand) for stand in stands.items()]
        computed = fold(chain.from_iterable(events))._asdict()
        agree = all(kept[name] == amount for name, amount in computed.items())
        out.print_json(data={"journal": computed, "store": {name: kept[name] for name in computed}, "agree": agree})
        raise typer.Exit(0 if agree else 1)

    asyncio.run(run())


@app.command()
def rebuild(
    new_log: Annotated[bool, typer.Option("--new-log", help="The topic case-inputs was lost and made anew")] = False,
) -> None:
    """Build the store anew from the journal. It is refused while workers run."""
    from console.progress import bar

    async def run() -> None:
        async with opened() as line:
            await line.orphans.refuse_owned()
            for partition in range(line.settings.partitions):
                if new_log:
                    await line.casework.begin_anew(partition)
                with bar(err, f"partition {partition}: the journal") as progress:
                    await line.casework.rebuild(partition, progress)
                out.print(f"partition {partition}: built anew to input {await line.store.offset(partition)}")

    asyncio.run(run())


@app.command()
def backup(folder: Path) -> None:
    """Write what is kept for good (the journal, residents, rules) to a new folder: it holds personal data."""
    from streams.operations import backup

    async def run() -> None:
        async with opened() as line:
            await backup.backup(line.settings, folder, line.clock.now(), _topic_done)
        out.print(f"{folder} is whole", markup=False)

    asyncio.run(run())


@app.command()
def restore(
    folder: Path,
    until: Annotated[
        str | None,
        typer.Option(help="Back to this moment, as Kafka wrote it down: cases as they were, all else as in the backup"),
    ] = None,
) -> None:
    """Write a backup into new, empty topics, and build the store from them."""
    from streams.operations import backup
    from streams.runtime.server_discovery import reachable

    settings = reachable(load_settings())
    back_to = moment(until, datetime.now(UTC)) if until else None
    asyncio.run(backup.restore(settings, folder, _topic_done, back_to))
    rebuild(new_log=True)


def _topic_done(name: str, records: int) -> None:
    out.print(f"{name}: {records:,} records", markup=False, highlight=False)


@app.command()
def drain(
    by: By,
    reason: Annotated[str, typer.Option(help="Why: senders are told")] = "maintenance",
    end: Annotated[bool, typer.Option("--end", help="Take signals in again")] = False,
) -> None:
    """Close intake and wait until all that was taken in is done with: then servers may be stopped."""
    from streams.operations import drain

    async def run() -> None:
        async with opened() as line:
            if end:
                opened_now = await drain.end(line, by)
                out.print("signals are taken in again" if opened_now else "intake was open")
                return
            await drain.begin(line, by, reason)
            async for left in drain.waiting(line):
                rest = ", ".join(f"{name} {count:,}" for name, count in left.items() if count)
                out.print(f"still to be done: {rest}" if rest else "drained: nothing is left undone", soft_wrap=True)
        out.print("Intake stays closed until `quanzu drain --end`", markup=False)

    asyncio.run(run())


if __name__ == "__main__":
    main()
