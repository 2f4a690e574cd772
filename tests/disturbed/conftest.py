"""How many rounds, and a table of them at the end: `pytest tests/disturbed --rounds 10`, or QUANZU_ROUNDS=10."""

import os
from dataclasses import fields

import pytest

from tests.disturbed import rounds

ROWS: list[rounds.Row] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, default=None, help="How often each disturbance is tried")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number" in metafunc.fixturenames:
        count = metafunc.config.getoption("rounds", default=None) or int(os.environ.get("QUANZU_ROUNDS", "1"))
        metafunc.parametrize("number", range(count))


@pytest.fixture
def rows() -> list[rounds.Row]:
    """Where a round is put down."""
    return ROWS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ROWS:
        terminalreporter.section("rounds")
        table = [[field.name for field in fields(rounds.Row)], *map(rounds.fields, ROWS)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            terminalreporter.write_line("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)))
