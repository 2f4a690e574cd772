"""Residents from files and into them: nothing is lost, nobody is doubled, no ID number stays."""

import csv
import logging
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from redis.asyncio import Redis

from schemas.people.residents import ResidentId
from streams.repositories.residents.example import write_example
from streams.repositories.residents.files import export_file, import_file
from streams.repositories.residents.register import Residents
from streams.repositories.residents.tables import PARQUET_BATCH, FileError, encoding_of, open_rows
from streams.runtime.settings import Settings
from tests.streams.repositories.residents_files import ANNA, HEADING, KEYS, NOW, NUMBER, everybody, take, write


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_row_that_cannot_be_read_is_refused_with_its_line_and_the_others_go_on(
    register: Residents, file: Path
) -> None:
    report = await take(
        file,
        register,
        ANNA,
        "乙某,12,,retired,220102,女,1970",
        "丙某,+8614200000003,,retired,220102",
        '丁某,"+8614200000004,,retired,220102,女,1970',
        "戊某,+8614200000005,,retired,220102,女,1970",
        '"己\n某",+8614200000006,,retired,220102,女,1970',
        "庚某,+8614200000007,,retired,220102,女,1970",
    )
    assert [(line, column) for line, column, _ in report.refused] == [
        (3, "phones"),
        (4, "row"),
        (5, "row"),
        (7, "name"),
    ]
    assert (report.rows, report.imported, len(report.refused)) == (7, 3, 4)
    assert {entry.name for entry in await everybody(register)} == {"安某", "戊某", "庚某"}


MERGED = "id,name,occupation,division,sex,birth_year,phones,accounts,merged_into"


async def test_who_is_merged_by_a_row_is_found_by_both_entries_numbers_as_the_one_that_stays(
    register: Residents, file: Path
) -> None:
    stays, goes, account = "r" + "a" * 16, "r" + "b" * 16, "9900000000000001"
    about = "某某,retired,220102,女,1970"
    first = [f"{stays},{about},+8614200000001,,", f"{goes},{about},+8614200000002,{account},"]
    write(file, "\n".join([MERGED, *first, ""]).encode())
    await import_file(file, register, KEYS, at=NOW)
    write(file, f"{MERGED}\n{goes},{about},+8614200000002,{account},{stays}\n".encode())
    report = await import_file(file, register, KEYS, at=NOW)
    assert (report.imported, report.refused) == (1, [])
    phones = [("+8614200000001", NOW), ("+8614200000002", NOW)]
    assert await register.by_phone(phones) == [stays, stays]
    assert await register.by_account([(account, NOW)]) == [stays]
    again = await import_file(file, register, KEYS, at=NOW)
    assert (again.imported, again.unchanged) == (0, 1)

    # A file that has not heard of it would put a new number where nobody looks.
    write(file, f"{MERGED}\n{goes},{about},+8614200000003,,\n".encode())
    ((line, column, reason),) = (await import_file(file, register, KEYS, at=NOW)).refused
    assert (line, column) == (2, "id")
    assert stays in reason


