"""The workers of a demo."""

from pathlib import Path

from simulators.workers import Workers
from streams.settings import Settings


def test_workers_in_folders_of_their_own_have_the_demos_secret(tmp_path: Path) -> None:
    settings = Settings(kafka=None, redis=None, data=tmp_path)
    workers = Workers(settings, 2)
    secrets = {workers._environment(tmp_path / f"worker-{number}")["QUANZU_SECRET"] for number in range(2)}
    assert secrets == {settings.key().decode()}
