"""The command line: `quanzu COMMAND --help` tells each one's options.

What a command does lies in the packages; they are imported when it runs, so that `--help` is quick.
"""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from streams.line import Line
    from streams.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Early-warning dispatch against fraud: 劝阻.")
topics_app = typer.Typer(name="topics", no_args_is_help=True, help="Kafka's topics.")
residents_app = typer.Typer(name="residents", no_args_is_help=True, help="The register of residents.")
policy_app = typer.Typer(name="policy", no_args_is_help=True, help="The policy in force.")
case_app = typer.Typer(name="case", no_args_is_help=True, help="Cases.")
hold_app = typer.Typer(name="hold", no_args_is_help=True, help="Mutes, and the stop for all outgoing contact.")
for group in (topics_app, residents_app, policy_app, case_app, hold_app):
    app.add_typer(group)

out = Console()
err = Console(stderr=True)

REFUSED_SHOWN = 20
ALONE = (
    "These servers were started for this command alone, and are gone now with what was taken in. "
    "To keep it, start `quanzu worker` in another terminal first."
)


def _duration(text: object) -> timedelta:
    from domain.policy.units import duration

    try:
        return duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise typer.BadParameter("a day is written 2026-01-31") from None


def _in_a_folder(path: Path | None) -> Path | None:
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")  # told before the run, not after it
    return path


Report = Annotated[Path | None, typer.Option(callback=_in_a_folder, help="Write what came of it as JSON")]
Existing = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
By = Annotated[str, typer.Option(help="Who does it: it is kept with the reason")]
Reason = Annotated[str, typer.Option(help="Why: it is kept")]


