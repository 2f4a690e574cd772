"""The workers of a demo."""

from pathlib import Path

from simulators.demo.workers import Workers
from streams.runtime.settings import Settings


def test_workers_in_folders_of_their_own_have_the_demos_secret(tmp_path: Path) -> None:
    settings = Settings(kafka=None, redis=None, data=tmp_path)
    workers = Workers(settings, 2)
    secrets = {workers._environment(tmp_path / f"worker-{number}")["QUANZU_SECRET"] for number in range(2)}
    assert secrets == {settings.key().decode()}


def test_each_worker_tells_its_metrics_on_a_port_of_its_own_or_none_does(tmp_path: Path) -> None:
    settings = Settings(kafka=None, redis=None, data=tmp_path)
    serving = Workers(settings, 2, metrics_port=19_465)
    assert [serving._port(number) for number in range(2)] == [
        {"QUANZU_METRICS_PORT": "19465"},
        {"QUANZU_METRICS_PORT": "19466"},
    ]
    silent = Workers(settings, 2)
    assert silent._environment(tmp_path / "worker-0")["QUANZU_METRICS_PORT"] == "0"
    assert silent._port(0) == {}
