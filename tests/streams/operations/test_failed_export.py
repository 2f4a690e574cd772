"""An export that fails leaves no file, so that it can be run again."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from streams.operations.export import Format, Kind, Span, export
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from tests.dispatched import NOW

SPAN = Span(NOW - timedelta(1), NOW)


@pytest.mark.parametrize("form", Format)
def test_an_export_without_kafka_leaves_no_file(tmp_path: Path, form: Format) -> None:
    settings = Settings(kafka=f"127.0.0.1:{free_port()}", redis="redis://127.0.0.1:1/0", secret="0" * 64)
    for _ in range(2):
        with pytest.raises(KafkaError):
            asyncio.run(export(settings, Kind.CASES, SPAN, str, tmp_path / f"cases.{form}", form))
    assert list(tmp_path.iterdir()) == []
