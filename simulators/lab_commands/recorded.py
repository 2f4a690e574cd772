"""`quanzu lab backtest` and `fit`: recorded signals and learnt weights. Imports what a command needs when it runs."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import Existing, Report, day, duration, err, load_settings, moment, open_installation, out
from simulators.lab_commands.extra import needed
from simulators.lab_commands.plots import Plots, draw
from simulators.lab_commands.report_files import write

if TYPE_CHECKING:
    from domain.policy import Policy
    from simulators.backtest.run import Answer, Policies, Progress

app = typer.Typer()

BY_HAND = Path(__file__).resolve().parents[2] / "deploy" / "policy" / "by-hand.toml"

Against = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, show_default="the policy file of the settings", help="The other policy"),
]


@app.command()
def backtest(
    candidate: Existing,
    against: Against = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", exists=True, dir_okay=False, help="Recorded signals, gzip too; once for each file"),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="jsonl, amlsim, cdr or iso20022: one for all files, or one for each in turn"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--from", help="For a running Quanzu: cases opened since 2d (ago) or 2026-03-01T11:12"),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before then", show_default="now")] = None,
    residents: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The residents as JSON lines (residents.jsonl of `quanzu lab simulate`); without it, each number is "
            "a separate person",
        ),
    ] = None,
    start: Annotated[date, typer.Option(parser=day, metavar="<day>", help="amlsim: the day of step 0")] = date(
        2026, 1, 1
    ),
    report: Report = None,
) -> None:
    """Evaluate recorded signals under two policies: which cases the candidate adds, misses, raises sooner or later, and
    why. Prints the result as a table.

    The signals come from files (--file, with --format), or from the topics of a running Quanzu (--from, and --to if not
    until now; they keep the last seven days). A time without a zone is China's. Exits with 2 unless exactly one of
    --file and --from is given, and with files one format for all or one for each; with 1 if a policy or a file is
    invalid, or there is no valid signal.
    """
    from console.progress import bar
    from simulators.backtest.report import report as told
    from simulators.backtest.report import table
    from simulators.backtest.run import Policies, from_files
    from streams.intake.formats import Options

    settings = load_settings()
    policies = Policies(_policy(candidate), _policy(against or settings.policy))
    if bool(files) == bool(since):
        raise typer.BadParameter("name recorded signals by --file, or a running Quanzu's by --from")
    with bar(err, "signals") as progress:
        if since:
            answer = asyncio.run(_of_topics(policies, since, until, progress))
        else:
            named = _named(files or [], formats or [])
            answer = asyncio.run(from_files(policies, named, Options(start=start), residents, progress))
    write(report, told(answer))
    out.print(table(answer))


async def _of_topics(policies: "Policies", since: str, until: str | None, progress: "Progress") -> "Answer":
    from simulators.backtest.run import from_topics

    async with open_installation() as line:
        now = line.clock.now()
        ends = moment(until, now) if until else now
        return await from_topics(policies, line, moment(since, now), ends, progress)


@app.command()
def fit(
    seeds: Annotated[str, typer.Option(help="Seeds of the provinces to learn from: 1..6")] = "1..6",
    unseen: Annotated[int, typer.Option(min=1, help="Number of further seeds, used only for the evaluation")] = 2,
    people: Annotated[int, typer.Option("--residents", min=100, help="Number of people in each province")] = 3000,
    for_: Annotated[
        timedelta, typer.Option("--for", parser=duration, metavar="<time>", help="Simulated time of each province")
    ] = timedelta(days=10),
    policy: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            show_default="deploy/policy/by-hand.toml",
            help="The policy set by hand; the candidate differs from it only in the weights",
        ),
    ] = BY_HAND,
    candidate: Annotated[Path, typer.Option("--out", help="The candidate policy file to write")] = Path("fitted.toml"),
    report: Report = None,
    plots: Plots = None,
) -> None:
    """Learn evidence weights from the outcomes of simulated provinces, and write them as a candidate policy.

    Each example of the levels keeps its level. The report shows what that costs compared with freely learnt weights.

    It needs the extra `lab`. Exits with 2 if the seeds are invalid, and with 1 if the policy is invalid or the extra is
    missing. `quanzu policy check` and `quanzu lab backtest` show what the candidate changes.
    """
    from console.progress import bar

    with needed():
        from simulators.fit.run import World, fitted
    from simulators.fit.tables import table
    from streams.repositories.policies import read

    text = read(policy)
    with bar(err, "provinces") as progress:
        found = fitted(text, _span(seeds), unseen, World(people, for_), progress)
    candidate.write_text(found.text, encoding="utf-8")
    write(report, found.report)
    out.print(table(found.report))
    out.print(str(candidate), markup=False)
    draw(found.report, plots)


def _policy(path: Path) -> "Policy":
    from domain.policy import load
    from streams.repositories.policies import read

    return load(read(path))


def _named(files: list[Path], formats: list[str]) -> list[tuple[str, Path]]:
    """Return (format, path) for each file. Raises typer.BadParameter for an unknown format or a wrong number of
    formats.
    """
    from streams.intake.formats import FORMATS

    if unknown := [name for name in formats if name not in FORMATS]:
        raise typer.BadParameter(f"no format {unknown[0]!r}: {', '.join(FORMATS)}")
    each = formats * len(files) if len(formats) == 1 else formats
    if len(each) != len(files):
        raise typer.BadParameter("name one --format for all files, or one for each")
    return list(zip(each, files, strict=True))


def _span(text: str) -> range:
    """Return the seeds that a text such as 1..6 means; a single number n means 1..n. Raises typer.BadParameter if it is
    invalid.
    """
    first, _, last = text.rpartition("..")
    try:
        found = range(int(first or 1), int(last) + 1)
    except ValueError:
        found = range(0)
    if not found:
        raise typer.BadParameter("seeds are written 1..6")
    return found
