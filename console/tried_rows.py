"""Shows in the terminal how the first rows of a bank's file would be parsed."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.risk.signals import Transfer
from streams.intake.trial import TriedRow, without_accounts

_COLUMNS = ("line", "id", "at", "payer", "payee", "yuan", "before", "state", "channel", "new payee")


def trial(rows: Sequence[TriedRow], zone: ZoneInfo, *, mask: bool) -> RenderableType:
    """Return a table of the rows: each payment's fields, or why the row would become a dead letter; below it, the
    number of each. `zone`: the time zone of the displayed times; `mask`: whether to hide accounts and ids.
    """
    table = Table(box=None, header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, overflow="fold", justify="right" if name in ("yuan", "before") else "left")
    refused = Table.grid(padding=(0, 2))
    for each in rows:
        if each.payment is None:
            refused.add_row(f"line {each.line}", Text(each.why))
        else:
            table.add_row(str(each.line), *_fields(without_accounts(each.payment) if mask else each.payment, zone))
    bad = refused.row_count
    told = Text(f"{len(rows) - bad} of {len(rows)} rows would be accepted, {bad} would become dead letters", "bold")
    return Group(table, Text(""), refused, Text(""), told) if bad else Group(table, Text(""), told)


def _fields(payment: Transfer, zone: ZoneInfo) -> list[Text]:
    before = "" if payment.balance_fen is None else _yuan(payment.balance_fen)
    at = payment.at.astimezone(zone).isoformat(" ")
    texts = [payment.id, at, payment.payer, payment.payee, _yuan(payment.amount_fen), before]
    return [Text(each) for each in (*texts, payment.state, payment.channel, "yes" if payment.new_payee else "no")]


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"
