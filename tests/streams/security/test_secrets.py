"""The secrets of an installation: a key for each provider and each bank, and none that exists is ever changed."""

import stat
from pathlib import Path

from pydantic import SecretStr

from streams.channels.settings import ChannelSettings
from streams.gateways.configured_files import signing_keys
from streams.runtime.settings import Settings
from streams.security.secrets import RECEIPTS, make, names

BANKS = list(ChannelSettings().known_institutions().by_code)


def test_the_secrets_that_are_made_are_those_that_a_start_asks_for(tmp_path: Path) -> None:
    made = make(tmp_path, BANKS)
    assert {each.partition(" ")[0] for each in made} == set(names())
    channels = ChannelSettings(receipts_secret=SecretStr((tmp_path / RECEIPTS).read_text()))
    keys = channels.receipt_keys(Settings(kafka="k:1", redis="redis://r", secret="s" * 32))
    assert set(keys) == set(channels.signers())
    assert make(tmp_path, BANKS) == []


def test_a_new_bank_gets_a_key_behind_the_present_ones_which_stay(tmp_path: Path) -> None:
    make(tmp_path, BANKS[:2])
    before = (tmp_path / RECEIPTS).read_text()
    assert make(tmp_path, BANKS[:4]) == [f"{RECEIPTS} (2 keys)"]
    after = (tmp_path / RECEIPTS).read_text()
    assert after.startswith(f"{before}\n")
    assert [line.partition(":")[0] for line in after[len(before) :].split()] == [f"bank/{code}" for code in BANKS[2:4]]
    assert stat.S_IMODE((tmp_path / RECEIPTS).stat().st_mode) == 0o600


def test_keys_that_a_person_wrote_in_one_line_stay_in_force(tmp_path: Path) -> None:
    (tmp_path / RECEIPTS).write_text("sms:first, sms:former,voice:second,bank:third,station:fourth")
    make(tmp_path, BANKS[:1])
    first, added = (tmp_path / RECEIPTS).read_text().splitlines()
    assert first == "sms:first, sms:former,voice:second,bank:third,station:fourth"
    assert added.startswith(f"bank/{BANKS[0]}:")


def test_a_gateway_gets_the_keys_of_its_channel_and_a_new_one_with_the_former(tmp_path: Path) -> None:
    make(tmp_path, BANKS[:1])
    first = (tmp_path / "sms-key").read_text()
    assert f"sms:{first}\n" in (tmp_path / RECEIPTS).read_text()
    assert stat.S_IMODE((tmp_path / "sms-key").stat().st_mode) == 0o600
    new = "n" * 32
    (tmp_path / RECEIPTS).write_text(f"sms:{new}\n" + (tmp_path / RECEIPTS).read_text())
    assert make(tmp_path, BANKS[:1]) == ["sms-key"]
    assert signing_keys(tmp_path / "sms-key", "sms") == (new.encode(), first.encode())
    assert make(tmp_path, BANKS[:1]) == []
