"""What a demo prints where there is no terminal."""

from collections import Counter
from datetime import UTC, datetime
from io import StringIO

from rich.console import Console

from simulators.demo.lines import Lines, progress_line
from simulators.demo.run import in_background
from streams.monitoring.overview import Overview
from tests.channel_rig import until

VIEW = Overview(
    now=datetime(2026, 3, 2, 1, 5, tzinfo=UTC),
    counts=Counter({"open|red|call": 2, "open|yellow|sms": 3, "contact|sms|sent": 9}),
    ledger=Counter(),
    recent=[],
    waiting=1,
    overdue=0,
    outcomes={"raised": 4, "below_threshold": 1200},
)


def test_a_line_has_the_province_s_time_and_how_it_stands() -> None:
    words = "03-02 09:05 in the province, signals: 1,204, open cases: 5 (2 red), deadlines overdue: 0"
    assert progress_line(VIEW) == words


async def test_from_its_start_on_a_demo_says_what_it_waits_for_and_then_how_it_stands() -> None:
    log = StringIO()
    lines = Lines(Console(file=log, width=200), every=0.01)

    async def look() -> Overview:
        return VIEW

    async with in_background(lines.run()):
        await until(lambda: "waits for the servers" in log.getvalue())
        lines.wait_for("the workers")
        await until(lambda: "waits for the workers" in log.getvalue())
        lines.show(look)
        await until(lambda: progress_line(VIEW) in log.getvalue())


async def test_nothing_is_printed_over_the_board_of_a_terminal() -> None:
    screen = StringIO()
    await Lines(Console(file=screen, force_terminal=True), every=0.01).run()
    assert screen.getvalue() == ""
