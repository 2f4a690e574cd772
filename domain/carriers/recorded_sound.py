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
    """Return a new random key of 32 bytes for one recording."""
    return os.urandom(KEY_BYTES)


def sealed_part(cipher: RecordCipher, key: bytes, recording: str, part: int, sound: bytes) -> bytes:
    """Return the sound of one part, encrypted under the recording's key and bound to its place. `recording`: the
    recording's id; `part`: the part's number, from 1.
    """
    return encrypt(cipher, key, sound, _place(recording, part))


def opened_part(key: bytes, recording: str, part: int, sealed: bytes) -> bytes | None:
    """Return the decrypted sound of one part of a recording; None if it was changed, is another recording's or another
    part's, or the key is wrong.
    """
    try:
        return decrypt(key, sealed, _place(recording, part))
    except (InvalidTag, ValueError):
        return None


def _place(recording: str, part: int) -> bytes:
    return f"{recording}/{part}".encode()


def silent(seconds: float) -> bytes:
    """Return a part of this many seconds without any sound: A-law, two tracks of 8000 bytes a second each."""
    return QUIET * (TRACKS * round(seconds * RATE))


def played(sound: bytes) -> bytes:
    """Return a part's samples in the order of a WAV file: one of the operator, one of the others, and so on. A stored
    part (`sound`) has all samples of the operator first, then as many of the others.
    """
    half = len(sound) // 2
    turns = bytearray(2 * half)
    turns[::2], turns[1::2] = sound[:half], sound[half : 2 * half]
    return bytes(turns)


def wav_head(seconds: float | None) -> bytes:
    """Return the header of a WAV file with two tracks of A-law at 8000 samples a second (RFC 2361, format 6); parts
    from `played` follow it. `seconds`: the length of all parts; None: unknown, and the header has the size 0xFFFFFFFF.
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
