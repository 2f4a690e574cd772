"""Shows a case's history in the terminal: each input, the facts with their reasons, and the policy used."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from domain.wording.codes import in_language
from schemas.casework.events import CaseEvent

WORDS = in_language("en")
LOCAL = ZoneInfo("Asia/Shanghai")


def story(events: Sequence[CaseEvent]) -> RenderableType:
    """Return a table of one case's events in version order, below a summary of the case after the last event.

    Times are in China's time zone, the exposure in yuan. Raises IndexError if `events` is empty.
    """
    told = sorted(events, key=lambda event: event.case.version)
    case = told[-1].case
    table = Table(expand=True, border_style="dim")
    for name in ("#", "time", "input", "what happened", "policy"):
        table.add_column(name, no_wrap=name != "what happened", vertical="top")
    for event in told:
        at = event.at.astimezone(LOCAL).strftime("%m-%d %H:%M:%S")
        facts = "\n".join(f"{fact.kind}: {WORDS.sentence(fact.what)}" for fact in event.facts)
        table.add_row(str(event.case.version), at, event.input_kind, Text(facts), event.case.policy[:8])
    head = f"case {case.id}  {case.level} {case.state}  {case.danger.scam_type}  policy {case.policy}"
    money = f"exposure ¥{case.danger.exposure_fen / 100:,.2f}  probability {case.danger.probability:.0%}"
    reasons = [Text(f"  · {WORDS.sentence(reason)}") for reason in case.danger.reasons]
    return Group(Text(head, "bold"), Text(money), *reasons, table)


def listing(events: Sequence[CaseEvent], most: int) -> RenderableType:
    """Return a table of at most `most` cases in their present state, the case with the latest event first.

    A last line has the number of all cases in `events` and of the open ones. Times are in China's time zone, the
    exposure in yuan.
    """
    latest: dict[str, CaseEvent] = {}
    for event in events:
        if event.case.id not in latest or event.case.version > latest[event.case.id].case.version:
            latest[event.case.id] = event
    table = Table(box=None)
    for name in ("case", "level", "updated", "exposure ¥", "state", "scam type"):
        table.add_column(name, no_wrap=name in ("case", "level", "updated"))
    for event in sorted(latest.values(), key=lambda event: (event.at, event.case.id), reverse=True)[:most]:
        case = event.case
        at = case.updated_at.astimezone(LOCAL).strftime("%m-%d %H:%M:%S")
        exposure = f"{case.danger.exposure_fen / 100:,.2f}"
        table.add_row(case.id, case.level, at, exposure, case.state, case.danger.scam_type)
    return Group(table, Text(f"cases: {len(latest)}, open: {sum(event.case.open for event in latest.values())}"))
