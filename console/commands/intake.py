"""`quanzu intake`: accept signals over HTTP or from a file."""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from console.commands.common import Report, day, duration, err, load_settings, out

if TYPE_CHECKING:
    from domain.feeds.bank_mapping import BankMapping
    from domain.feeds.fraud_mapping import FraudMapping
    from streams.intake.formats import Options

FRAUDS = "frauds"  # the police's records
CALLS = "calls"  # the records of an exchange, whose format the option names
ALONE = (
    "These servers were started for this command alone, and are gone now with what was taken in. "
    "To keep it, start `quanzu worker` in another terminal first."
)


def intake(
    what: Annotated[
        str,
        typer.Argument(
            help="serve, or a format: jsonl, amlsim, cdr, iso20022, csv (a bank's file), calls, frauds (police "
            "records), stix (another centre's suspects); or taxii, to poll them"
        ),
    ],
    given: Annotated[
        str | None, typer.Argument(metavar="FILE", help="The file to read; taxii: the address of the API root")
    ] = None,
    report: Report = None,
    resume: Annotated[bool, typer.Option(help="Continue where an interrupted run stopped")] = True,
    start: Annotated[date, typer.Option(parser=day, metavar="<day>", help="amlsim: the day of step 0")] = date(
        2026, 1, 1
    ),
    mapping: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="csv, frauds: the mapping of the file, a TOML file")
    ] = None,
    trial: Annotated[
        bool,
        typer.Option("--try", help="csv, calls, frauds: show how the first ten rows would be read, and write nothing"),
    ] = False,
    mask: Annotated[bool, typer.Option(help="--try: hide accounts, telephone numbers and ids")] = True,
    form: Annotated[
        str | None, typer.Option("--format", help="calls: the exchange's format, such as asterisk-csv")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="calls, frauds, stix, taxii: whose records they are, in signals and dead letters")
    ] = None,
    collection: Annotated[str | None, typer.Option(help="taxii: the id of the collection")] = None,
    key_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="taxii: a file with this centre's key there")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="taxii: sign in by HTTP Basic with this name and the key. Default: the key alone")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="taxii: the CA of its certificate (PEM)")
    ] = None,
    every: Annotated[
        timedelta | None, typer.Option(parser=duration, metavar="<duration>", help="taxii: poll again after this time")
    ] = None,
    zone: Annotated[str, typer.Option(help="calls: the time zone of times without one")] = "Asia/Shanghai",
    country: Annotated[str, typer.Option(help="calls: the country of numbers without a country code")] = "CN",
    area: Annotated[str | None, typer.Option(help="calls: the area code of local numbers, such as 0431")] = None,
) -> None:
    """Accept signals over HTTP or from a file.

    `serve` runs until stopped; a file's report is printed as JSON. Refused with exit code 2 if the format or an option
    is wrong, with 1 if the file cannot be read. `csv`, `calls`, `frauds`, `stix` and `taxii` exit with 1 if a row
    became a dead letter; the first three also if one would with `--try`. With `--every`, `taxii` runs until stopped.
    """
    from console.commands.intake_stix import STIX, TAXII, Polled, poll_collection, stix_options
    from console.commands.running import serve_intake, take_file
    from console.progress import bar
    from streams.intake.formats import MAPPED, Options
    from streams.runtime import tracing
    from streams.runtime.server_discovery import starts_servers

    if what == TAXII:
        poll_collection(Polled(given, source, collection, key_file, user, ca, every), report)
    _check_format(what, given)
    file = _file(given)
    if what == FRAUDS and file is not None:
        _take_frauds(file, source, mapping, report, trial=trial, mask=mask)
    bank = _mapping(what, mapping, trial=trial)
    objects = stix_options(source) if what == STIX else None
    calls = _calls(what, CallOptions(form, None if objects else source, zone, country, area))
    if file is not None and trial:
        _try(file, bank, calls, mask=mask)
    settings = load_settings()
    tracing.begin("intake", settings.traces, settings.traces_ratio)
    by_itself = starts_servers(settings)
    if file is None:
        if by_itself:
            err.print("No worker runs: signals wait until `quanzu worker` is started in another terminal.")
        asyncio.run(serve_intake(settings, lambda address: out.print(address, highlight=False)))
        return
    name = form if calls is not None and form is not None else what
    with bar(err, file.name) as progress:
        found = asyncio.run(
            take_file(
                settings, name, file, objects or calls or Options(start=start, mapping=bank), resume, report, progress
            )
        )
    out.print_json(found.model_dump_json())
    if by_itself:
        err.print(ALONE, style="yellow", soft_wrap=True)
    if what in (MAPPED, CALLS, STIX) and found.dead_lettered:
        raise typer.Exit(1)


def _file(given: str | None) -> Path | None:
    """Return the file's path. Raises typer.BadParameter if it is not a file."""
    if given is None:
        return None
    if not (path := Path(given)).is_file():
        raise typer.BadParameter(f"File {given!r} does not exist.", param_hint="'[FILE]'")
    return path


def _check_format(what: str, file: str | None) -> None:
    """Raise typer.BadParameter if the format is unknown, or its file is missing."""
    from console.commands.intake_stix import STIX, TAXII
    from streams.intake.formats import FORMATS, MAPPED

    known = ("serve", *FORMATS, MAPPED, CALLS, FRAUDS, STIX, TAXII)
    if what not in known:
        raise typer.BadParameter(f"no format {what!r}: {', '.join(known)}")
    if what != "serve" and file is None:
        raise typer.BadParameter(f"name the {what} file to take in")


