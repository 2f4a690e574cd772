"""Keys by purpose: a component has those that it needs and no others, and reads them again while it runs."""

import os
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.access.key_rings import KeyPurpose, KeyRing, key_id, read_rings, with_accepted, with_in_force, without_key
from domain.access.public_encryption import public_key
from streams.runtime import files
from streams.runtime.settings import Settings, SettingsError
from streams.security import installation_keys, key_files
from streams.security.installation_keys import NEEDED, require, ring
from streams.security.key_files import ALL, KEY_FILES, MADE, change_ring, load_keys, make_keys, random_key
from streams.security.rights import Component

OURS = Settings(kafka="k:1", redis="redis://r", secret=SecretStr("s" * 32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_keys(tmp_path)
    return tmp_path


def test_each_component_s_file_has_the_purposes_that_it_needs_and_no_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for component, purposes in NEEDED.items():
        if not purposes:
            assert not (folder / f"keys-{component}").exists()
            continue
        monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / f"keys-{component}"))
        require(OURS, component)
        for purpose in MADE:
            if purpose in purposes or component is Component.OPERATOR:
                assert ring(OURS, purpose) == load_keys(folder)[purpose]
            else:
                with pytest.raises(SettingsError, match=f"no key for {purpose}"):
                    ring(OURS, purpose)


def test_intake_and_exporter_cannot_read_what_the_console_encrypts(folder: Path) -> None:
    found = {name: set(read_rings((folder / f"keys-{name}").read_text())) for name in ("intake", "exporter")}
    assert found["intake"] == {KeyPurpose.AUDIT, KeyPurpose.CALLERS, KeyPurpose.INTAKE_PUBLIC}
    assert found["exporter"] == {KeyPurpose.AUDIT}


def test_the_public_keys_of_intake_follow_the_private_ones_through_a_rotation(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, new = load_keys(folder)[KeyPurpose.INTAKE].current, random_key()

    def public(name: str) -> list[bytes]:
        return list(read_rings((folder / f"keys-{name}").read_text())[KeyPurpose.INTAKE_PUBLIC].keys)

    change_ring(folder, KeyPurpose.INTAKE, lambda now: with_accepted(now, new))
    assert public("intake") == public("console") == [public_key(first), public_key(new)]
    change_ring(folder, KeyPurpose.INTAKE, lambda now: with_in_force(now, key_id(new)))
    assert public("intake") == [public_key(new), public_key(first)]
    change_ring(folder, KeyPurpose.INTAKE, lambda now: without_key(now, key_id(first)))
    assert public("intake") == public("console") == [public_key(new)]
    private = {first, new}
    assert not [name for name in ("intake", "console") if private & _of_file(folder / f"keys-{name}")]
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "keys-worker"))
    assert ring(OURS, KeyPurpose.INTAKE_PUBLIC).current == public_key(new), "who has the private key has the public one"
    with pytest.raises(SettingsError, match="derived from those for intake: change these"):
        change_ring(folder, KeyPurpose.INTAKE_PUBLIC, lambda now: now)


def _of_file(file: Path) -> set[bytes]:
    return {key for each in read_rings(file.read_text()).values() for key in each.keys}


def test_a_component_without_its_keys_does_not_start_and_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=r"no key for audit, delivery, intake, vault. `quanzu admin access secrets"):
        require(OURS, Component.WORKER)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "keys-intake"))
    with pytest.raises(SettingsError, match="no key for delivery, intake, vault"):
        require(OURS, Component.WORKER)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "nowhere"))
    with pytest.raises(SettingsError, match="nowhere: No such file"):
        require(OURS, Component.WORKER)
    monkeypatch.delenv("QUANZU_KEYS_FILE")
    require(Settings(embedded=True, secret=SecretStr("s" * 32)), Component.WORKER)


def test_files_are_the_owner_s_alone_and_keys_that_exist_stay(folder: Path) -> None:
    before = {name: (folder / name).read_bytes() for name in KEY_FILES}
    assert make_keys(folder) == []
    assert {name: (folder / name).read_bytes() for name in KEY_FILES} == before
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in KEY_FILES} == {0o600}
    (folder / "keys-intake").unlink()
    assert make_keys(folder) == ["keys-intake"]
    assert (folder / "keys-intake").read_bytes() == before["keys-intake"]


