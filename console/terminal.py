"""The board of the anti-fraud centre in the terminal: levels, signals, channels, loss avoided, the latest cases."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domain.payments.estimate import estimate_of
from domain.wording import labels
from domain.wording.catalogue import CHINESE
from domain.wording.codes import in_language
from schemas.base import Partial
from schemas.casework.cases import Case
from schemas.levels import GRAVEST_FIRST, Level, Result
from streams.monitoring.overview import Overview

WORDS = in_language(CHINESE)
LOCAL = ZoneInfo("Asia/Shanghai")
COLOURS = Partial(
    {
        Level.RED: "bold white on red",
        Level.ORANGE: "black on dark_orange",
        Level.YELLOW: "black on yellow3",
    }
)
MARKS = {Level.RED: "▲", Level.ORANGE: "◆", Level.YELLOW: "■", Level.BLUE: "●"}
OUTCOMES = {
    "raised": "预警",
    "below_threshold": "未达阈值",
    "unmatched": "无匹配",
    "duplicate": "重复",
    "dead_lettered": "无法读取",
}


def board(view: Overview, title: str = "") -> RenderableType:
    """Return the Chinese terminal board of an overview; money is in yuan. `title`: a text after the time."""
    head = Text.assemble(("劝阻 Quanzu ", "bold"), f"{_clock(view.now)}  {title}")
    upper = Columns([_levels(view), _signals(view), _channels(view), _money(view)], padding=(0, 1))
    return Panel(
        Group(*_stopped(view), *_silent(view), upper, _recent(view)),
        title=head,
        title_align="left",
        border_style="cyan",
    )


def _stopped(view: Overview) -> list[Text]:
    """Return one warning for each policy that the breaker stopped, because a person must review its cases."""
    return [
        Text(f"策略 {policy} 已熔断，生成的预警待人工核查（红色除外）：quanzu policy status", "bold red")
        for policy in view.stopped
    ]


def _silent(view: Overview) -> list[Text]:
    """Return one warning that lists all feeds in an outage with its duration; empty without an outage."""
    found = [
        f"{source} {_span(round((view.now - since).total_seconds())) if since else '从未'}"
        for source, since in view.silent.items()
    ]
    return [Text(f"线索中断：{'，'.join(found)}", "bold red")] if found else []


def _levels(view: Overview) -> Table:
    table = _table("在办预警", "级别", "件数")
    open_cases = view.of("open")
    for level in GRAVEST_FIRST:
        count = sum(number for name, number in open_cases.items() if name.startswith(f"{level}|"))
        table.add_row(_level(level), str(count))
    table.add_row("待接听", str(view.waiting))
    table.add_row("超时", Text(str(view.overdue), "bold red" if view.overdue else "green"))
    return table


def _signals(view: Overview) -> Table:
    table = _table("线索", "结果", "条数")
    for outcome, words in OUTCOMES.items():
        table.add_row(words, f"{view.outcomes.get(outcome, 0):,}")
    return table


def _channels(view: Overview) -> Table:
    table = _table("渠道", "渠道", "结果")
    for channel, words in labels.CHANNELS.items():
        results = sorted(view.of("contact", channel).items(), key=lambda item: -item[1])
        table.add_row(
            words, "  ".join(f"{labels.RESULTS[Result(name)]} {number}" for name, number in results[:4]) or "–"
        )
    return table


def _money(view: Overview) -> Table:
    table = _table("避免损失", "类", "元")
    for evidence in "ABC":
        table.add_row(evidence, _yuan(view.ledger[f"kept_{evidence.lower()}"]))
    estimate = estimate_of(view.ledger["kept_d"])
    table.add_row("D（估算）", f"{_yuan(estimate.mean)} ({_yuan(estimate.low)} – {_yuan(estimate.high)})")
    table.add_row("银行确认冻结", _yuan(view.ledger["frozen"]))
    table.add_row("已劝阻（通话或见面）", str(view.ledger["dissuaded_evidenced"]))
    table.add_row("已劝阻（另有依据）", str(view.ledger["dissuaded_stated"]))
    return table


def _recent(view: Overview) -> Table:
    table = Table(title="最近预警", title_justify="left", expand=True, border_style="dim", box=box.SIMPLE_HEAD)
    for name in ("级别", "预警", "状态", "下一步", "理由"):
        table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1 if name == "理由" else None)
    for case in view.recent:
        reasons = "；".join(map(WORDS.sentence, case.danger.reasons[:2]))
        table.add_row(_level(case.level), case.id, labels.STATES[case.state], _next(case, view.now), reasons)
    return table


def _next(case: Case, now: datetime) -> str:
    due = [(step.due, step) for step in case.steps if step.due is not None]
    if not due:
        return "–"
    moment, step = min(due, key=lambda item: item[0])
    left = round((moment - now).total_seconds())
    return f"{labels.ACTIONS[step.action]} {'-' if left < 0 else ''}{_span(abs(left))}"


def _span(seconds: int) -> str:
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02}"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} d"


def _level(level: Level) -> Text:
    return Text(f" {MARKS[level]} {labels.LEVELS[level]} ", COLOURS.get(level, "white on blue"))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", border_style="dim", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column)
    return table


def _yuan(fen: int) -> str:
    return f"¥{fen / 100:,.0f}"


def _clock(now: datetime) -> str:
    return now.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M:%S")
