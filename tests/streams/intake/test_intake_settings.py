"""The feeds' keys."""

import stat
from pathlib import Path

import pytest

from streams.intake.rate import Rate
from streams.intake.settings import IntakeSettings, embedded_key, keys_for, load, make_key, sources
from streams.runtime.settings import Settings, SettingsError

PRODUCTION = Settings(kafka="kafka:9092", redis="redis://redis:6379/0", secret="0123456789abcdef0123456789abcdef")


def test_a_key_made_for_a_source_is_known_as_that_sources() -> None:
    key, entry = make_key("bank")
    feed = keys_for(PRODUCTION, IntakeSettings(api_keys=entry)).feed(key)
    assert feed is not None
    assert (feed.may_send("bank"), feed.may_send("carrier")) == (True, False)
    assert key not in entry


def test_a_source_may_have_two_keys_while_they_are_changed() -> None:
    (old, first), (new, second) = make_key("bank"), make_key("bank")
    keys = keys_for(PRODUCTION, IntakeSettings(api_keys=f"{first},{second}"))
    assert keys.feed(old) == keys.feed(new) is not None


def test_keys_are_read_from_a_file_with_remarks(tmp_path: Path) -> None:
    key, entry = make_key("bank")
    (tmp_path / "keys").write_text(f"# the bank's, since March\n{entry}\n")
    assert keys_for(PRODUCTION, IntakeSettings(api_keys=f"@{tmp_path / 'keys'}")).feed(key) is not None


def test_a_file_of_keys_that_is_exchanged_counts_at_once_unless_it_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (old, first), (new, second), file = make_key("bank"), make_key("bank"), tmp_path / "keys"
    file.write_text(first)
    keys = keys_for(PRODUCTION, IntakeSettings(api_keys=f"@{file}"))
    assert (keys.feed(old) is not None, keys.feed(new)) == (True, None)
    file.write_text(f"{first}\n{second}")
    assert keys.feed(old) == keys.feed(new) is not None
    file.write_text(second)
    assert (keys.feed(old), keys.feed(new) is not None) == (None, True)
    for spoilt in ("", f"{second}\nbank:secret-itself"):
        file.write_text(spoilt)
        assert keys.feed(new) is not None
    file.unlink()
    assert keys.feed(new) is not None
    told = [record.getMessage() for record in caplog.records if record.name == "streams.intake.settings"]
    assert (len(told), "secret-itself" in str(told)) == (3, False)
    file.write_text(first)
    assert (keys.feed(old) is not None, keys.feed(new)) == (True, None)


def test_an_unknown_key_is_nobodys() -> None:
    assert keys_for(PRODUCTION, IntakeSettings(api_keys=make_key("bank")[1])).feed("") is None


@pytest.mark.parametrize("keys", [None, "#", "bank:secret-itself", "@/nowhere/keys", f"*:{'0' * 64}"])
def test_keys_that_cannot_be_used_are_refused_without_being_shown(keys: str | None) -> None:
    with pytest.raises(SettingsError, match="QUANZU_API_KEYS") as refused:
        keys_for(PRODUCTION, IntakeSettings(api_keys=keys))
    assert "secret-itself" not in str(refused.value)


def test_an_invalid_key_hides_no_other_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_API_KEYS", f"bank:{'0' * 64},the key itself,telecom:{'1' * 64},*:{'2' * 64}")
    assert sources(Settings(sources="police")) == {"police", "bank", "telecom"}


@pytest.mark.parametrize("source", ["Bank", "*", "", "a" * 40])
def test_no_key_is_made_for_a_source_that_no_signal_could_have(source: str) -> None:
    with pytest.raises(SettingsError):
        make_key(source)


def test_the_embedded_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert embedded_key(settings) == embedded_key(settings)
    assert stat.S_IMODE((tmp_path / "api-key").stat().st_mode) == 0o600


def test_a_rate_that_cannot_be_read_is_told_by_its_setting() -> None:
    with pytest.raises(SettingsError, match="QUANZU_RATE"):
        Rate(PRODUCTION, IntakeSettings(rate="fast"))


def test_a_setting_of_the_wrong_type_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_INTAKE_METRICS_PORT", "much")
    with pytest.raises(SettingsError, match="QUANZU_INTAKE_METRICS_PORT"):
        load()


@pytest.mark.parametrize("source", ["admin", "kafka", "kafka-1", "quanzu-worker"])
def test_a_source_is_not_called_as_the_brokers_own_users_are(source: str) -> None:
    with pytest.raises(SettingsError, match="Name it otherwise"):
        make_key(source)
    given = IntakeSettings.model_validate({"api_keys": f"{source}:{'a' * 64}"})
    with pytest.raises(SettingsError, match=f"must not be called {source}"):
        keys_for(Settings(), given)
