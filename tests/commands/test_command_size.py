"""`quanzu admin size` says how large an installation must be, and docs/sizing.md shows what it says."""

import json
import re
import sys
from pathlib import Path

import pytest

import quanzu
from domain.statistics.coefficients import COEFFICIENTS, Coefficient

PAGE = (Path(__file__).parents[2] / "docs" / "sizing.md").read_text("utf-8")
SHOWN = re.findall(r"```\n\$ quanzu (admin size[^\n]*)\n(.*?)```", PAGE, re.DOTALL)


def told(arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["quanzu", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        quanzu.main()
    return int(str(ended.value.code or 0)), *capsys.readouterr()


def test_the_page_shows_jilin_a_large_province_and_the_country() -> None:
    assert [line.partition("--profile ")[2].split()[0] for line, _ in SHOWN] == ["jilin", "province", "country"]


@pytest.mark.parametrize(("arguments", "shown"), SHOWN, ids=[line for line, _ in SHOWN])
def test_the_page_shows_what_the_command_says(
    arguments: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(arguments, monkeypatch, capsys)[1] == shown


@pytest.mark.parametrize("coefficient", COEFFICIENTS, ids=lambda each: each.key)
def test_the_page_has_each_coefficient(coefficient: Coefficient) -> None:
    assert f"| `{coefficient.key}` | {coefficient.value:g} {coefficient.unit} | {coefficient.what} |" in PAGE


def test_as_json_it_has_each_figure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(
        "admin size --residents 1000 --signals-per-day 86400 --peak-factor 2 --json", monkeypatch, capsys
    )
    found = json.loads(out)
    assert code == 0
    assert found["asked"]["residents"] == 1000
    assert found["workers"] == 2
    assert found["price"] is None
    assert {"residents", "payments", "evidence", "cases"} == set(found["redis"])


def test_more_than_one_redis_can_bear_ends_with_1_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = told("admin size --signals-per-day 3e9", monkeypatch, capsys)
    assert code == 1
    assert "TOO SMALL: one Redis would use" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("admin size --retention 7", 'Write "5m" for five minutes'),
        ("admin size --headroom 0.02", "headroom: an idle worker uses"),
        ("admin size --profile mars", "'mars' is not one of 'jilin', 'province', 'country'"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(
    arguments: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = told(arguments, monkeypatch, capsys)
    assert code == 2
    assert words in err