def _take_frauds(
    file: Path, source: str | None, mapping: Path | None, report: Path | None, *, trial: bool, mask: bool
) -> NoReturn:
    """Take in the police's records and print the report, or show how the first rows would be read (`trial`); then end
    the command: with 1 if a row became a dead letter, or would.
    """
    from console.commands.running import take_frauds

    by = _frauds_by(source, mapping)
    if trial:
        _try_frauds(file, by, mask=mask)
    found = asyncio.run(take_frauds(load_settings(), file, by))
    if report is not None:
        report.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    out.print_json(found.model_dump_json())
    raise typer.Exit(1 if found.dead_lettered else 0)


def _frauds_by(source: str | None, mapping: Path | None) -> "str | FraudMapping":
    """Return the mapping of a file of reported frauds, or the source of a file with our columns. Raises
    typer.BadParameter if both or neither is given, and FileMappingError if the mapping is invalid.
    """
    from domain.feeds.fraud_mapping import load

    if mapping is not None and source is not None:
        raise typer.BadParameter("the mapping names whose records they are. Leave out --source")
    if mapping is not None:
        return load(_text_of(mapping), mapping.name)
    if source is None:
        raise typer.BadParameter("name whose records they are, --source police, or the file's mapping, --mapping")
    return source


def _try_frauds(file: Path, by: "str | FraudMapping", *, mask: bool) -> NoReturn:
    from console.tried_rows import fraud_trial
    from domain.feeds.fraud_mapping import FraudMapping
    from domain.identity.identifiers import BEIJING
    from streams.intake.fraud_trial import try_frauds
    from streams.runtime.clock import Clock

    rows = try_frauds(file, by, Clock().now(), load_settings().rights())
    out.print(fraud_trial(rows, by.time.tzinfo if isinstance(by, FraudMapping) else BEIJING, mask=mask))
    raise typer.Exit(1 if any(row.record is None for row in rows) else 0)


def _text_of(mapping: Path) -> str:
    from domain.feeds.file_mapping import FileMappingError

    try:
        return mapping.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise FileMappingError(f"{mapping.name}: not UTF-8. Save it as UTF-8") from None


def _mapping(what: str, path: Path | None, *, trial: bool) -> "BankMapping | None":
    """Return the mapping of a bank's file; None for other formats.

    Raises typer.BadParameter if the options do not fit the format, and FileMappingError if the mapping is invalid.
    """
    from domain.feeds.bank_mapping import load
    from streams.intake.formats import MAPPED

    if what != MAPPED and (path is not None or (trial and what != CALLS)):
        raise typer.BadParameter(
            f"--mapping is for quanzu intake {MAPPED} and {FRAUDS}; --try for these and for quanzu intake {CALLS}"
        )
    if what != MAPPED:
        return None
    if path is None:
        raise typer.BadParameter("name the mapping of the bank's file: --mapping bank.toml")
    return load(_text_of(path), path.name)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The command's options for call records, as they were given."""

    form: str | None
    source: str | None
    zone: str
    country: str
    area: str | None


def _calls(what: str, given: CallOptions) -> "Options | None":
    """Return how the file of call records is read; None for other formats. Raises typer.BadParameter if an option is
    missing or invalid, or does not fit the format.
    """
    from zoneinfo import ZoneInfo

    from pydantic import ValidationError

    from schemas.administration.dead_letters import CallFile
    from streams.intake.formats import Options
    from streams.intake.formats.call_files import CALL_FORMATS
    from streams.messaging.dead_letter_writer import reason

    if what != CALLS:
        if given.form or given.source or given.area:
            raise typer.BadParameter(f"--format, --source and --area are for call records: quanzu intake {CALLS}")
        return None
    if given.form not in CALL_FORMATS:
        raise typer.BadParameter(f"name the exchange's format: --format {', '.join(CALL_FORMATS)}")
    if given.source is None:
        raise typer.BadParameter("name the carrier: --source NAME")
    try:
        calls = CallFile(format=given.form, source=given.source, country=given.country, area_code=given.area)
        return Options(zone=ZoneInfo(given.zone), calls=calls)
    except ValidationError as error:
        raise typer.BadParameter(reason(error)) from None
    except (ValueError, OSError, KeyError):
        raise typer.BadParameter(f"no time zone {given.zone!r}. Write Asia/Shanghai, or another of IANA") from None


def _try(file: Path, mapping: "BankMapping | None", calls: "Options | None", *, mask: bool) -> NoReturn:
    """Show how the first rows would be read, and end the command: with 1 if one would become a dead letter."""
    from console.tried_rows import call_trial
    from console.tried_rows import trial as payment_trial
    from streams.intake.trial import try_calls, try_file
    from streams.runtime.clock import Clock

    now, rights = Clock().now(), load_settings().rights()
    if calls is not None:
        rows = try_calls(file, calls, now, rights)
        out.print(call_trial(rows, calls.zone, mask=mask))
    elif mapping is not None:
        rows = try_file(file, mapping, now, rights)
        numbers = mapping.columns.payer_id is not None
        out.print(payment_trial(rows, mapping.time.tzinfo, mask=mask, id_numbers=numbers))
    else:
        raise typer.BadParameter("--try needs a mapping, or the format of call records")
    raise typer.Exit(1 if any(row.signal is None for row in rows) else 0)
