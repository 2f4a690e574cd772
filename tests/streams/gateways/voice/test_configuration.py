"""The configuration of the voice gateway: each fault is told with its code, place and fix."""

from pathlib import Path

import numpy as np
import pytest

from streams.gateways.voice.configuration import VoiceConfigurationError, read_configuration
from streams.gateways.voice.process import check_voice_gateway
from tests.streams.gateways.voice.centre import written
from tests.tools.gateway.baresip import write_wav

RECEIPTS = "http://127.0.0.1:1/receipts/voice"


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ('address = "127.0.0.1:5060"', 'address = "192.0.2.1:5060"', "plain_transport", "[trunk]"),
        ('address = "127.0.0.1:5060"', 'address = "127.0.0.1:70000"', "bad_port", "[trunk]"),
        ('transport = "udp"', 'transport = "udp"\nusername = "x"', "half_login", "[trunk]"),
        ("port = 0", 'port = 0\nhost = "0.0.0.0"', "plain_orders", "[orders]"),
        (RECEIPTS, "http://192.0.2.1/receipts/voice", "plain_receipts", "[receipts]"),
        ('caller = "96110"', 'caller = "anybody"', "string_pattern_mismatch", "[trunk] caller"),
        ('allowed = ["+86199"]', "allowed = []", "too_short", "[numbers] allowed"),
        ("rtp_ports = [24000, 24999]", "rtp_ports = [24001, 24000]", "bad_ports", "[media]"),
        ("rtp_ports = [24000, 24999]", "rtp_ports = [24000, 24057]", "too_few_ports", "(file)"),
        ("[media]", "[media]\nopus = true", "extra_forbidden", "[media] opus"),
        ("[media]", "[media", "not_toml", "(file)"),
    ],
)
def test_a_fault_has_a_code_and_a_place(tmp_path: Path, old: str, new: str, code: str, place: str) -> None:
    file = written(tmp_path, 5060, RECEIPTS)
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(VoiceConfigurationError) as found:
        read_configuration(file)
    assert (found.value.faults[0].code, found.value.faults[0].place) == (code, place)
    assert found.value.faults[0].fix


def test_sound_without_srtp_stays_on_this_machine(tmp_path: Path) -> None:
    file = written(tmp_path, 5060, RECEIPTS, 'transport = "tls"')
    file.write_text(file.read_text("utf-8").replace("127.0.0.1:5060", "192.0.2.1:5061"), "utf-8")
    with pytest.raises(VoiceConfigurationError, match="plain_sound"):
        read_configuration(file)


def test_a_secret_that_others_can_read_and_a_recording_of_another_rate_are_faults(tmp_path: Path) -> None:
    file = written(tmp_path, 5060, RECEIPTS, tables='[speech]\nrecordings = "recordings"\n')
    (tmp_path / "secret").chmod(0o604)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "index.toml").write_text('[zh]\n"好" = "a.wav"\n"坏" = "../secret"\n', "utf-8")
    write_wav(tmp_path / "recordings" / "a.wav", np.ones(80, np.int16))
    with pytest.raises(VoiceConfigurationError) as found:
        check_voice_gateway(file)
    assert [fault.code for fault in found.value.faults] == ["open_secret", "bad_recording"]
    assert "0123456789abcdef" not in str(found.value)


def test_numbers_are_dialled_as_the_trunk_wants_them_and_others_not_at_all(tmp_path: Path) -> None:
    numbers = read_configuration(written(tmp_path, 5060, RECEIPTS)).numbers
    assert numbers.dialled("+8619900001234") == "19900001234"
    assert numbers.dialled("+8613900001234") is None


OPERATORS = """
[operators]
address = "127.0.0.1:5070"
transport = "udp"
caller = "96110"
srtp = "off"
secret_file = "secret"
reports_url = "http://127.0.0.1:1/receipts/operator-calls"
phones = { wang = "2001", li = "2002" }
"""


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ('"127.0.0.1:5070"\ntransport = "udp"', '"192.0.2.1:5070"\ntransport = "tls"', "plain_sound", "[operators]"),
        ('"127.0.0.1:5070"', '"192.0.2.1:5070"', "plain_transport", "[operators]"),
        ("http://127.0.0.1:1/receipts/o", "http://192.0.2.1/receipts/o", "plain_reports", "[operators]"),
        ("phones =", 'recordings_url = "http://192.0.2.1/r"\nphones =', "plain_recordings", "[operators]"),
        ('li = "2002"', 'li = "2001"', "shared_phone", "[operators]"),
        ('li = "2002"', 'li = "sip:2002@192.0.2.1"', "string_pattern_mismatch", "[operators] phones.li"),
    ],
)
def test_a_fault_of_the_operators_telephones_has_a_code_and_a_place(
    tmp_path: Path, old: str, new: str, code: str, place: str
) -> None:
    assert old in OPERATORS
    file = written(tmp_path, 5060, RECEIPTS, tables=OPERATORS.replace(old, new, 1))
    with pytest.raises(VoiceConfigurationError) as found:
        read_configuration(file)
    assert (found.value.faults[0].code, found.value.faults[0].place) == (code, place)


def test_hold_music_of_another_rate_is_a_fault(tmp_path: Path) -> None:
    tables = OPERATORS.replace("[operators]", '[operators]\nhold_music = "music.wav"')
    (tmp_path / "music.wav").write_bytes(b"RIFF")
    with pytest.raises(VoiceConfigurationError) as found:
        check_voice_gateway(written(tmp_path, 5060, RECEIPTS, tables=tables))
    assert [(fault.code, fault.place) for fault in found.value.faults] == [("bad_recording", "[operators] hold_music")]


@pytest.mark.parametrize(("last", "enough"), [(24177, False), (24178, True)])
def test_the_ports_for_sound_must_suffice_for_automated_and_operators_calls(
    tmp_path: Path, last: int, enough: bool
) -> None:
    file = written(tmp_path, 5060, RECEIPTS, tables=OPERATORS)  # 30 calls of one stream, 30 of two
    file.write_text(file.read_text("utf-8").replace("24999", str(last)), "utf-8")
    if enough:
        assert read_configuration(file).media.streams == 90
    else:
        with pytest.raises(VoiceConfigurationError, match="too_few_ports"):
            read_configuration(file)


INCOMING = """
[incoming]
numbers = ["96110"]
reports_url = "http://127.0.0.1:1/receipts/incoming-calls"
"""


@pytest.mark.parametrize(
    ("key", "more", "usable"), [("", "", False), ('confirm_key = "1"', "", True), ("", "no_mailbox = true", True)]
)
def test_a_mailbox_must_not_count_as_an_operator_who_answers(tmp_path: Path, key: str, more: str, usable: bool) -> None:
    tables = OPERATORS.replace("[operators]", f"[operators]\n{key}") + INCOMING + more
    file = written(tmp_path, 5060, RECEIPTS, tables=tables)
    if usable:
        assert read_configuration(file).incoming
    else:
        with pytest.raises(VoiceConfigurationError, match="mailbox_answers"):
            read_configuration(file)
