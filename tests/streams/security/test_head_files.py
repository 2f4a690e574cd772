"""The signed heads of the audit's chains as files on write-once storage."""

import asyncio
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.access.audit_chain import End, audit_ring, head
from domain.access.key_rings import KeyPurpose, KeyRing
from domain.access.signed_heads import heads_of
from schemas.administration.audit import Head
from streams.runtime.settings import Settings, SettingsError
from streams.security.audit_chains import Heads
from streams.security.head_files import HeadFiles
from streams.security.installation_keys import ring
from tests.end_to_end.harness.house import until

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


class Known(Heads):
    """Heads as Redis has them: one chain, which grows."""

    def __init__(self) -> None:
        self.number = 1

    async def all(self) -> list[Head]:
        end = End("0" * 16, self.number, "c" * 64, self.number)
        return [head(end, NOW, audit_ring(KeyRing((b"a" * 64,))))]


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("QUANZU_KEYS_FILE", raising=False)
    monkeypatch.setenv("QUANZU_KEYS", f"audit-heads:sm-{'1' * 64}")
    return Settings()


async def test_a_file_is_written_once_for_each_change_and_never_again_touched(ours: Settings, tmp_path: Path) -> None:
    known = Known()
    files = HeadFiles(ours, known, lambda: NOW, tmp_path)
    first = await files.write()
    assert first is not None
    before = first.read_bytes()
    assert await files.write() is None, "nothing has changed"
    known.number = 2
    second = await files.write()
    assert second is not None
    keys = ring(ours, KeyPurpose.AUDIT_HEADS)
    assert [heads_of(file.read_bytes(), keys)[0].number for file in (first, second)] == [1, 2]
    assert first.read_bytes() == before
    assert {file.stat().st_mode & 0o777 for file in (first, second)} == {0o444}
    assert first.name.startswith("audit-heads-20260301T031200Z-")


async def test_storage_that_fails_is_told_and_the_heads_are_written_once_it_works(
    ours: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "worm"
    folder.mkdir()
    files = HeadFiles(ours, Known(), lambda: NOW, folder)
    folder.rename(tmp_path / "away")
    with caplog.at_level(logging.WARNING):
        running = asyncio.create_task(files.run(seconds=0.02))

        async def told() -> bool:
            return "were not written to" in caplog.text

        async def written() -> bool:
            return bool(await asyncio.to_thread(os.listdir, folder))

        await until(told, 20)
        (tmp_path / "away").rename(folder)
        await until(written, 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_folder_that_cannot_be_written_to_is_refused_at_the_start(ours: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(SettingsError, match="no folder that this process may write to"):
            HeadFiles(ours, Known(), lambda: NOW, folder)
