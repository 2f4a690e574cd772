"""This side's answer to the sound that a caller offers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateways.voice.media.answer import answer_to
from streams.gateways.voice.media.session import MediaRefusedError, new_srtp_key, offer

PLAIN = offer("127.0.0.1", 30000, None)


def lines(text: str, begin: str) -> list[str]:
    """The lines that begin so."""
    return [line for line in text.split("\r\n") if line.startswith(begin)]


def test_one_coding_is_taken_and_keys_have_the_caller_s_number() -> None:
    offered = PLAIN.replace("8 0 101", "0 8 96").replace(":101 ", ":96 ")
    answer = answer_to(offered, "127.0.0.1", 24000, None)
    assert lines(answer.text, "m=") == ["m=audio 24000 RTP/AVP 0 96"]
    assert "a=rtpmap:96 telephone-event/8000" in answer.text
    assert (answer.plan.law.name, answer.plan.remote) == ("PCMU", ("127.0.0.1", 30000))


def test_other_streams_are_refused_in_their_place() -> None:
    offered = PLAIN.replace("m=audio", "m=video 30010 RTP/AVP 99\r\nm=audio", 1)
    assert lines(answer_to(offered, "127.0.0.1", 24000, None).text, "m=") == [
        "m=video 0 RTP/AVP 99",
        "m=audio 24000 RTP/AVP 8 101",
    ]


def test_the_sound_is_encrypted_with_a_key_of_this_side_under_the_caller_s_tag() -> None:
    theirs, own = new_srtp_key(), new_srtp_key()
    offered = offer("127.0.0.1", 30000, theirs).replace("a=crypto:1 ", "a=crypto:7 ")
    answer = answer_to(offered, "127.0.0.1", 24000, own)
    assert answer.plan.key == theirs
    assert len(lines(answer.text, "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:")) == 1
    assert "RTP/SAVP" in answer.text


@pytest.mark.parametrize(
    ("offered", "key"),
    [(PLAIN, new_srtp_key()), (PLAIN.replace("AVP", "AVPF"), None)],
    ids=["protection", "profile"],
)
def test_an_offer_of_another_protection_or_profile_is_refused(offered: str, key: bytes | None) -> None:
    with pytest.raises(MediaRefusedError):
        answer_to(offered, "127.0.0.1", 24000, key)


@given(st.text(max_size=300) | st.lists(st.sampled_from(PLAIN.split("\r\n")), max_size=20).map("\r\n".join))
def test_whatever_is_offered_is_answered_or_refused(offered: str) -> None:
    try:
        answer = answer_to(offered, "127.0.0.1", 24000, None)
    except MediaRefusedError:
        return
    assert "m=audio 24000" in answer.text
