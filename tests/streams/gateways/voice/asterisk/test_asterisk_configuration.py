"""The table [asterisk] of the configuration, the events of Asterisk, and the ids of channels."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateways.voice.asterisk.channel import call_channel_id, is_own_channel
from streams.gateways.voice.asterisk.events import AriEventError, ChannelDestroyed, event_of
from streams.gateways.voice.configuration import VoiceConfigurationError, read_configuration
from streams.gateways.voice.process import check_voice_gateway
from tests.streams.gateways.voice.asterisk.rig import written_for_asterisk
from tests.streams.gateways.voice.centre import written
from tests.tools.gateway.asterisk.peer import PASSWORD, AsteriskPeer

RECEIPTS = "http://127.0.0.1:1/receipts/voice"
PEER = AsteriskPeer(port=8088)
URL = 'url = "http://127.0.0.1:8088/ari"'
ENDPOINT = 'endpoint = "PJSIP/{number}@carrier"'


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        (URL, 'url = "http://192.0.2.1:8088/ari"', "plain_asterisk", "[asterisk]"),
        (URL, 'url = "https://user:word@192.0.2.1/ari"', "string_pattern_mismatch", "[asterisk] url"),
        (URL, 'url = "https://192.0.2.1/ari?api_key=a:b"', "string_pattern_mismatch", "[asterisk] url"),
        ('sounds_url = "http://127.0.0.1', 'sounds_url = "http://192.0.2.1', "plain_asterisk", "[asterisk]"),
        (ENDPOINT, 'endpoint = "PJSIP/carrier"', "no_number", "[asterisk]"),
        (ENDPOINT, 'endpoint = "PJSIP/{number}{tail}@carrier"', "no_number", "[asterisk]"),
        (ENDPOINT, 'endpoint = "{number}"', "string_pattern_mismatch", "[asterisk] endpoint"),
        ('over = "asterisk"', "", "no_trunk", "(file)"),
        ('over = "asterisk"', 'over = "freeswitch"', "literal_error", "[calls] over"),
    ],
)
def test_a_fault_of_the_table_has_a_code_and_a_place(tmp_path: Path, old: str, new: str, code: str, place: str) -> None:
    file = written_for_asterisk(tmp_path, PEER, RECEIPTS)
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(VoiceConfigurationError) as found:
        read_configuration(file)
    assert (found.value.faults[0].code, found.value.faults[0].place) == (code, place)
    assert found.value.faults[0].fix


def test_calls_through_asterisk_need_its_table(tmp_path: Path) -> None:
    file = written(tmp_path, 5060, RECEIPTS, tables='[calls]\nover = "asterisk"\n')
    with pytest.raises(VoiceConfigurationError, match="no_asterisk"):
        read_configuration(file)


def test_the_password_comes_from_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    file = written_for_asterisk(tmp_path, PEER, RECEIPTS)
    _, secrets, _ = check_voice_gateway(file)
    assert secrets.asterisk is not None
    assert secrets.asterisk.password == PASSWORD
    (tmp_path / "asterisk-password").chmod(0o604)
    with pytest.raises(VoiceConfigurationError) as found:
        check_voice_gateway(file)
    assert [(fault.code, fault.place) for fault in found.value.faults] == [
        ("open_secret", "[asterisk] password_file"),
    ]
    assert PASSWORD not in str(found.value)


def test_a_newer_asterisk_may_add_fields_and_types() -> None:
    told = '{"type":"ChannelDestroyed","cause":17,"new":1,"channel":{"id":"a","state":"Down","new":{}}}'
    event = event_of(told)
    assert isinstance(event, ChannelDestroyed)
    assert (event.cause, event.tech_cause, event.channel_id) == (17, None, "a")
    assert event_of('{"type":"SomethingNew"}') is None


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[]",
        "{}",
        '{"type":1}',
        '{"type":"ChannelDestroyed"}',
        '{"type":"ChannelDestroyed","cause":"busy","channel":{"id":"a","state":"Down"}}',
        '{"type":"ChannelDtmfReceived","digit":"11","channel":{"id":"a","state":"Up"}}',
        '{"type":"PlaybackFinished","playback":{"id":"+8619900001234","state":"over","target_uri":"channel:a"}}',
    ],
)
def test_a_message_in_another_shape_is_refused_without_its_content(told: str) -> None:
    with pytest.raises(AriEventError) as found:
        event_of(told)
    assert "19900001234" not in str(found.value)


@given(st.text(max_size=300))
def test_no_message_raises_another_error(told: str) -> None:
    try:
        event_of(told)
    except AriEventError:
        return


@given(st.text(min_size=1, max_size=120), st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_the_id_of_a_channel_is_the_orders_and_fits_asterisk(dispatch: str, app: str) -> None:
    channel = call_channel_id(app, dispatch)
    assert channel == call_channel_id(app, dispatch)
    assert is_own_channel(app, channel)
    assert not is_own_channel(app + "x", channel)
    assert len(channel) + len("-999999") <= 149  # with the number of a playback
    assert channel.isascii()
