"""The parts of a recording of a call: each encrypted under the recording's own key and bound to its place in it, and
played as a WAV file.
"""

import os
import struct

from cryptography.exceptions import InvalidTag

from domain.access.ciphers import RecordCipher, decrypt, encrypt

KEY_BYTES = 32
RATE, TRACKS = 8000, 2  # samples a second of each track, one byte each
PART_SECONDS = 2  # of each part but the last
QUIET = b"\xd5"  # a sample of A-law without any sound
WAV_A_LAW, UNKNOWN_SIZE = 6, 0xFFFFFFFF


def new_recording_key() -> bytes:
    """Return a new random key for one recording."""
    return os.urandom(KEY_BYTES)


def sealed_part(cipher: RecordCipher, key: bytes, recording: str, part: int, sound: bytes) -> bytes:
    """Return the sound of one part encrypted. `recording`: its id; `part`: its number, from 1."""
    return encrypt(cipher, key, sound, _place(recording, part))


def opened_part(key: bytes, recording: str, part: int, sealed: bytes) -> bytes | None:
    """Return the sound of one part; None if it was changed, or is of another recording or place in it."""
    try:
        return decrypt(key, sealed, _place(recording, part))
    except (InvalidTag, ValueError):
        return None


def _place(recording: str, part: int) -> bytes:
    return f"{recording}/{part}".encode()


def silent(seconds: float) -> bytes:
    """Return a part without any sound."""
    return QUIET * (TRACKS * round(seconds * RATE))


def played(sound: bytes) -> bytes:
    """Return a part as it is played: the operator's and the others' samples by turns. A part has first all samples of
    the operator, then as many of the others.
    """
    half = len(sound) // 2
    turns = bytearray(2 * half)
    turns[::2], turns[1::2] = sound[:half], sound[half : 2 * half]
    return bytes(turns)


def wav_head(seconds: float | None) -> bytes:
    """Return the beginning of a WAV file with two tracks of A-law at 8000 samples a second (RFC 2361, format 6), after
    which `played` parts follow. `seconds`: their length, None: unknown.
    """
    size = round((seconds or 0) * RATE) * TRACKS
    body = UNKNOWN_SIZE if seconds is None else size
    whole = UNKNOWN_SIZE if seconds is None else size + 38
    form = struct.pack("<HHIIHHH", WAV_A_LAW, TRACKS, RATE, RATE * TRACKS, TRACKS, 8, 0)
    return (
        b"RIFF"
        + struct.pack("<I", whole)
        + b"WAVEfmt "
        + struct.pack("<I", len(form))
        + form
        + b"data"
        + struct.pack("<I", body)
    )