def main() -> None:
    """Run the command line; what an operator can mend is told in words, not as a traceback."""
    try:
        app()
    except Exception as error:
        from streams.commands import in_words

        words = in_words(error)
        if words is None:
            raise
        err.print(words, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


@app.command()
def demo(
    for_: Annotated[
        timedelta,
        typer.Option(
            "--for", parser=_duration, metavar="<time>", show_default="5m", help="How long, in wall time: 60s, 10m"
        ),
    ] = timedelta(minutes=5),
    speed: Annotated[float, typer.Option(min=0.001, help="Simulated seconds in a second")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same province")] = 7,
    residents: Annotated[int, typer.Option(min=1, help="How many people live in the province")] = 3000,
    workers: Annotated[int, typer.Option(min=1, help="How many workers share the line")] = 2,
    report: Report = None,
    kill_worker: Annotated[bool, typer.Option("--kill-worker", help="Kill one worker on the way")] = False,
) -> None:
    """Run a simulated province on servers of its own, and show the board."""
    from console.terminal import board
    from simulators.demo import Demo, Plan
    from streams.running import refuse_company

    settings = _settings()
    refuse_company(settings)
    plan = Plan(for_, speed, seed, residents, workers, kill_worker)
    found = asyncio.run(Demo(settings, plan, out, board).run())
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
    from simulators.simulate import simulate as write

    write(seed, hours, out_)
    out.print(f"{out_}/signals.jsonl, {out_}/truth.json", markup=False)


@app.command()
def worker() -> None:
    """Run a worker: all agents, on this machine's share of the partitions."""
    from agents.worker import work
    from streams import topics
    from streams.channels.settings import load
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
    report: Report = None,
    resume: Annotated[bool, typer.Option(help="Go on where a run that was cut off has come to")] = True,
    start: Annotated[date, typer.Option(parser=_day, metavar="<day>", help="amlsim: the day of step 0")] = date(
        2026, 1, 1
    ),
) -> None:
    """Take signals in: over HTTP, or from a file."""
    from console.progress import bar
    from streams.commands import serve_intake, take_file
    from streams.intake.formats import FORMATS, Options
    from streams.running import alone

    if what not in ("serve", *FORMATS):
        raise typer.BadParameter(f"no format {what!r}: serve, {', '.join(FORMATS)}")
    if what != "serve" and file is None:
        raise typer.BadParameter(f"name the {what} file to take in")
    settings = _settings()
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


@topics_app.command("create")
def topics_create() -> None:
    """Create the topics that are missing."""
    from streams import topics
    from streams.running import reachable

    made = topics.create(reachable(_settings()))
    out.print(f"created: {', '.join(made)}" if made else "all topics are there")


@topics_app.command("check")
def topics_check() -> None:
    """Say what is wrong with the topics, and what to do."""
    from streams import topics
    from streams.running import reachable

    wrong = topics.check(reachable(_settings()))
    out.print("\n".join(wrong) or "all topics are as they must be", markup=False, soft_wrap=True)
    raise typer.Exit(1 if wrong else 0)


@residents_app.command("import")
def residents_import(file: Existing) -> None:
    """Take residents in from CSV or Parquet; a row that cannot be read is refused by line, column and reason."""
    from streams.residents.files import import_file

    async def run() -> None:
        async with _line() as line:
            found = await import_file(file, line.residents, line.settings.key(), at=line.clock.now())
        counts = {"rows": found.rows, "imported": found.imported, "unchanged": found.unchanged}
        out.print_json(data={**counts, "refused": len(found.refused)})
        for refusal in found.refused[:REFUSED_SHOWN]:
            err.print(str(refusal), markup=False, highlight=False, soft_wrap=True)
        if found.refused_file:
            err.print(f"refused rows, to be put right and imported: {found.refused_file}", markup=False, soft_wrap=True)

    asyncio.run(run())


@residents_app.command("export")
def residents_export(file: Path) -> None:
    """Write all residents to CSV or Parquet."""
    from streams.residents.files import export_file

    async def run() -> None:
        async with _line() as line:
            out.print(f"{await export_file(file, line.residents)} residents in {file}", markup=False)

    asyncio.run(run())


@residents_app.command("example")
def residents_example(file: Path, count: Annotated[int, typer.Option(min=1, help="How many")] = 20) -> None:
    """Write a file of made-up people, as an example of the columns."""
    from streams.residents.files import write_example

    write_example(file, count)
    out.print(str(file), markup=False)


@policy_app.command("check")
def policy_check(file: Existing) -> None:
    """Say whether a policy can be used."""
    from domain.policy import load
    from streams.policies import read

    out.print(f"policy {load(read(file)).hash}: good")


@policy_app.command("publish")
def policy_publish(file: Existing, by: By) -> None:
    """Put a policy in force, in all partitions, without a restart."""
    from streams.policies import read
    from streams.rules import publish

    async def run() -> None:
        async with _line() as line:
            out.print(f"policy {await publish(line, read(file), by)} is in force from now on")

    asyncio.run(run())


@hold_app.command("add")
def hold_add(
    by: By,
    reason: Reason,
    for_: Annotated[timedelta, typer.Option("--for", parser=_duration, metavar="<time>", help="How long: 30m, 2h, 1d")],
    channel: Annotated[str | None, typer.Option(help="sms, phone, visit or payment")] = None,
    action: Annotated[str | None, typer.Option(help="One kind of message or act: flash_sms, robot_call, ...")] = None,
    scam_type: Annotated[str | None, typer.Option(help="As the policy names it: brushing, loan, ...")] = None,
    campaign: Annotated[str | None, typer.Option(help="All who paid or were called by one suspect: k-...")] = None,
    area: Annotated[str | None, typer.Option(help="The beginning of a division code")] = None,
    spare_red: Annotated[bool, typer.Option("--spare-red", help="Red cases are contacted all the same")] = False,
) -> None:
    """Hold contacts back. With nothing named, all of them."""
    from streams.rules import hold

    named = {"channel": channel, "action": action, "scam_type": scam_type, "campaign": campaign, "area": area}

    async def run() -> None:
        async with _line() as line:
            out.print(f"hold {await hold(line, for_, by, reason, spare_red, named)}")

    asyncio.run(run())


@hold_app.command("lift")
def hold_lift(
    hold_id: str, by: By, reason: Reason, drop: Annotated[bool, typer.Option("--drop", help="Do not send it")] = False
) -> None:
    """End a hold: what it held back is let go, or dropped."""
    from streams.rules import lift

    async def run() -> None:
        async with _line() as line:
            await lift(line, hold_id, by, reason, "drop" if drop else "release")
            out.print(f"hold {hold_id} is lifted: what it held back is {'dropped' if drop else 'let go'}", markup=False)

    asyncio.run(run())


@case_app.command("show")
def case_show(case_id: str) -> None:
    """Tell a case's whole story, with its reasons and the policy in force at each step."""
    from console.story import story
    from streams.report import journal_events
    from streams.running import reachable

    found = asyncio.run(journal_events(reachable(_settings())))
    events = [entry.event for entry in found if entry.event.case.id == case_id]
    if not events:
        do = "Its id is the resident's and a number (r...-1); `quanzu case list` has them"
        err.print(f"no case {case_id!r} in the journal. {do}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    out.print(story(events))


@case_app.command("list")
def case_list(most: Annotated[int, typer.Option(min=1, help="How many, the latest first")] = 20) -> None:
    """The cases that something happened to last."""
    from console.story import listing
    from streams.report import journal_events
    from streams.running import reachable

    found = asyncio.run(journal_events(reachable(_settings())))
    out.print(listing([entry.event for entry in found], most))


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

    asyncio.run(run())


@app.command()
def rebuild() -> None:
    """Build the store anew from the journal. Stop the workers first."""

    async def run() -> None:
        async with _line() as line:
            for partition in range(line.settings.partitions):
                await line.casework.forget(partition)
                await line.casework.watch(partition)
                out.print(f"partition {partition}: built anew to input {await line.store.offset(partition)}")

    asyncio.run(run())


@app.command()
def doctor() -> None:
    """Say what is reachable, in which version, what is wrong and what to do."""
    from streams.doctor import examine

    findings = asyncio.run(examine(_settings()))
    for finding in findings:
        out.print(f"[{'green]good' if finding.good else 'red]BAD '}[/]", finding.what, highlight=False, soft_wrap=True)
        if not finding.good:
            out.print(f"     {finding.do}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def _settings() -> "Settings":
    from streams.settings import load

    settings = load()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("aiokafka", "httpx", "mode", "faust", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what it cannot do it raises, and then it is told in words
    return settings


@asynccontextmanager
async def _line() -> AsyncIterator["Line"]:
    """The line on servers that are there: of the settings, or of a Quanzu running in the data folder."""
    from streams.commands import opened
    from streams.running import reachable

    async with opened(reachable(_settings())) as line:
        yield line


if __name__ == "__main__":
    main()
