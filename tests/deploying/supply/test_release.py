"""A release that was changed after its signature, or signed by somebody else, is not whole."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploying.test_files import DEPLOY

WHO = "release@quanzu.example"


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(each) for each in (DEPLOY / "release.sh", *words)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def key(folder: Path, name: str) -> Path:
    made = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made)], check=True)
    return made


@pytest.fixture
def signers(tmp_path: Path) -> Path:
    file = tmp_path / "allowed_signers"
    public = key(tmp_path, "release").with_suffix(".pub").read_text().split()
    file.write_text(f'{WHO} namespaces="quanzu-release" {public[0]} {public[1]}\n')
    return file


@pytest.fixture
def release(tmp_path: Path, signers: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "inner").mkdir(parents=True)
    (folder / "quanzu-0.1.0-py3-none-any.whl").write_text("the wheel")
    (folder / "inner" / "a name with blanks.txt").write_text("more")
    told = run("sign", folder, tmp_path / "release")
    assert told.returncode == 0, told.stderr
    return folder


def test_a_release_as_it_was_signed_is_whole(release: Path, signers: Path) -> None:
    told = run("verify", release, signers, WHO)
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "whole: 2 files")


def changed(release: Path) -> None:
    (release / "quanzu-0.1.0-py3-none-any.whl").write_text("another wheel")


def removed(release: Path) -> None:
    (release / "quanzu-0.1.0-py3-none-any.whl").unlink()


def added(release: Path) -> None:
    (release / "inner" / "sitecustomize.py").write_text("print()")


def linked(release: Path) -> None:
    (release / "more.whl").symlink_to("/etc/hostname")


def summed_anew(release: Path) -> None:
    changed(release)
    sums = subprocess.run(
        ["sha256sum", "./quanzu-0.1.0-py3-none-any.whl"], cwd=release, capture_output=True, check=True
    )
    (release / "SHA256SUMS").write_bytes(sums.stdout)


def unsigned(release: Path) -> None:
    (release / "SHA256SUMS.sig").unlink()


@pytest.mark.parametrize("change", [changed, removed, added, linked, summed_anew, unsigned])
def test_a_release_that_was_changed_is_refused(release: Path, signers: Path, change: Callable[[Path], None]) -> None:
    change(release)
    told = run("verify", release, signers, WHO)
    assert told.returncode == 1
    assert "whole" not in told.stdout


def test_a_release_that_somebody_else_signed_is_refused(tmp_path: Path, release: Path, signers: Path) -> None:
    assert run("sign", release, key(tmp_path, "other")).returncode == 0
    told = run("verify", release, signers, WHO)
    assert told.returncode == 1
    assert f"not signed by {WHO}" in told.stderr


def test_a_signature_for_another_purpose_is_refused(tmp_path: Path, release: Path, signers: Path) -> None:
    (release / "SHA256SUMS.sig").unlink()
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(tmp_path / "release"), "-n", "file", "SHA256SUMS"]
    subprocess.run(command, cwd=release, check=True)
    assert run("verify", release, signers, WHO).returncode == 1


def test_an_empty_folder_is_not_signed(tmp_path: Path, signers: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("sign", tmp_path / "empty", tmp_path / "release").returncode == 1
