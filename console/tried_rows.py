"""Shows in the terminal how the first rows of a bank's file, of call records or of reported frauds would be read."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.risk.reported_frauds import ReportedFraud
from schemas.risk.signals import Call, Transfer
from streams.intake.fraud_trial import TriedFraud, without_victim
from streams.intake.trial import TriedRow, without_accounts, without_numbers

Tried = TypeVar("Tried", TriedRow, TriedFraud)

_COLUMNS = ("line", "id", "at", "payer", "payee", "yuan", "before", "state", "channel", "new payee")
_ID = "ID number"
_CALL_COLUMNS = ("line", "id", "at", "caller", "called", "seconds", "ended", "class")
_FRAUD_COLUMNS = (
    *("line", "id", "version", "reported", "first paid", "last paid", "yuan", "scam", "ID number", "phone"),
    *("accounts", "name", "division"),
)


def trial(rows: Sequence[TriedRow], zone: ZoneInfo, *, mask: bool, id_numbers: bool = False) -> RenderableType:
    """Return a table of the rows of a trial: each payment's fields (amounts in yuan), or why the row would become a
    dead letter; below it, the number of each. `zone`: the time zone of the displayed times; `mask`: True hides accounts
    and ids; `id_numbers`: True adds a column that states of each row whether its ID number is hashed.
    """

    def fields(row: TriedRow) -> list[Text] | None:
        if row.payment is None:
            return None
        shown = without_accounts(row.payment) if mask else row.payment
        hashed = [Text("hashed" if row.payment.payer_id else "–")] if id_numbers else []
        return [*_fields(shown, zone), *hashed]

    return _table([*_COLUMNS, _ID] if id_numbers else _COLUMNS, ("yuan", "before"), rows, fields)


def call_trial(rows: Sequence[TriedRow], zone: tzinfo, *, mask: bool) -> RenderableType:
    """Return a table of the rows of a trial: each call's fields (durations in seconds), or why the row would become a
    dead letter; below it, the number of each. `zone`: the time zone of the displayed times; `mask`: True hides
    telephone numbers.
    """

    def fields(row: TriedRow) -> list[Text] | None:
        if row.call is None:
            return None
        return _call_fields(without_numbers(row.call) if mask else row.call, zone)

    return _table(_CALL_COLUMNS, ("seconds",), rows, fields)


def fraud_trial(rows: Sequence[TriedFraud], zone: tzinfo, *, mask: bool) -> RenderableType:
    """Return a table of the rows of a trial: each record's fields (its loss in yuan), or why the row would become a
    dead letter; below it, the number of each. `zone`: the time zone of the displayed times; `mask`: True hides the
    victim's name, telephone and accounts, and the record's id. An ID number is never shown.
    """

    def fields(row: TriedFraud) -> list[Text] | None:
        if row.record is None:
            return None
        return _fraud_fields(without_victim(row.record) if mask else row.record, zone)

    return _table(_FRAUD_COLUMNS, ("yuan",), rows, fields)


def _table(
    columns: Sequence[str],
    right: Collection[str],
    rows: Sequence[Tried],
    fields: Callable[[Tried], list[Text] | None],
) -> RenderableType:
    """Return the table. `right`: the columns that are aligned to the right; `fields`: returns the cells of a row after
    its line number, None if the row would become a dead letter.
    """
    table = Table(box=None, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold", justify="right" if name in right else "left")
    refused = Table.grid(padding=(0, 2))
    for each in rows:
        if (cells := fields(each)) is None:
            refused.add_row(f"line {each.line}", Text(each.why))
        else:
            table.add_row(str(each.line), *cells)
    bad = refused.row_count
    told = Text(f"{len(rows) - bad} of {len(rows)} rows would be accepted, {bad} would become dead letters", "bold")
    return Group(table, Text(""), refused, Text(""), told) if bad else Group(table, Text(""), told)


def _fraud_fields(record: ReportedFraud, zone: tzinfo) -> list[Text]:
    times = (record.reported_at, record.happened_from, record.happened_to)
    loss = "" if record.loss_fen is None else _yuan(record.loss_fen)
    texts = [record.id, str(record.version), *(_in_zone(at, zone) for at in times), loss, record.scam_type or ""]
    victim = [record.phone or "", "; ".join(record.accounts), record.name or "", record.division or ""]
    return [Text(each) for each in (*texts, "hashed" if record.id_hash else "–", *victim)]


def _in_zone(at: datetime | None, zone: tzinfo) -> str:
    return "" if at is None else at.astimezone(zone).isoformat(" ")


def _call_fields(call: Call, zone: tzinfo) -> list[Text]:
    at = call.at.astimezone(zone).isoformat(" ")
    texts = [call.id, at, call.caller, call.called, str(call.seconds), call.ended or "", call.number_class]
    return [Text(each) for each in texts]


def _fields(payment: Transfer, zone: ZoneInfo) -> list[Text]:
    before = "" if payment.balance_fen is None else _yuan(payment.balance_fen)
    at = payment.at.astimezone(zone).isoformat(" ")
    texts = [payment.id, at, payment.payer, payment.payee, _yuan(payment.amount_fen), before]
    return [Text(each) for each in (*texts, payment.state, payment.channel, "yes" if payment.new_payee else "no")]


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"
