"""The files with keys, encrypted by a key in an HSM: SoftHSM, through its PKCS #11 library."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from domain.access.key_rings import KeyPurpose, key_id, with_accepted, with_in_force
from streams.runtime.settings import Settings, SettingsError
from streams.security import hsm_thread, installation_keys
from streams.security.hsm import WRAPPED, HsmError, HsmKey, configured_hsm, plain_keys, read_uri
from streams.security.installation_keys import ring
from streams.security.key_files import ALL, KEY_FILES, change_ring, load_keys, make_keys, random_key, wrap_files

LIBRARY = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "0123456789"
OURS = Settings(secret="the secret of a test")


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of SoftHSM's tokens, of which one is for this process: its library is initialized once."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    tool = shutil.which("softhsm2-util")
    assert tool, "install Debian's softhsm2"
    pins = ["--so-pin", "98765432", "--pin", PIN]
    subprocess.run([tool, "--init-token", "--free", "--label", "quanzu", *pins], check=True, capture_output=True)
    return folder


@pytest.fixture
def hsm(tokens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HsmKey:
    """The key that QUANZU_HSM names, made for one test."""
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    pin.chmod(0o600)
    uri = f"pkcs11:token=quanzu;object={tmp_path.name}?module-path={LIBRARY}&pin-source=file:{pin}"
    monkeypatch.setenv("QUANZU_HSM", uri)
    key = configured_hsm()
    assert key is not None
    assert key.make()
    return key


@pytest.fixture
def folder(hsm: HsmKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the keys, encrypted, which this process reads."""
    made = tmp_path / "secrets"
    make_keys(made)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(made / ALL))
    return made


def test_the_key_in_the_hsm_is_made_once_and_encrypts_each_text_anew(hsm: HsmKey) -> None:
    assert not hsm.make()
    one, two = hsm.wrapped("audit:x"), hsm.wrapped("audit:x")
    assert one != two
    assert [hsm.unwrapped(each) for each in (one, two)] == ["audit:x"] * 2
    assert all(each.startswith(WRAPPED) and "audit" not in each for each in (one, two))


def test_the_files_have_no_key_as_it_is_and_rotate_as_others_do(folder: Path) -> None:
    first = load_keys(folder)
    for name in KEY_FILES:
        text = (folder / name).read_text()
        assert text.startswith(WRAPPED)
        assert not any(key.decode() in text for each in first.values() for key in each.keys)
    assert make_keys(folder) == []  # what is the same is not written again
    assert ring(OURS, KeyPurpose.SESSION) == first[KeyPurpose.SESSION]
    key = random_key()
    change_ring(folder, KeyPurpose.SESSION, lambda now: with_accepted(now, key))
    change_ring(folder, KeyPurpose.SESSION, lambda now: with_in_force(now, key_id(key)))
    assert ring(OURS, KeyPurpose.SESSION).current == key
    assert (folder / "keys-console").stat().st_mode & 0o777 == 0o600


def test_files_that_are_there_are_encrypted_by_the_command(
    hsm: HsmKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, made = os.environ["QUANZU_HSM"], tmp_path / "plain"
    monkeypatch.delenv("QUANZU_HSM")
    make_keys(made)
    before = load_keys(made)
    monkeypatch.setenv("QUANZU_HSM", uri)
    with pytest.raises(SettingsError, match="keys-operator: it is not encrypted, although QUANZU_HSM is set"):
        load_keys(made)
    assert said("hsm") == f"{hsm.label}: is there already\n"
    assert sorted(said("wrap", str(made)).split()) == sorted(KEY_FILES)
    assert said("wrap", str(made)) == ""
    assert load_keys(made) == before
    assert wrap_files(made) == []


def said(*command: str) -> str:
    whole = [sys.executable, "-m", "quanzu", "admin", "access", "keys", *command]
    return subprocess.run(whole, check=True, capture_output=True, text=True).stdout


def test_without_the_hsm_a_process_does_not_start_and_one_that_runs_goes_on(
    folder: Path, hsm: HsmKey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = ring(OURS, KeyPurpose.AUDIT)
    key = random_key()
    change_ring(folder, KeyPurpose.AUDIT, lambda now: with_accepted(now, key))
    hsm.pin.write_text("another one")
    assert ring(OURS, KeyPurpose.AUDIT) == before
    assert "answered PinIncorrect" in caplog.text
    assert PIN not in caplog.text
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "keys-console"))  # as a process that starts
    with pytest.raises(SettingsError, match=r"keys-console: QUANZU_HSM: .* answered PinIncorrect"):
        ring(OURS, KeyPurpose.AUDIT)
    monkeypatch.delenv("QUANZU_HSM")
    with pytest.raises(SettingsError, match="encrypted by an HSM, and QUANZU_HSM is not set"):
        ring(OURS, KeyPurpose.AUDIT)


