"""What a worker's app is set to, wherever it runs."""

import pytest

from streams.messaging.app import App, create_app
from streams.runtime.settings import Settings

SETTINGS = Settings(kafka="127.0.0.1:9092", redis="redis://127.0.0.1:6379/0", embedded=True, app_id="centre")


def test_what_happens_to_stand_in_the_environment_changes_nothing_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = create_app(SETTINGS, App).conf
    for name in ("APP_VERSION", "BROKER_COMMIT_INTERVAL", "PRODUCER_ACKS", "STREAM_BUFFER_MAXSIZE"):
        monkeypatch.setenv(name, "7")
    monkeypatch.setenv("BROKER_URL", "kafka://another:9092")
    found = create_app(SETTINGS, App).conf
    assert (found.id, found.version, found.producer_acks) == ("centre", 1, -1)
    assert (found.broker, found.broker_commit_interval) == (plain.broker, plain.broker_commit_interval)
    assert found.stream_buffer_maxsize == plain.stream_buffer_maxsize
