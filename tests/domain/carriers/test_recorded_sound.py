"""A recording's parts: only its own key opens one, and only at its place; what is played is a WAV file."""

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.ciphers import RecordCipher
from domain.carriers.recorded_sound import new_recording_key, opened_part, played, sealed_part, wav_head

ONE, OTHER = "a" * 20, "b" * 20


@pytest.mark.parametrize("cipher", RecordCipher)
@given(sound=st.binary(max_size=400), part=st.integers(1, 10_000))
def test_a_part_opens_with_its_recordings_key_at_its_place_and_nowhere_else(
    cipher: RecordCipher, sound: bytes, part: int
) -> None:
    key = new_recording_key()
    sealed = sealed_part(cipher, key, ONE, part, sound)
    assert opened_part(key, ONE, part, sealed) == sound
    assert opened_part(new_recording_key(), ONE, part, sealed) is None
    assert opened_part(key, OTHER, part, sealed) is None
    assert opened_part(key, ONE, part + 1, sealed) is None
    assert opened_part(key, ONE, part, sealed[:-1] + bytes([sealed[-1] ^ 1])) is None


def test_the_operator_is_on_the_left_and_the_others_are_on_the_right() -> None:
    assert played(b"abcDEF") == b"aDbEcF"


def test_the_file_states_its_length_its_law_and_its_two_tracks() -> None:
    sound = played(bytes(16_000) + b"\xd5" * 16_000)
    made = wav_head(2.0) + sound
    assert int.from_bytes(made[4:8], "little") == len(made) - 8
    assert made[20:22] == b"\x06\x00"  # A-law
    as_bytes = made[:20] + b"\x01\x00" + made[22:36] + made[38:]  # the module wave reads only plain samples
    with wave.open(io.BytesIO(as_bytes[:16] + (16).to_bytes(4, "little") + as_bytes[20:])) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 16_000)


def test_of_a_call_that_goes_on_the_length_is_left_open() -> None:
    assert wav_head(None).endswith(b"data\xff\xff\xff\xff")
