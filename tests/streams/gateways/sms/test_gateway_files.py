"""The command, and the files that the gateway's configuration names."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.commands.gateway import app
from domain.carriers.account import GatewayFileError
from streams.gateways.sms.running import configured, keys, password


def config(folder: Path, key: str = "k" * 32, word: str = "secret") -> Path:
    (folder / "key").write_text(key)
    (folder / "word").write_text(word)
    for each in ("key", "word"):
        (folder / each).chmod(0o600)
    made = folder / "gateway.toml"
    made.write_text(
        f'data = "{folder}/journal"\nkey_file = "{folder}/key"\nreceipts = "https://intake.example/receipts/sms"\n'
        f'[[carrier]]\nname = "mobile"\nhost = "smpp.example"\nport = 2775\nsystem_id = "quanzu"\n'
        f'password_file = "{folder}/word"\nsender = "10690000"\nprefixes = ["+86134"]\n'
    )
    return made


def test_check_shows_what_it_would_do_and_no_secret(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["sms", "--config", str(config(tmp_path)), "--check"])
    assert found.exit_code == 0
    assert "mobile: smpp.example:2775 (smpp, TLS) as quanzu, from 10690000; +86134;" in found.output
    assert "kkkk" not in found.output
    assert "secret" not in found.output
    assert not (tmp_path / "journal").exists()


def test_the_current_key_comes_first_and_the_former_one_below_it(tmp_path: Path) -> None:
    file = configured(config(tmp_path, "new-key-of-16-signs\nold-key-of-16-signs\n"))
    assert keys(file) == (b"new-key-of-16-signs", b"old-key-of-16-signs")
    assert password(file.carrier[0]) == "secret"


@pytest.mark.parametrize("key", ["short", "a" * 16 + "\n" + "b" * 16 + "\n" + "c" * 16])
def test_a_file_without_usable_keys_is_refused_without_showing_them(tmp_path: Path, key: str) -> None:
    with pytest.raises(GatewayFileError, match=r"\[key_file\]: keys: .* Write the key") as refused:
        configured(config(tmp_path, key))
    assert key not in str(refused.value)


@pytest.mark.parametrize("word", ["p\np", "密码"])
def test_a_password_that_no_carrier_gives_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(GatewayFileError, match=r"\[carrier mobile, password_file\]: password: "):
        configured(config(tmp_path, word=word))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    made = config(tmp_path)
    (tmp_path / "word").unlink()
    with pytest.raises(GatewayFileError, match=r"unreadable_secret: .*/word: the file cannot be read"):
        configured(made)


def test_a_secret_that_is_empty_or_that_every_user_may_read_is_refused_with_its_place_and_fix(tmp_path: Path) -> None:
    with pytest.raises(GatewayFileError, match=r"\[key_file\]: empty_secret: .*/key: .* Write the secret into it"):
        configured(config(tmp_path, ""))
    with pytest.raises(GatewayFileError, match=r"\[carrier mobile, password_file\]: empty_secret: "):
        configured(config(tmp_path, word=" \n"))
    made = config(tmp_path)
    (tmp_path / "word").chmod(0o604)
    with pytest.raises(
        GatewayFileError, match=r"\[carrier mobile, password_file\]: open_secret: .* Run `chmod o-rwx .*/word`"
    ):
        configured(made)
