"""`quanzu report`: figures that are computed anew from the journal."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from console.commands.common import open_installation, out

if TYPE_CHECKING:
    from domain.statistics.after_warning import AfterWarning, AfterWarningRow
    from domain.statistics.shares import ShareEstimate
    from domain.statistics.week_answers import WeekAnswers
    from schemas.risk.reported_frauds import FraudMatch

app = typer.Typer(name="report", no_args_is_help=True, help="Figures that are computed anew from the journal.")
MOST_STATIONS = 40  # lines of the table; the JSON file has all


@app.callback()
def report() -> None:
    """Figures that are computed anew from the journal."""


@app.command("after-warning")
def after_warning(
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file too, as JSON")] = None,
) -> None:
    """Fraud after a warning, from the police's own records: within 30 and 90 days, with intervals of 95 %.

    Also: records by what matched them or why nothing did; residents dissuaded at the time and after a week; scams
    broken off after text messages alone. Reads the whole journal.
    """
    found = asyncio.run(_figures())
    if json is not None:
        import orjson

        json.write_bytes(orjson.dumps(_as_json(found), option=orjson.OPT_INDENT_2) + b"\n")
    _show(found)


@app.command("undecided")
def undecided() -> None:
    """List the police's records that fit several residents, or whose identifiers name different ones.

    To decide on one, send the record's next version with the right ID number.
    """
    from schemas.risk.reported_frauds import FOR_A_PERSON

    table = Table("record", "version", "reported at", "why", "residents in question")
    for each in asyncio.run(_matches()):
        if each.why in FOR_A_PERSON:
            table.add_row(
                each.id, str(each.version), f"{each.reported_at:%Y-%m-%d}", each.why, ", ".join(each.candidates)
            )
    out.print(table)


async def _matches() -> "list[FraudMatch]":
    async with open_installation() as line:
        return sorted(await line.fraud_matches.all(), key=lambda each: (each.reported_at, each.id))


async def _figures() -> "AfterWarning":
    from streams.monitoring.after_warning import read_after_warning

    async with open_installation() as line:
        return await read_after_warning(line.settings, line.fraud_matches, line.clock.now())


def _as_json(found: "AfterWarning") -> dict[str, Any]:
    rows = [{**row._asdict(), "within": [each._asdict() for each in row.within]} for row in found.rows]
    week = {name: _plain(value) for name, value in found.week._asdict().items()}
    week["question"] = {name: _plain(value) for name, value in found.week.question._asdict().items()}
    sms = {name: _plain(value) for name, value in found.sms_alone._asdict().items()}
    return {"rows": rows, "dissuaded": week, "sms_alone": sms, "records": found.records._asdict()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a number, or a share's fields
    return value._asdict() if hasattr(value, "_asdict") else value


def _show(found: "AfterWarning") -> None:
    table = Table("group", "value", "warned", "30 days: k of n", "share", "90 days: k of n", "share")
    shown = [row for row in found.rows if row.dimension != "station"]
    for row in (*shown, *_busiest(found.rows)):
        cells = [text for each in row.within for text in (f"{each.k:,} of {each.n:,}", _percent(each))]
        table.add_row(row.dimension, row.value, f"{row.warned:,}", *cells)
    out.print(table)
    records, week, sms = found.records, found.week, found.sms_alone
    out.print(f"records received {records.received:,}, of people warned {records.after_warning:,}", highlight=False)
    out.print(f"not warned before {records.not_warned:,}; matched by {_counts(records.matched_by)}", highlight=False)
    out.print(f"unmatched: {_counts(records.unmatched)}", highlight=False)
    out.print(f"dissuaded at the time {week.at_the_time:,}, a week ago or longer {week.a_week_old:,}", highlight=False)
    out.print(f"  no payment in the week after: {_told(week.no_payment)}", highlight=False)
    out.print(f"  said so again after a week: {_told(week.asked)}", highlight=False)
    out.print(f"  … by another channel: {_told(week.asked_otherwise)}", highlight=False)
    out.print(f"  confirmed after a week (another channel, no payment): {_told(week.confirmed)}", highlight=False)
    _show_question(week.question)
    out.print(f"reached by SMS alone {sms.reached:,}; broken off {_told(sms.broken_off)}", highlight=False)


def _show_question(question: "WeekAnswers") -> None:
    asked = f"of {question.dissuaded:,} dissuaded asked after a week {question.asked:,}, waiting {question.waiting:,}"
    out.print(f"  {asked}; of the others:", highlight=False)
    out.print(f"    nothing paid {_told(question.nothing_paid)}", highlight=False)
    out.print(f"    paid, as they say, {_told(question.paid)}", highlight=False)
    out.print(f"    contacted again {_told(question.contacted)}", highlight=False)
    out.print(f"    no answer {_told(question.no_answer)}", highlight=False)


def _busiest(rows: list["AfterWarningRow"]) -> list["AfterWarningRow"]:
    stations = [row for row in rows if row.dimension == "station"]
    return sorted(stations, key=lambda row: (-row.within[0].k, -row.warned, row.value))[:MOST_STATIONS]


def _told(share: "ShareEstimate") -> str:
    return f"{share.k:,} of {share.n:,}, {_percent(share)}"


def _percent(share: "ShareEstimate") -> str:
    if share.share is None or share.low is None or share.high is None:
        return "–"
    return f"{share.share:.2%} ({share.low:.2%} to {share.high:.2%})"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or "none"
