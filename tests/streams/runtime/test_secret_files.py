"""Which files with secrets are used, and what is said of the others."""

from pathlib import Path

import pytest

from streams.runtime.secret_files import MOST_BYTES, FileFaultError, read_secret
from streams.runtime.settings import Settings, SettingsError, load

SECRET = "the key of a test"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "secret"
    made.write_text(f"{SECRET}\n")
    made.chmod(0o640)
    return made


def fault(file: Path) -> FileFaultError:
    with pytest.raises(FileFaultError) as refused:
        read_secret(file)
    assert refused.value.fix
    assert SECRET not in str(refused.value)
    return refused.value


def test_a_secret_is_read_without_white_space_around_it(file: Path) -> None:
    assert read_secret(file) == SECRET


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o642, 0o641])
def test_a_file_that_every_user_may_use_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert fault(file).code == "open_secret"
    assert f"chmod o-rwx {file}" in fault(file).fix


@pytest.mark.parametrize("content", [b"", b" \n\n"])
def test_an_empty_file_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert fault(file).code == "empty_secret"


def test_a_file_that_is_no_text_or_missing_or_a_folder_is_refused(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    assert [fault(each).code for each in (file, tmp_path / "missing", tmp_path)] == ["unreadable_secret"] * 3


def test_a_file_that_is_too_long_is_not_read_to_its_end(file: Path) -> None:
    file.write_text("x" * MOST_BYTES)
    assert len(read_secret(file)) == MOST_BYTES
    file.write_text("钥" * MOST_BYTES)
    assert fault(file).code == "long_secret"
    file.unlink()
    file.symlink_to("/dev/zero")
    assert fault(file).code == "long_secret"


def test_a_setting_s_file_is_refused_with_its_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"QUANZU_{name.upper()}", raising=False)
    monkeypatch.setenv("QUANZU_SECRET_FILE", str(file))
    assert load().key() == SECRET.encode()
    file.chmod(0o644)
    with pytest.raises(SettingsError, match=rf"QUANZU_SECRET_FILE = {file}: every user .* Run `chmod o-rwx"):
        load()
    monkeypatch.setenv("QUANZU_SECRET", SECRET)
    with pytest.raises(SettingsError, match="QUANZU_SECRET and QUANZU_SECRET_FILE are both set"):
        load()