def test_a_process_that_runs_sees_a_new_key_and_keeps_its_keys_when_the_file_is_broken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = folder / "keys-console"
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(file))
    first = ring(OURS, KeyPurpose.SESSION)
    key = random_key()
    change_ring(folder, KeyPurpose.SESSION, lambda now: with_accepted(now, key))
    assert ring(OURS, KeyPurpose.SESSION) == KeyRing((first.current, key))
    change_ring(folder, KeyPurpose.SESSION, lambda now: with_in_force(now, key_id(key)))
    assert ring(OURS, KeyPurpose.SESSION) == KeyRing((key, first.current))
    for broken in ("", f"audit:{'a' * 64}\n", "session:short\n"):
        file.write_text(broken)
        os.utime(file, ns=(0, len(broken)))
        assert ring(OURS, KeyPurpose.SESSION) == KeyRing((key, first.current))
        assert "remain in use" in caplog.text
        caplog.clear()
        assert ring(OURS, KeyPurpose.SESSION).current == key
        assert not caplog.text, "said once for each change of the file"
    file.unlink()
    assert ring(OURS, KeyPurpose.SESSION).current == key


def test_an_interrupted_change_is_completed_by_repeating_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, replaced = random_key(), 0
    real = Path.replace

    def dies(self: Path, target: Path) -> Path:
        nonlocal replaced
        replaced += 1
        if replaced == 2:
            raise OSError("the machine stopped")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(OSError, match="stopped"):
        change_ring(folder, KeyPurpose.AUDIT, lambda now: with_accepted(now, key))
    monkeypatch.undo()
    change_ring(folder, KeyPurpose.AUDIT, lambda now: now)
    rings = {name: read_rings((folder / name).read_text())[KeyPurpose.AUDIT] for name in KEY_FILES}
    assert set(map(key_id, rings["keys-intake"].keys)) >= {key_id(key)}
    assert len(set(rings.values())) == 1


@pytest.mark.parametrize("left", [None, "", f"audit:{'a' * 64}\n"])
def test_no_key_is_made_anew_while_a_component_has_one(folder: Path, left: str | None) -> None:
    before = {name: (folder / name).read_bytes() for name in KEY_FILES if name != ALL}
    if left is None:
        (folder / ALL).unlink()
    else:
        (folder / ALL).write_text(left)
    with pytest.raises(SettingsError, match="Bring that file back"):
        make_keys(folder)
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_rotated_file_keeps_its_group_and_mode(folder: Path) -> None:
    file = folder / "keys-console"
    os.chown(file, -1, 10001)
    file.chmod(0o640)
    change_ring(folder, KeyPurpose.SESSION, lambda now: with_accepted(now, random_key()))
    assert (file.stat().st_gid, stat.S_IMODE(file.stat().st_mode)) == (10001, 0o640)


def test_an_older_file_of_all_keys_is_refused_and_changes_no_other(folder: Path) -> None:
    older = (folder / ALL).read_text()
    key = random_key()
    change_ring(folder, KeyPurpose.VAULT, lambda now: with_accepted(now, key))
    change_ring(folder, KeyPurpose.VAULT, lambda now: with_in_force(now, key_id(key)))
    (folder / ALL).write_text(older)
    before = (folder / "keys-worker").read_text()
    for act in (lambda: make_keys(folder), lambda: change_ring(folder, KeyPurpose.SESSION, lambda now: now)):
        with pytest.raises(SettingsError, match=r"has keys for vault, which .*keys-operator lacks"):
            act()
    assert (folder / "keys-worker").read_text() == before


def test_a_removal_that_was_interrupted_is_completed_by_repeating_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = random_key()
    change_ring(folder, KeyPurpose.AUDIT, lambda now: with_accepted(now, key))
    written = files.replace_secret

    def dies(file: Path, text: str) -> None:
        if file.name == "keys-worker":
            raise OSError("killed here")
        written(file, text)

    monkeypatch.setattr(key_files, "replace_secret", dies)
    with pytest.raises(OSError, match="killed here"):
        change_ring(folder, KeyPurpose.AUDIT, lambda now: without_key(now, key_id(key)))
    monkeypatch.setattr(key_files, "replace_secret", written)
    change_ring(folder, KeyPurpose.AUDIT, lambda now: without_key(now, key_id(key)))
    assert not any(key.decode() in (folder / name).read_text() for name in KEY_FILES)


def test_a_file_that_could_not_be_read_is_read_again_later_though_it_did_not_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "keys-console"))
    first, key = ring(OURS, KeyPurpose.SESSION), random_key()
    change_ring(folder, KeyPurpose.SESSION, lambda now: with_accepted(now, key))
    asked = []

    def away(text: str) -> str:
        asked.append(text)
        raise SettingsError("the HSM is away")

    with monkeypatch.context() as patch:
        patch.setattr(installation_keys, "plain_keys", away)
        assert [ring(OURS, KeyPurpose.SESSION) for _ in range(3)] == [first] * 3
    assert len(asked) == 1
    assert ring(OURS, KeyPurpose.SESSION) == first
    monkeypatch.setattr(installation_keys, "RETRY_SECONDS", 0.0)
    installation_keys._failed.clear()
    assert ring(OURS, KeyPurpose.SESSION).keys == (*first.keys, key)
