"""What is taken out of the journal: the dashboards' figures to the unit, and nobody's name in it."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet

from domain.statistics.export import pseudonyms
from schemas.levels import Action
from streams.operations.export import Format, Kind, Span, export
from tests.end_to_end.harness.rig import OPERATOR, Line
from tests.end_to_end.harness.signals import call, transfer

PAGE = Path("docs/export.md").read_text("utf-8")
BOOKS = (
    "cases",
    "warned",
    "dissuaded_evidenced",
    "dissuaded_stated",
    "kept_a",
    "kept_b",
    "kept_c",
    "kept_d",
    "frozen",
    "lost",
)
SUMS = """
select count(*), sum(warned), sum(dissuaded_evidenced), sum(dissuaded_stated),
       sum(kept_a_fen), sum(kept_b_fen), sum(kept_c_fen), sum(kept_d_fen),
       sum(frozen_fen), sum(lost_fen)
from $file
"""
OF_CASES = "select sum(kept_a_fen + kept_b_fen + kept_c_fen + kept_d_fen), sum(frozen_fen), sum(lost_fen) from $file"
OF_ROWS = """
select coalesce(sum(amount_fen) filter (entry = 'kept'), 0), coalesce(sum(amount_fen) filter (entry = 'frozen'), 0),
       coalesce(sum(amount_fen) filter (entry = 'lost'), 0)
from $file
"""


async def _taken(line: Line, kind: Kind, file: Path, **span: float) -> Path:
    settings, now = line.house.settings, line.house.clock.now()
    since = now - (timedelta(**span) if span else timedelta(days=4000))
    form = Format(file.suffix[1:])
    assert await export(settings, kind, Span(since, now + timedelta(1)), pseudonyms(settings.key()), file, form) > 0
    return file


def _asked(query: str, file: Path) -> tuple[int, ...]:
    with duckdb.connect() as connection:
        (row,) = connection.execute(query.replace("$file", f"'{file}'")).fetchall()
    return tuple(map(int, row))


@pytest.mark.parametrize("form", Format)
async def test_the_sums_of_exported_cases_are_the_line_s_own_books(line: Line, tmp_path: Path, form: Format) -> None:
    resident = await line.resident()
    await line.signal(call(line, resident), transfer(line, resident, line.account()))
    await line.advance(seconds=95)
    await line.dissuade(resident)
    await line.settle()
    file = await _taken(line, Kind.CASES, tmp_path / f"cases.{form}")
    found = _asked(SUMS, file)
    books = await line.house.line.store.sums("ledger", range(line.house.settings.partitions))
    assert dict(zip(BOOKS, map(int, found), strict=True)) == {name: books.get(name, 0) for name in BOOKS}
    line.expect(Action.FLASH_SMS, resident, seconds=0)
    line.expect(Action.ROBOT_CALL, resident, seconds=20)


async def test_the_page_s_query_gives_the_months_of_the_exported_cases(line: Line, tmp_path: Path) -> None:
    await line.signal(call(line, await line.resident()))
    await line.settle()
    file = await _taken(line, Kind.CASES, tmp_path / "cases.parquet")
    query = PAGE.partition("```sql\n")[2].partition("```")[0].replace("cases.parquet", str(file))
    with duckdb.connect() as connection:
        months = connection.execute(query).fetchall()
    assert sum(month[1] for month in months) == parquet.read_table(file).num_rows > 0


async def test_the_ledger_s_rows_add_up_to_the_cases_columns(line: Line, tmp_path: Path) -> None:
    resident = await line.resident()
    await line.signal(call(line, resident), transfer(line, resident, line.account()))
    await line.advance(seconds=15)
    await line.dissuade(resident)
    await line.settle()
    cases = await _taken(line, Kind.CASES, tmp_path / "cases.parquet")
    rows = await _taken(line, Kind.LEDGER, tmp_path / "ledger.parquet")
    kept, frozen, lost = _asked(OF_CASES, cases)
    assert _asked(OF_ROWS, rows) == (kept, frozen, lost)
    assert kept > 0
    line.expect(Action.FLASH_SMS, resident, seconds=0)


async def test_a_contact_s_results_are_rows_and_nothing_in_a_file_names_anybody(line: Line, tmp_path: Path) -> None:
    resident = await line.resident()
    mule = line.account()
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(seconds=30)
    line.expect(Action.FLASH_SMS, resident, seconds=0)
    line.expect(Action.ROBOT_CALL, resident, seconds=20)
    await line.settle()
    name = pseudonyms(line.house.settings.key())(resident.id)
    secrets = (resident.id, resident.name, resident.phones[0].value, resident.accounts[0].value, mule, OPERATOR)
    for kind in Kind:
        if kind is Kind.EXPERIMENTS:  # none is in the policy: its rows have their own tests
            continue
        file = await _taken(line, kind, tmp_path / f"{kind}.csv")
        text = file.read_text("utf-8")
        assert not [each for each in secrets if each in text]
        assert name in text or kind is Kind.LEDGER
        assert file.stat().st_mode & 0o077 == 0
    contacts = await _taken(line, Kind.CONTACTS, tmp_path / "contacts.parquet")
    mine = [row for row in parquet.read_table(contacts).to_pylist() if row["resident"] == name]
    assert {(row["action"], row["contacted"]) for row in mine} >= {("flash_sms", True), ("robot_call", True)}


async def test_an_export_keeps_to_its_span_and_never_writes_over_a_file(line: Line, tmp_path: Path) -> None:
    earlier = await line.resident()
    await line.signal(call(line, earlier))
    await line.advance(hours=5)
    later = await line.resident()
    await line.signal(call(line, later))
    await line.settle()
    file = await _taken(line, Kind.CASES, tmp_path / "cases.parquet", hours=1)
    name = pseudonyms(line.house.settings.key())
    residents = {row["resident"] for row in parquet.read_table(file).to_pylist()}
    assert name(later.id) in residents
    assert name(earlier.id) not in residents
    with pytest.raises(FileExistsError):
        await _taken(line, Kind.CASES, file)
    assert parquet.read_table(file).num_rows == len(residents)
