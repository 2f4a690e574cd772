"""`quanzu residents places import`: a spreadsheet's file in GB 18030 is read, other bytes are refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.commands.places import app

HEADER = "id,kind,name,division,address"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"{HEADER}\nb-1,银行,示例银行,220104,人民大街1号\n".encode("gb18030"), "row 2, kind: write one of"),
        (f"{HEADER}\nb-1,hotel,{'路' * 200_000},220104,人民大街1号\n".encode(), "row 2, a cell: it cannot be read"),
        (HEADER.encode() + b"\n\xff\xff\n", "neither UTF-8 nor GB18030 at byte 31"),
    ],
    ids=["GB18030", "too long", "no text"],
)
async def test_a_file_that_cannot_be_imported_is_refused_with_the_place_of_its_fault(
    tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "places.csv"
    file.write_bytes(content)
    result = CliRunner().invoke(app, ["import", str(file)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert words in result.output
    assert "places.csv" in result.output
