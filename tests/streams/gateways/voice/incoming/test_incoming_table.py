"""The table [incoming]: its faults have a code and a place, and the ports suffice for its calls."""

from pathlib import Path

import pytest

from streams.gateways.voice.configuration import VoiceConfigurationError, read_configuration
from streams.gateways.voice.process import check_voice_gateway
from tests.streams.gateways.voice.centre import written
from tests.streams.gateways.voice.incoming.line import IncomingLine, taking_calls

REPORTS = "http://127.0.0.1:1/receipts/incoming-calls"


def configured_with(folder: Path, more: str = "") -> Path:
    """A configuration with incoming calls. `more`: lines of [incoming]."""
    return taking_calls(folder, IncomingLine("http://127.0.0.1:1/receipts/operator-calls"), 5060, 5070, more)


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        (REPORTS, "http://192.0.2.1/receipts/incoming-calls", "plain_reports", "[incoming]"),
        ('numbers = ["96110"]', "numbers = []", "too_short", "[incoming] numbers"),
        ('numbers = ["96110"]', 'numbers = ["anybody"]', "string_pattern_mismatch", "[incoming] numbers.0"),
        ('numbers = ["96110"]', 'numbers = ["96110"]\nwaiting = 41', "queue_too_long", "[incoming]"),
        ("rtp_ports = [24000, 24999]", "rtp_ports = [24000, 24337]", "too_few_ports", "(file)"),
        ("local_port", 'transport = "tcp"\nlocal_port', "port_unused", "[trunk]"),
    ],
)
def test_a_fault_of_incoming_calls_has_a_code_and_a_place(
    tmp_path: Path, old: str, new: str, code: str, place: str
) -> None:
    file = configured_with(tmp_path)
    text = file.read_text("utf-8")
    assert old in text
    text = text.replace(old, new, 1)
    if code == "port_unused":
        text = text.replace('transport = "udp"', "", 1)
    file.write_text(text, "utf-8")
    with pytest.raises(VoiceConfigurationError) as found:
        read_configuration(file)
    assert (found.value.faults[0].code, found.value.faults[0].place) == (code, place)
    assert found.value.faults[0].fix


def test_incoming_calls_need_operators_with_telephones(tmp_path: Path) -> None:
    tables = f'[incoming]\nnumbers = ["96110"]\nreports_url = "{REPORTS}"\n'
    with pytest.raises(VoiceConfigurationError, match="nobody_answers"):
        read_configuration(written(tmp_path, 5060, "http://127.0.0.1:1/receipts/voice", tables=tables))


def test_the_ports_suffice_for_automated_operators_and_incoming_calls(tmp_path: Path) -> None:
    file = configured_with(tmp_path)  # 30 calls of one stream, 30 and 40 of two
    file.write_text(file.read_text("utf-8").replace("24999", "24339"), "utf-8")
    assert read_configuration(file).media.streams == 170


def test_music_of_another_rate_is_a_fault_and_its_path_starts_at_the_file(tmp_path: Path) -> None:
    file = configured_with(tmp_path, 'music = "queue.wav"')
    (tmp_path / "queue.wav").write_bytes(b"RIFF")
    given = read_configuration(file)
    assert given.incoming is not None
    assert given.incoming.music == tmp_path / "queue.wav"
    with pytest.raises(VoiceConfigurationError) as found:
        check_voice_gateway(file)
    assert [(fault.code, fault.place) for fault in found.value.faults] == [("bad_recording", "[incoming] music")]
