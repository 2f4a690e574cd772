"""The command line: `quanzu COMMAND --help` tells each one's options.

What a command does lies in the packages; they are imported when it runs, so that `--help` is quick.
"""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from schemas.errors import UserError

if TYPE_CHECKING:
    from streams.line import Line
    from streams.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Early-warning dispatch against fraud: 劝阻.")
topics_app = typer.Typer(no_args_is_help=True, help="Kafka's topics.")
residents_app = typer.Typer(no_args_is_help=True, help="The register of residents.")
policy_app = typer.Typer(no_args_is_help=True, help="The policy in force.")
case_app = typer.Typer(no_args_is_help=True, help="Cases.")
hold_app = typer.Typer(no_args_is_help=True, help="Mutes, and the stop for all outgoing contact.")
for name, group in (
    ("topics", topics_app),
    ("residents", residents_app),
    ("policy", policy_app),
    ("case", case_app),
    ("hold", hold_app),
):
    app.add_typer(group, name=name)

out = Console()
err = Console(stderr=True)

Existing = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
By = Annotated[str, typer.Option(help="Who does it: it is kept with the reason")]
Reason = Annotated[str, typer.Option(help="Why: it is kept")]


def main() -> None:
    """Run the command line; what an operator can mend is told in words, not as a traceback."""
    try:
        app()
    except UserError as error:
        err.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(1)


@app.command()
def demo(
    for_: Annotated[str, typer.Option("--for", help="How long, in wall time: 60s, 10m")] = "5m",
    speed: Annotated[float, typer.Option(help="Simulated seconds in a second")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same province")] = 7,
    residents: Annotated[int, typer.Option(help="How many people live in the province")] = 3000,
    workers: Annotated[int, typer.Option(help="How many workers share the line")] = 2,
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON")] = None,
    kill_worker: Annotated[bool, typer.Option("--kill-worker", help="Kill one worker on the way")] = False,
) -> None:
    """Run a simulated province on servers of its own, and show the board."""
    from simulators.demo import Demo, Plan

    from console.terminal import board
    from domain.policy.units import duration

    settings = _settings()
    plan = Plan(duration(for_), speed, seed, residents, workers, kill_worker)
    found = asyncio.run(Demo(settings, plan, out, board).run())
    if report is not None:
        report.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        out.print(f"report: {report}")
    else:
        out.print_json(data=found)


@app.command()
def simulate(
    seed: int = 7,
    hours: float = 1,
    out_: Annotated[Path, typer.Option("--out", help="Folder for signals.jsonl and truth.json")] = Path("province"),
) -> None:
    """Write a simulated province's signals and its truth to files, without any server."""
    from simulators.simulate import simulate as write

    write(seed, hours, out_)
    out.print(f"{out_}/signals.jsonl, {out_}/truth.json")


@app.command()
def worker() -> None:
    """Run a worker: all agents, on this machine's share of the partitions."""
    from agents.worker import work
    from streams import topics
    from streams.channel_settings import load
    from streams.embedded import Embedded
    from streams.running import announce, running

    settings = _settings()
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
    report: Annotated[Path | None, typer.Option(help="Write what became of the rows as JSON")] = None,
    resume: Annotated[bool, typer.Option(help="Go on where a run that was cut off has come to")] = True,
    start: Annotated[str, typer.Option(help="amlsim: the day of step 0")] = "2026-01-01",
) -> None:
    """Take signals in: over HTTP, or from a file."""
    if what == "serve":
        _run(_serve())
    elif file is None:
        raise typer.BadParameter(f"name the {what} file to take in")
    else:
        _run(_intake_file(what, file, report, resume, start))


async def _serve() -> None:
    from streams import intake_http, receipts
    from streams.channel_settings import load as load_channels
    from streams.intake_settings import load as load_intake

    async with _line() as line:
        routes = receipts.routes(line.outgoing, load_channels())
        settings = load_intake()
        await intake_http.serve(line.settings, settings, line.clock, routes, lambda address: out.print(address))


