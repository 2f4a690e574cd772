"""Files, in this process: signals as CSV and lines, residents as CSV and Parquet, policies as TOML."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from console.policy_faults import in_english
from domain.identity.id_keys import IdKeys
from domain.policy import PolicyError, load
from schemas.administration.dead_letters import LinePlace
from streams.intake.acceptor import Unreadable, examine
from streams.intake.formats import FORMATS, Options
from streams.intake.formats.rows import RowError
from streams.intake.row_files import LONGEST_LINE
from streams.repositories.residents.files import check_heading
from streams.repositories.residents.rows import RowError as ResidentError
from streams.repositories.residents.rows import read_row
from streams.repositories.residents.tables import FileError, open_rows
from tests.tools.fuzz import examples
from tests.tools.fuzz.book import Came, Outcome, Take
from tests.tools.fuzz.mutations import MARKERS, bent, nasty, spoilt

KEYS = IdKeys(b"a secret of the tests, long enough")
TODAY = date(2026, 3, 1)
MEMORY = Path("/dev/shm")  # noqa: S108 - files are made by the hundred thousand: not on a disk


@contextmanager
def file_of(data: bytes, suffix: str) -> Iterator[Path]:
    """A file that holds the data, for as long as the context lasts."""
    folder = MEMORY if MEMORY.is_dir() else None
    with tempfile.NamedTemporaryFile(dir=folder, suffix=suffix) as file:
        file.write(data)
        file.flush()
        yield Path(file.name)


def table_of(text: str) -> Callable[[random.Random], bytes]:
    """A CSV with some of its cells or bytes spoilt."""

    def make(chance: random.Random) -> bytes:
        header, *rows = text.splitlines()
        if chance.random() < 0.1:
            header = spoilt(header, chance)
        rows = [spoilt(row, chance) if chance.random() < 0.6 else row for row in rows]
        end = chance.choice(("\n", "\n", "\r\n", "\r"))
        return bent(end.join([header, *rows, ""]).encode("utf-8", "surrogatepass"), chance, 0.3)

    return make


def take_format(name: str) -> Take:
    """As a file of signals is read, line by line."""
    format_ = FORMATS[name]

    def take(data: bytes) -> Came:
        header, _, rest = data.partition(b"\n") if format_.header else (b"", b"", data)
        try:
            row = format_.open(header, Options())
        except RowError as error:
            return Came(Outcome.DEAD_LETTER, str(error))
        faults = [fault for line in rest.split(b"\n") if line.strip() for fault in _row(row, line)]
        return Came(Outcome.DEAD_LETTER, "\n".join(faults[:50])) if faults else Came(Outcome.ACCEPTED)

    return take


def _row(row: Callable[[bytes, str], object], line: bytes) -> list[str]:
    assert len(line) < LONGEST_LINE
    LinePlace(file="f", digest="d", line=1)
    try:
        item = row(line.rstrip(b"\r"), "d-1")
    except RowError as error:
        item = Unreadable(str(error))
    return [str(fault) for fault in examine([item], examples.NOW).faults]


def take_residents(suffix: str) -> Take:
    """As the register's import reads a file, up to the entry of each row."""

    def take(data: bytes) -> Came:
        with file_of(data, suffix) as path:
            try:
                table = open_rows(path)
                check_heading(table.heading)
                refused = [said for row in table.rows if (said := _refused(row))]
            except FileError as error:
                return Came(Outcome.REFUSED, str(error).replace(path.name, "file"))
        return Came(Outcome.REFUSED, "\n".join(refused[:50])) if refused else Came(Outcome.ACCEPTED)

    return take


def _refused(row: Any) -> str | None:  # noqa: ANN401 - a row of the file
    if row.wrong:
        return f"line {row.line}, {row.wrong[0]}: {row.wrong[1]}"
    try:
        resident = read_row(row.fields, KEYS, lambda: examples.RESIDENT, TODAY)
    except ResidentError as error:
        return f"line {row.line}, {error.column}: {error.reason}"
    assert type(resident).model_validate_json(resident.model_dump_json()) == resident
    return None


