"""A case's whole story in a terminal: what came in, what was decided and why, by which policy."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.events import CaseEvent

LOCAL = ZoneInfo("Asia/Shanghai")


def story(events: Sequence[CaseEvent]) -> RenderableType:
    """The events of one case, by version; the case as it stands above them."""
    told = sorted(events, key=lambda event: event.case.version)
    case = told[-1].case
    table = Table(expand=True, border_style="dim")
    for name in ("#", "time", "input", "what happened", "policy"):
        table.add_column(name, no_wrap=name != "what happened", vertical="top")
    for event in told:
        at = event.at.astimezone(LOCAL).strftime("%m-%d %H:%M:%S")
        facts = "\n".join(f"{fact.kind}: {fact.words}" for fact in event.facts)
        table.add_row(str(event.case.version), at, event.input_kind, Text(facts), event.case.policy[:8])
    head = f"case {case.id}  {case.level} {case.state}  {case.danger.scam_type}  policy {case.policy}"
    money = f"exposure ¥{case.danger.exposure_fen / 100:,.2f}  probability {case.danger.probability:.0%}"
    reasons = [Text(f"  · {reason}") for reason in case.danger.reasons]
    return Group(Text(head, "bold"), Text(money), *reasons, table)
