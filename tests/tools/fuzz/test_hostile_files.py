"""Files with a name of their own: residents and signals that are not what they say."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.repositories.residents import tables
from streams.repositories.residents.files import check_heading
from streams.repositories.residents.rows import RowError, read_row
from streams.repositories.residents.tables import FileError, Row, open_rows
from tests.tools.fuzz import examples, files
from tests.tools.fuzz.book import peak_mb, unfit
from tests.tools.fuzz.mutations import MARKERS

HEADING = examples.RESIDENTS_HEADING
ROW = examples.RESIDENT_ROWS[0]
GOOD = f"{HEADING}\n{ROW}\n"


def rows_of(path: Path, content: str | bytes) -> list[Row]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = open_rows(path)
    check_heading(table.heading)
    return list(table.rows)


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return tmp_path / "residents.csv"


@pytest.fixture
def parquet_file(tmp_path: Path) -> Path:
    return tmp_path / "residents.parquet"


def test_a_hundred_thousand_columns_are_refused_at_once(csv_file: Path) -> None:
    columns = ",".join(f"c{number}" for number in range(10_000))
    with pytest.raises(FileError, match="columns"):
        rows_of(csv_file, f"{columns}\n")
    with pytest.raises(FileError, match="first line"):
        rows_of(csv_file, ",".join(f"c{number}" for number in range(100_000)))


def test_a_line_of_100_mb_costs_itself_and_no_memory(csv_file: Path) -> None:
    before = peak_mb()
    with csv_file.open("wb") as file:
        file.write(f"{HEADING}\n".encode())
        for _ in range(100):
            file.write(b"x" * 2**20)
        file.write(f"\n{ROW}\n".encode())
    long, good = open_rows(csv_file).rows
    assert (long.line, long.wrong) == (2, ("row", "is longer than 65,536 bytes"))
    assert (good.line, good.wrong) == (3, None)
    assert peak_mb() - before < 30


@pytest.mark.parametrize("quotes", ['"', '"""', '"\n"', 'a"b'])
def test_unbalanced_quotes_cost_their_own_lines(csv_file: Path, quotes: str) -> None:
    found = rows_of(csv_file, f"{HEADING}\n" + f"{quotes}\n" * 300 + f"{ROW}\n" * 30)
    assert sum(row.wrong is None for row in found) >= 10
    assert all(unfit(row.wrong[1]) is None for row in found if row.wrong)


def test_every_end_of_line_and_a_mark_at_the_beginning_are_read(csv_file: Path) -> None:
    found = rows_of(csv_file, b"\xef\xbb\xbf" + f"{HEADING}\r\n{ROW}\n{ROW}\r\n".encode())
    assert [row.wrong for row in found] == [None, None]


def test_gb18030_is_read_as_such(csv_file: Path) -> None:
    (row,) = rows_of(csv_file, f"{HEADING}\n{ROW}\n".encode("gb18030"))
    assert row.fields["name"] == "安某"


def test_what_stands_in_a_cell_is_not_repeated_when_it_is_refused(csv_file: Path) -> None:
    for column, cell in (
        ("phones", f"{MARKERS[1]}@9999-01-01.."),
        ("phones", "+8614200000001@1999-01-01.."),
        ("accounts", MARKERS[0]),
        ("contacts", f"{MARKERS[0]}|1|x"),
        ("birth_year", MARKERS[1]),
        ("division", MARKERS[0]),
    ):
        with pytest.raises(RowError) as error:
            read_row(
                {"name": "某", "occupation": "retired", "sex": "male", "birth_year": "1960", "division": "220102"}
                | {column: cell},
                files.KEYS,
                lambda: examples.RESIDENT,
                files.TODAY,
            )
        assert unfit(str(error.value)) is None
        assert "input_value" not in str(error.value)


@pytest.mark.parametrize("name", ["\u202e某", "某\0", "\x1b[2J某"])
def test_a_name_with_what_is_not_seen_is_refused(name: str) -> None:
    said = files.take_residents(".csv")(GOOD.replace("安某", name).encode()).said
    assert said.startswith("line 2, name: ")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**62], pa.timestamp("us")),
        pa.array([2**62], pa.duration("s")),
        pa.array([[["deep"]]]),
        pa.array([{"a": 1}]),
        pa.array([b"\xff"]),
        pa.array([1e308]),
        pa.array([None], pa.null()),
    ],
    ids=str,
)
def test_a_parquet_column_of_another_type_costs_its_rows(parquet_file: Path, column: pa.Array) -> None:
    cells = dict(zip(HEADING.split(","), ROW.split(","), strict=True))
    pq.write_table(pa.table({name: column if name == "name" else [cell] for name, cell in cells.items()}), parquet_file)
    assert files.take_residents(".parquet")(parquet_file.read_bytes()).outcome in ("refused", "accepted")


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _holed(data: bytes) -> bytes:
    return data[:200] + b"\0" * 400 + data[600:]


@pytest.mark.parametrize("damage", [_cut, _holed, lambda data: b"PAR1" + data[-200:], lambda data: b""])
def test_a_parquet_file_that_is_damaged_is_refused(parquet_file: Path, damage: Callable[[bytes], bytes]) -> None:
    cells = dict(zip(HEADING.split(","), ROW.split(","), strict=True))
    pq.write_table(pa.table({name: [cell] * 500 for name, cell in cells.items()}), parquet_file, compression="none")
    came = files.take_residents(".parquet")(damage(parquet_file.read_bytes()))
    assert came.outcome == "refused"
    assert unfit(came.said) is None


def test_a_row_group_that_says_it_is_larger_than_may_be_is_refused(
    parquet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "LARGEST_GROUP", 1000)
    pq.write_table(pa.table({"name": ["x" * 4000]}), parquet_file)
    with pytest.raises(FileError, match="row group"):
        open_rows(parquet_file)