def parquet(chance: random.Random) -> bytes:
    """A Parquet file of columns with the wrong types, or a right one that is damaged."""
    columns = {name: chance.choice(_COLUMNS) for name in examples.RESIDENTS_HEADING.split(",")}
    if chance.random() < 0.5:
        cells = [row.split(",") for row in examples.RESIDENT_ROWS[:1]]
        columns = {name: pa.array([cell[n] for cell in cells]) for n, name in enumerate(columns)}
        if chance.random() < 0.6:
            columns[chance.choice(list(columns))] = chance.choice(_COLUMNS)
    longest = max(len(column) for column in columns.values())
    even = {name: pa.chunked_array([column] * longest).slice(0, longest) for name, column in columns.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(even), sink, compression=chance.choice(("none", "snappy", "zstd", "gzip")))
    data: bytes = sink.getvalue().to_pybytes()
    for _ in range(chance.choice((0, 0, 1, 1, 3))):
        data = bent(data, chance)
    return data


_COLUMNS = (
    pa.array([1, None, 3]),
    pa.array([1.5, float("nan"), float("inf")]),
    pa.array([b"\xff\xfe", b"", None]),
    pa.array([["a", None], [], None]),
    pa.array([{"a": 1}, None, {"a": None}]),
    pa.array([date(1, 1, 1), date(9999, 12, 31), None]),
    pa.array([2**62, -(2**62), 0], pa.timestamp("us")),
    pa.array([2**50, -(2**50), 0], pa.timestamp("s")),
    pa.array([2**40 - 2**40 % 86_400_000, 0, None], pa.date64()),
    pa.array(["a", "b", "a"]).dictionary_encode(),
    pa.array([True, False, None]),
    pa.array([10**30, None, -(10**30)], pa.decimal128(38, 0)),
    pa.array([None, None, None], pa.null()),
    pa.array(["\u202e某", "a\0b", "男"]),
    pa.array(["x" * 5000, "", "1" * 4999]),
    pa.array([2**62, 1, None], pa.duration("s")),
    pa.array([[["a"]], None, []]),
)


def policy_text(chance: random.Random) -> bytes:
    """Jilin's policy with lines exchanged, doubled, left out or spoilt."""
    rows = examples.POLICY.splitlines()
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        _change_row(rows, chance)
    text = "\n".join(rows)
    for marker in MARKERS:  # nothing of a person is in a policy, and what is wrong in one is repeated
        text = text.replace(marker, "x")
    return bent(text.encode("utf-8", "surrogatepass"), chance, 0.15)


def _change_row(rows: list[str], chance: random.Random) -> None:
    place, way = chance.randrange(len(rows)), chance.random()
    name, equals, _ = rows[place].partition("=")
    if way < 0.5 and equals:
        rows[place] = f"{name}= {_toml(nasty(chance))}"
    elif way < 0.7:
        rows[place] = spoilt(rows[place], chance)
    elif way < 0.8:
        rows.insert(place, rows[chance.randrange(len(rows))])
    elif way < 0.9:
        del rows[place]
    else:
        rows.insert(place, chance.choice(_TOML))


def _toml(value: object) -> str:
    if isinstance(value, str):
        return chr(34) + value.replace("\\", "\\\\").replace('"', "") + chr(34)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else "[]"


_TOML = (
    "a" * 50_000,
    ".".join(["a"] * 20_000) + " = 1",
    "x = " + "[" * 5_000,
    "x = " + "{a=" * 5_000,
    "x = " + "9" * 50_000,
    "[[a.b]]",
    '[""]',
    "x = 2026-13-45T99:99:99Z",
    'after = "999999d"',
    'utc = "+99:99"',
    "bits = 1e400",
    "ratio = 1e-300",
)


def take_policy(data: bytes) -> Came:
    """As `quanzu policy check` reads a file."""
    try:
        load(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Came(Outcome.REFUSED, f"not UTF-8 at byte {error.start + 1}")
    except PolicyError as error:
        return Came(Outcome.REFUSED, in_english(error))
    return Came(Outcome.ACCEPTED)
