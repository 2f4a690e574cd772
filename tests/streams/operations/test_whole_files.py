"""A file has its name once it is whole: what failed can be done again, and nothing is overwritten."""

from pathlib import Path
from typing import cast

import pytest

from streams.runtime.files import whole_file


def test_a_file_that_failed_is_gone_and_can_be_written_again(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    with pytest.raises(TypeError), whole_file(path) as file:
        file.writelines([b"half", cast("bytes", None)])
    assert list(tmp_path.iterdir()) == []
    with whole_file(path) as file:
        file.write(b"all")
        assert not path.exists()
    assert (path.read_bytes(), path.stat().st_mode & 0o077) == (b"all", 0)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_exists_is_never_overwritten_also_if_it_is_made_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    with pytest.raises(FileExistsError), whole_file(path):
        path.write_bytes(b"another's")
    with pytest.raises(FileExistsError), whole_file(path):
        pytest.fail("the file exists")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"another's"]
