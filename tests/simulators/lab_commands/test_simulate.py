"""The command that writes a province names each file that it writes."""

from pathlib import Path

from typer.testing import CliRunner

from simulators.lab_commands.simulate import app


def test_each_file_that_is_written_is_named(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["--hours", "0", "--out", str(tmp_path)])
    assert found.exit_code == 0
    named = found.output.replace("\n", "").split(", ")
    assert sorted(named) == sorted(str(path) for path in tmp_path.iterdir())