@pytest.mark.parametrize("change", ["another", "cut", "letters", "empty"])
def test_a_file_that_is_not_whole_is_refused(folder: Path, hsm: HsmKey, change: str) -> None:
    line = (folder / ALL).read_text().strip()
    changed = {
        "another": line[:-6] + ("A" if line[-6] != "A" else "B") + line[-5:],
        "cut": line[: len(WRAPPED) + 20],
        "letters": f"{WRAPPED}what is this",
        "empty": WRAPPED,
    }[change]
    (folder / ALL).write_text(changed)
    with pytest.raises(SettingsError, match="keys-operator: "):
        load_keys(folder)


def test_a_key_or_token_or_library_that_is_not_there_is_named(hsm: HsmKey, tmp_path: Path) -> None:
    with pytest.raises(HsmError, match=r"has no key nothing. Make it with"):
        HsmKey(hsm.module, hsm.token, "nothing", hsm.pin).wrapped("x")
    with pytest.raises(HsmError, match=r"the token nobody of .* answered NoSuchToken"):
        HsmKey(hsm.module, "nobody", hsm.label, hsm.pin).wrapped("x")
    with pytest.raises(HsmError, match=r"none.so answered"):
        HsmKey(tmp_path / "none.so", hsm.token, hsm.label, hsm.pin).wrapped("x")
    hsm.pin.chmod(0o644)
    with pytest.raises(HsmError, match=r"pin-source .* every user of this machine"):
        hsm.wrapped("x")


@pytest.mark.parametrize(
    "uri",
    [
        "quanzu",
        "pkcs11:",
        "pkcs11:token=a;object=b?module-path=/x",
        "pkcs11:token=a?module-path=/x&pin-source=/y",
        "pkcs11:token=a;object=b?module-path=/x&pin-source=/y&pin-value=1234",
    ],
)
def test_an_address_that_names_no_key_is_refused(uri: str) -> None:
    with pytest.raises(HsmError, match="must be an address such as pkcs11:"):
        read_uri(uri)


def test_an_address_is_read_as_rfc_7512_writes_it() -> None:
    found = read_uri("pkcs11:token=my%20token;object=keys;type=secret-key?module-path=/l.so&pin-source=file:///etc/pin")
    assert found == HsmKey(Path("/l.so"), "my token", "keys", Path("/etc/pin"))


async def test_within_an_event_loop_nobody_waits_for_the_hsm_and_the_new_keys_come_when_it_has_answered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, key = ring(OURS, KeyPurpose.SESSION), random_key()
    change_ring(folder, KeyPurpose.SESSION, lambda now: with_accepted(now, key))
    answers, threads = threading.Event(), list[str]()

    def slow(text: str) -> str:
        threads.append(threading.current_thread().name)
        answers.wait(30)
        return plain_keys(text)

    monkeypatch.setattr(installation_keys, "plain_keys", slow)
    began = time.monotonic()
    assert [ring(OURS, KeyPurpose.SESSION) for _ in range(3)] == [first] * 3
    assert time.monotonic() - began < 5
    answers.set()
    for _ in range(600):
        if ring(OURS, KeyPurpose.SESSION) != first:
            break
        await asyncio.sleep(0.05)
    assert ring(OURS, KeyPurpose.SESSION).keys == (*first.keys, key)
    assert threads == ["hsm"], "asked once, in a thread of its own"


async def test_an_hsm_that_hangs_stops_no_process_and_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, key, never = ring(OURS, KeyPurpose.SESSION), random_key(), threading.Event()
    change_ring(folder, KeyPurpose.SESSION, lambda now: with_accepted(now, key))
    asked = list[str]()

    def hangs(text: str) -> str:
        asked.append(text)
        never.wait(60)
        return plain_keys(text)

    monkeypatch.setattr(installation_keys, "plain_keys", hangs)
    monkeypatch.setattr(hsm_thread, "BOUND_SECONDS", 0.2)
    assert ring(OURS, KeyPurpose.SESSION) == first
    await asyncio.sleep(0.3)
    assert ring(OURS, KeyPurpose.SESSION) == first
    assert "has not answered for 0.2 s" in caplog.text
    assert "remain in use" in caplog.text
    monkeypatch.setattr(installation_keys, "RETRY_SECONDS", 0.0)
    installation_keys._failed.clear()
    assert ring(OURS, KeyPurpose.SESSION) == first
    assert len(asked) == 1, "no second thread for the same text"
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "keys-console"))  # as a process that starts
    with pytest.raises(SettingsError, match=r"keys-console: .* has not answered for 0\.2 s"):
        await asyncio.to_thread(ring, OURS, KeyPurpose.SESSION)
    never.set()


def test_the_keys_of_a_file_that_changed_again_before_they_were_taken_do_not_stay_in_memory() -> None:
    go = threading.Event()

    def slow(text: str) -> str:
        if text == "former":
            go.wait(30)
        return f"keys of the {text} file"

    with pytest.raises(hsm_thread.NotAnsweredYetError):
        hsm_thread.hsm_answer(slow, "former", wait=False)
    former = hsm_thread._asked["former"].answer
    assert hsm_thread.hsm_answer(slow, "latest", wait=True) == "keys of the latest file"
    go.set()
    assert former.result(30) == "keys of the former file"
    for _ in range(600):
        if "former" not in hsm_thread._asked:
            break
        time.sleep(0.05)
    assert not {"former", "latest"} & hsm_thread._asked.keys()
