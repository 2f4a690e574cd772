from io import StringIO

from rich.console import Console

from console.progress import bar


def test_where_there_is_no_terminal_it_is_told_in_lines_how_much_is_done() -> None:
    log = Console(file=StringIO())
    with log.capture() as told, bar(log, "seeds") as progress:
        for done in range(4):
            progress(done, 3)
    assert told.get().splitlines() == ["seeds: 0 of 3", "seeds: 3 of 3"]


def test_a_terminal_has_a_bar() -> None:
    screen = Console(file=StringIO(), force_terminal=True)
    with screen.capture() as told, bar(screen, "seeds") as progress:
        progress(3, 3)
    assert "3/3" in told.get()
