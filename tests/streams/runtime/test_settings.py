from pathlib import Path

import pytest
from pydantic import ValidationError

from streams.runtime.settings import Settings, SettingsError, load


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"QUANZU_{name.upper()}", raising=False)


def test_with_no_addresses_quanzu_is_embedded_and_keeps_one_copy() -> None:
    settings = load()
    assert (settings.embedded, settings.replication) == (True, 1)


def test_with_addresses_it_keeps_three_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_KAFKA", "one:9092, two:9092")
    monkeypatch.setenv("QUANZU_REDIS", "redis://store/0")
    monkeypatch.setenv("QUANZU_SECRET", "the key of a test")
    settings = load()
    assert (settings.embedded, settings.replication, settings.key()) == (False, 3, b"the key of a test")
    assert settings.brokers == ["one:9092", "two:9092"]


def test_half_of_the_addresses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_KAFKA", "one:9092")
    with pytest.raises(SettingsError, match="set both, or neither"):
        load()


def test_production_does_not_start_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_KAFKA", "one:9092")
    monkeypatch.setenv("QUANZU_REDIS", "redis://store/0")
    with pytest.raises(SettingsError, match="QUANZU_SECRET is not set"):
        load()


def test_a_process_that_has_to_do_with_no_number_starts_without_the_secret_and_hashes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUANZU_KAFKA", "one:9092")
    monkeypatch.setenv("QUANZU_REDIS", "redis://store/0")
    settings = load(secret=False)
    for act in (settings.key, settings.id_number_keys, settings.environment):
        with pytest.raises(SettingsError, match="QUANZU_SECRET is not set"):
            act()
    monkeypatch.setenv("QUANZU_SECRET", "short")
    with pytest.raises(SettingsError, match="QUANZU_SECRET is shorter than 16 bytes"):
        load(secret=False)


def test_a_key_that_could_be_tried_is_refused_as_production_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_KAFKA", "one:9092")
    monkeypatch.setenv("QUANZU_REDIS", "redis://store/0")
    monkeypatch.setenv("QUANZU_SECRET", "short")
    with pytest.raises(SettingsError, match="QUANZU_SECRET is shorter than 16 bytes"):
        load()


def test_a_wrong_value_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_PARTITIONS", "none")
    with pytest.raises(SettingsError, match="QUANZU_PARTITIONS: "):
        load()


def test_an_embedded_installation_keeps_its_key(tmp_path: Path) -> None:
    made = Settings(data=tmp_path).key()
    assert len(made) == 64
    assert Settings(data=tmp_path).key() == made
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_a_process_started_by_this_one_has_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(kafka="one:9092", redis="redis://store/0", embedded=True, data=tmp_path, partitions=8)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    inherited = load()
    assert inherited.model_dump(exclude={"secret"}) == settings.model_dump(exclude={"secret"})
    assert inherited.key() == settings.key()


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    settings = Settings(kafka="one:9092", redis="redis://store/0", secret="do not show this secret")
    assert "do not show" not in repr(settings)


def test_every_setting_is_explained() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("url", ["http://carrier.example/sms", "http://10.0.0.7", "ftp://carrier.example", "carrier"])
@pytest.mark.parametrize("name", ["sms_url", "voice_url", "bank_url", "station_url"])
def test_a_provider_in_the_clear_is_refused_at_the_start(name: str, url: str) -> None:
    with pytest.raises(ValidationError, match=f"QUANZU_{name.upper()} is not https://"):
        Settings.model_validate({name: url})


@pytest.mark.parametrize("url", ["https://carrier.example", "http://127.0.0.1:9", "http://[::1]:9", "http://localhost"])
def test_a_provider_that_is_encrypted_or_on_this_machine_is_taken(url: str) -> None:
    assert Settings.model_validate({"sms_url": url}).sms_url == url


def test_traces_go_encrypted_or_to_this_machine() -> None:
    with pytest.raises(ValidationError, match="QUANZU_TRACES is not https://: each case and what is done about it"):
        Settings.model_validate({"traces": "http://collector.example:4318/v1/traces"})
    for url in ("https://collector.example:4318/v1/traces", "http://127.0.0.1:4318/v1/traces"):
        assert Settings.model_validate({"traces": url}).traces == url