async def _intake_file(what: str, file: Path, report: Path | None, resume: bool, start: str) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from streams.formats import FORMATS, Options
    from streams.intake import Intake
    from streams.intake_files import intake_file

    if what not in FORMATS:
        raise typer.BadParameter(f"no format {what!r}: serve, {', '.join(FORMATS)}")
    bar = Progress("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err)
    async with _line() as line:
        with bar:
            task = bar.add_task(file.name, total=None)
            found = await intake_file(
                what,  # type: ignore[arg-type]  # looked up above
                file,
                Intake(line.producer, line.settings),
                line.settings,
                line.clock,
                options=Options(start=datetime.fromisoformat(start).date()),
                resume=resume,
                report_path=report,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    out.print_json(found.model_dump_json())


@topics_app.command("create")
def topics_create() -> None:
    """Create the topics that are missing."""
    from streams import topics

    made = topics.create(_reachable())
    out.print(f"created: {', '.join(made)}" if made else "all topics are there")


@topics_app.command("check")
def topics_check() -> None:
    """Say what is wrong with the topics, and what to do."""
    from streams import topics

    wrong = topics.check(_reachable())
    out.print("\n".join(wrong) or "all topics are as they must be", markup=False)
    raise typer.Exit(1 if wrong else 0)


@residents_app.command("import")
def residents_import(file: Existing) -> None:
    """Take residents in from CSV or Parquet; a row that cannot be read is refused by line, column and reason."""
    from streams.residents_files import import_file

    async def run() -> None:
        async with _line() as line:
            found = await import_file(file, line.residents, line.settings.key())
        out.print_json(data={"rows": found.rows, "imported": found.imported, "refused": len(found.refused)})
        for refusal in found.refused[:20]:
            err.print(str(refusal), markup=False, highlight=False)

    _run(run())


@residents_app.command("export")
def residents_export(file: Path) -> None:
    """Write all residents to CSV or Parquet."""
    from streams.residents_files import export_file

    async def run() -> None:
        async with _line() as line:
            out.print(f"{await export_file(file, line.residents)} residents in {file}")

    _run(run())


@residents_app.command("example")
def residents_example(file: Path, count: int = 20) -> None:
    """Write a file of made-up people, as an example of the columns."""
    from streams.residents_files import write_example

    write_example(file, count)
    out.print(str(file))


@policy_app.command("check")
def policy_check(file: Existing) -> None:
    """Say whether a policy can be used."""
    from domain.policy import load

    out.print(f"policy {load(file.read_text(encoding='utf-8')).hash}: good")


@policy_app.command("publish")
def policy_publish(file: Existing, by: By) -> None:
    """Put a policy in force, in all partitions, without a restart."""
    from streams.rules import publish

    async def run() -> None:
        async with _line() as line:
            out.print(f"policy {await publish(line, file.read_text(encoding='utf-8'), by)} is in force from now on")

    _run(run())


@hold_app.command("add")
def hold_add(
    by: By,
    reason: Reason,
    for_: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d")],
    channel: str | None = None,
    action: str | None = None,
    scam_type: str | None = None,
    campaign: str | None = None,
    area: Annotated[str | None, typer.Option(help="The beginning of a division code")] = None,
    spare_red: Annotated[bool, typer.Option("--spare-red", help="Red cases are contacted all the same")] = False,
) -> None:
    """Hold contacts back. With nothing named, all of them."""
    from streams.rules import hold

    named = {"channel": channel, "action": action, "scam_type": scam_type, "campaign": campaign, "area": area}
    _run(_hold(hold, by, reason, for_, spare_red, named))


async def _hold(
    hold: Callable[..., Awaitable[str]], by: str, reason: str, for_: str, spare_red: bool, named: dict[str, str | None]
) -> None:
    from domain.policy.units import duration

    async with _line() as line:
        out.print(f"hold {await hold(line, duration(for_), by, reason, spare_red, named)}")


@hold_app.command("lift")
def hold_lift(
    hold_id: str, by: By, reason: Reason, drop: Annotated[bool, typer.Option("--drop", help="Do not send it")] = False
) -> None:
    """End a hold: what it held back is let go, or dropped."""
    from streams.rules import lift

    async def run() -> None:
        async with _line() as line:
            await lift(line, hold_id, by, reason, "drop" if drop else "release")

    _run(run())


@case_app.command("show")
def case_show(case_id: str) -> None:
    """Tell a case's whole story, with its reasons and the policy in force at each step."""
    from console.story import story

    from streams.report import journal_events

    async def run() -> None:
        async with _line() as line:
            events = [entry.event for entry in await journal_events(line.settings) if entry.event.case.id == case_id]
        if not events:
            err.print(f"no case {case_id!r} in the journal. Its id is the resident's and a number: r…-1", markup=False)
            raise typer.Exit(1)
        out.print(story(events))

    _run(run())


@app.command()
def ledger() -> None:
    """Compute the money again from the journal, and compare it with the store: they must agree to the fen."""
    from domain.report import money
    from streams.report import journal_events

    async def run() -> None:
        async with _line() as line:
            computed = money(await journal_events(line.settings))._asdict()
            kept = await line.store.sums("ledger", range(line.settings.partitions))
        agree = all(kept[name] == amount for name, amount in computed.items())
        out.print_json(data={"journal": computed, "store": {name: kept[name] for name in computed}, "agree": agree})
        raise typer.Exit(0 if agree else 1)

    _run(run())


@app.command()
def rebuild() -> None:
    """Build the store anew from the journal. Stop the workers first."""

    async def run() -> None:
        async with _line() as line:
            for partition in range(line.settings.partitions):
                await line.casework.forget(partition)
                await line.casework.watch(partition)
                out.print(f"partition {partition}: built anew to input {await line.store.offset(partition)}")

    _run(run())


@app.command()
def doctor() -> None:
    """Say what is reachable, in which version, what is wrong and what to do."""
    from streams.doctor import examine

    findings = asyncio.run(examine(_settings()))
    for finding in findings:
        out.print(f"[{'green]good' if finding.good else 'red]BAD '}[/] {finding.what}", highlight=False)
        if not finding.good:
            out.print(f"     {finding.do}", markup=False, highlight=False)
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def _settings() -> "Settings":
    from streams.settings import load

    settings = load()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("kafka", "aiokafka", "httpx", "mode", "faust"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return settings


def _reachable() -> "Settings":
    """The settings of servers that run; a command that looks at servers starts none."""
    from streams.running import running
    from streams.settings import SettingsError

    settings = _settings()
    found = settings if settings.kafka is not None else running(settings)
    if found is None:
        raise SettingsError("no servers: set QUANZU_KAFKA and QUANZU_REDIS, or start `quanzu worker` or `quanzu demo`")
    return found


@asynccontextmanager
async def _line() -> AsyncIterator["Line"]:
    """The line, opened on the servers of the settings, of a Quanzu running in the data folder, or on its own."""
    from streams import topics
    from streams.channel_settings import load
    from streams.line import Line
    from streams.running import servers

    async with servers(_settings()) as settings:
        topics.create(settings)
        line = Line(settings.model_copy(update={"metrics_port": 0}), load())
        await line.open()
        try:
            yield line
        finally:
            await line.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


if __name__ == "__main__":
    main()