async def test_a_row_under_an_id_whose_person_was_forgotten_costs_itself_only(
    register: Residents, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, about = "r" + "c" * 16, "某某,retired,220102,女,1970"

    async def forgotten(ids: Iterable[ResidentId]) -> list[ResidentId]:
        return [each for each in ids if each == gone]

    monkeypatch.setattr(register, "forgotten", forgotten)
    rows = [f"{gone},{about},+8614200000001,,", f",{about},+8614200000002,,"]
    write(file, "\n".join([MERGED, *rows, ""]).encode())
    report = await import_file(file, register, KEYS, at=NOW)
    assert [(line, column) for line, column, _ in report.refused] == [(2, "id")]
    assert [entry.phones[0].value for entry in await everybody(register)] == ["+8614200000002"]


def test_a_number_that_a_float_cannot_hold_is_refused_and_not_entered_as_another_s(tmp_path: Path) -> None:
    path = tmp_path / "residents.parquet"
    cards = [6222021234567890123.0, None, 8614200000001.0]
    pq.write_table(pa.table({"name": ["甲", "乙", "丙"], "accounts": pa.array(cards, pa.float64())}), path)
    rows = list(open_rows(path).rows)
    assert [row.wrong and row.wrong[0] for row in rows] == ["accounts", None, None]
    assert rows[2].fields["accounts"] == "8614200000001"


async def test_refused_rows_are_kept_as_they_came_and_can_be_put_right_and_imported(
    register: Residents, file: Path
) -> None:
    report = await take(file, register, ANNA, f"乙某,12,{NUMBER},retired,220102,,", "丙某,13")
    assert report.refused_file is not None
    rows = list(csv.reader(report.refused_file.open(encoding="utf-8")))
    assert rows[0][:3] == ["refused_line", "refused_column", "refused_reason"]
    assert rows[1][3:] == f"乙某,12,{NUMBER},retired,220102,,".split(",")
    assert rows[2][3:] == ["丙某", "13"]
    assert report.refused_file.stat().st_mode & 0o777 == 0o600
    rows[1][4] = "+8614200000009"
    fixed = file.with_name("fixed.csv")
    with fixed.open("w", encoding="utf-8") as out:
        csv.writer(out).writerows(rows[:2])
    again = await import_file(fixed, register, KEYS, at=NOW)
    assert (again.imported, again.refused) == (1, [])


async def test_bytes_that_belong_to_no_encoding_cost_their_own_row_and_are_kept(
    register: Residents, file: Path
) -> None:
    good, bad = ANNA.encode(), b"\xe4\xb9\xff\xfe,+8614200000002,,retired,220102,female,1970"
    write(file, b"\n".join([HEADING.encode(), good, bad, b""]))
    report = await import_file(file, register, KEYS, at=NOW)
    assert (report.encoding, report.imported) == ("utf-8", 1)
    assert [(line, column) for line, column, _ in report.refused] == [(3, "name")]
    assert report.refused_file is not None
    assert b"\xe4\xb9\xff\xfe" in report.refused_file.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_file_is_read_in_the_encoding_it_was_written_in(register: Residents, file: Path, encoding: str) -> None:
    report = await take(file, register, ANNA, encoding=encoding)
    assert (report.encoding, encoding_of(file)) == (encoding, encoding)
    assert [entry.name for entry in await everybody(register)] == ["安某"]


async def test_the_same_person_imported_again_is_updated_and_not_doubled(register: Residents, file: Path) -> None:
    await take(file, register, ANNA)
    again = await take(file, register, ANNA)
    assert (again.imported, again.unchanged) == (0, 1)
    moved = await take(file, register, ANNA.replace("220102", "220184"), ANNA.replace("0001,", "0002,"))
    assert moved.imported == 2
    (entry,) = await everybody(register)
    assert await register.by_phone([("+8614200000001", NOW - timedelta(1)), ("+8614200000001", NOW)]) == [
        entry.id,
        None,
    ]
    assert await register.by_phone([("+8614200000002", NOW)]) == [entry.id]


async def test_an_id_number_is_neither_kept_nor_logged_nor_exported(
    register: Residents, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await take(file, register, ANNA, ANNA.replace("0100", "0101"))
    exported = file.with_name("export.csv")
    assert await export_file(exported, register) == 1
    (entry,) = await everybody(register)
    for text in (entry.model_dump_json(), exported.read_text("utf-8-sig"), caplog.text):
        assert NUMBER[:17] not in text
    assert entry.id_hash
    assert entry.id_hash in exported.read_text("utf-8-sig")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
async def test_what_is_exported_is_imported_as_it_was(register: Residents, tmp_path: Path, ending: str) -> None:
    example, exported = tmp_path / f"example{ending}", tmp_path / f"export{ending}"
    assert write_example(example, 120) == 120
    first = await import_file(example, register, KEYS, at=NOW)
    assert (first.imported, first.refused) == (120, [])
    before = {entry.id: entry for entry in await everybody(register)}
    assert await export_file(exported, register) == 120
    again = await import_file(exported, register, KEYS, at=NOW + timedelta(days=9))
    assert (again.rows, again.unchanged, again.refused) == (120, 120, [])
    await register.erase(before)
    await import_file(exported, register, KEYS, at=NOW)
    assert {entry.id: entry for entry in await everybody(register)} == before
    assert names(tmp_path) == {example.name, exported.name}


def test_the_example_is_the_same_for_a_seed_and_tells_of_families_and_changes(tmp_path: Path) -> None:
    one, two, other = (tmp_path / f"{n}.csv" for n in range(3))
    for path, seed in ((one, 1), (two, 1), (other, 2)):
        write_example(path, 50, seed)
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    rows = [row.fields for row in open_rows(one).rows]
    assert any(row["guardian"] for row in rows)
    assert any(row["phones"].endswith("*2") for row in rows)
    assert any("@.." in row["phones"] for row in rows)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"name,fone,occupation,division\n", "unknown column: 'fone'"),
        ("a.csv", b"name,phones\n", "missing: 'division', 'occupation'"),
        ("a.csv", b"name,name,occupation,division\n", "twice: 'name'"),
        ("a.csv", b"", "first line"),
        ("a.csv", b"\x00\x01\x02", "first line"),
        ("a.parquet", b"PAR1 or not", "not a Parquet"),
        ("a.xlsx", b"", "only .csv and .parquet"),
    ],
)
async def test_a_file_that_is_not_what_it_should_be_is_refused_whole(
    settings: Settings, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    redis = Redis.from_url(str(settings.redis))
    with pytest.raises(FileError, match=reason):
        await import_file(tmp_path / name, Residents(settings, redis), KEYS, at=NOW)
    await redis.aclose()


async def test_progress_is_told_in_rows_and_in_the_share_of_the_file(register: Residents, tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []
    write_example(tmp_path / "a.csv", 20)
    await import_file(tmp_path / "a.csv", register, KEYS, lambda rows, share: told.append((rows, share)))
    assert told == [(20, 1.0)]


async def test_a_file_of_several_chunks_knows_who_came_in_an_earlier_one(register: Residents, file: Path) -> None:
    others = [f"某某,+86142{number:08},,retired,220102,女,1970" for number in range(100, 3100)]
    report = await take(file, register, ANNA, *others, ANNA.replace("220102", "220184"))
    assert (report.rows, report.imported, await register.count()) == (3002, 3002, 3001)
    (anna,) = await register.by_phone([("+8614200000001", NOW)])
    assert anna
    assert (await register.get([anna]))[anna].division == "220184"


async def test_all_rows_before_the_damage_of_a_file_are_imported(register: Residents, tmp_path: Path) -> None:
    path = tmp_path / "residents.parquet"
    write_example(tmp_path / "all.csv", 2 * PARQUET_BATCH)
    rows = [row.fields for row in open_rows(tmp_path / "all.csv").rows]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=PARQUET_BATCH)
    damage(path, group=1)
    with pytest.raises(FileError, match=f"damaged after row {PARQUET_BATCH:,}; the rows before it were taken"):
        await import_file(path, register, KEYS, at=NOW)
    assert await register.count() == PARQUET_BATCH


def damage(path: Path, group: int) -> None:
    """Overwrite the beginning of each column in a row group of a Parquet file."""
    content, columns = bytearray(path.read_bytes()), pq.read_metadata(path).row_group(group)
    for number in range(columns.num_columns):
        column = columns.column(number)
        start = column.dictionary_page_offset or column.data_page_offset
        content[start : start + 16] = b"\xff" * 16
    path.write_bytes(content)
