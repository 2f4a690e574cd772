"""Session descriptions: what this end offers, and what the called side has chosen (RFC 3264, RFC 4568)."""

import base64
import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address

from aiosipua.sdp import MediaDescription, SdpMessage, parse_sdp

from streams.gateways.voice.media.g711 import G711, LAWS

KEYS_PAYLOAD = 101  # of events, as offered (RFC 4733)
SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY_BYTES = 30  # master key and salt of the suite
PLAIN, SECURE = "RTP/AVP", "RTP/SAVP"


class MediaRefusedError(ValueError):
    """Raised if no sound can be exchanged with the called side. The text says why, without numbers of anybody."""


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """What was agreed. `remote`: where packets go; `keys_payload`: the payload type of key events, None if keys come as
    tones; `key`: of the called side's SRTP, None without.
    """

    remote: tuple[str, int]
    law: G711
    keys_payload: int | None
    key: bytes | None = field(default=None, repr=False)


def new_srtp_key() -> bytes:
    """Return a new SRTP master key with its salt."""
    return secrets.token_bytes(KEY_BYTES)


def offer(host: str, port: int, key: bytes | None) -> str:
    """Return the session description of a call. `host`, `port`: where this end hears; `key`: of SRTP, None without."""
    family = "IP6" if ":" in host else "IP4"
    number = secrets.randbits(31)
    lines = [
        "v=0", f"o=- {number} {number} IN {family} {host}", "s=-", f"c=IN {family} {host}", "t=0 0",
        f"m=audio {port} {SECURE if key else PLAIN} 8 0 {KEYS_PAYLOAD}",
        "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
        f"a=rtpmap:{KEYS_PAYLOAD} telephone-event/8000", f"a=fmtp:{KEYS_PAYLOAD} 0-16", "a=ptime:20", "a=sendrecv",
    ]  # fmt: skip
    if key:
        lines.append(f"a=crypto:1 {SUITE} inline:{base64.b64encode(key).decode()}")
    return "".join(f"{line}\r\n" for line in lines)


def agreed(text: str, *, secure: bool) -> MediaPlan:
    """Return what an answer agrees to. `secure`: SRTP was offered; without it, sound goes only to this machine.

    Raises MediaRefusedError if the answer has no sound that this end can make, or does not protect it.
    """
    try:
        return _plan(parse_sdp(text), secure=secure)
    except MediaRefusedError:
        raise
    except (ValueError, LookupError):
        raise MediaRefusedError("the session description cannot be read") from None


def _plan(description: SdpMessage, *, secure: bool) -> MediaPlan:
    audio = description.audio
    if audio is None or not audio.port:
        raise MediaRefusedError("the answer has no audio")
    if not 0 < audio.port < 65536:
        raise MediaRefusedError("the answer has no usable port for the sound")
    host = _address(description, audio)
    if not secure and not _is_loopback(host):
        raise MediaRefusedError("sound would leave this machine without SRTP")
    return MediaPlan((host, audio.port), _law(audio), _keys_payload(audio), _key(audio) if secure else None)


def _address(description: SdpMessage, audio: MediaDescription) -> str:
    connection = audio.connection or description.connection
    try:
        return str(ip_address(connection.address if connection else ""))
    except ValueError:
        raise MediaRefusedError("the answer has no IP address for the sound") from None


def _is_loopback(host: str) -> bool:
    return ip_address(host).is_loopback


def _law(audio: MediaDescription) -> G711:
    names = {8: "PCMA", 0: "PCMU"} | {codec.payload_type: codec.encoding_name.upper() for codec in audio.codecs}
    for each in audio.formats:
        law = LAWS.get(names.get(int(each), "") if _is_type(each) else "")
        if law is not None and law.payload_type == int(each):
            return law
    raise MediaRefusedError("the answer has neither PCMA nor PCMU")


def _is_type(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3


def _keys_payload(audio: MediaDescription) -> int | None:
    events = [codec.payload_type for codec in audio.codecs if codec.encoding_name.lower() == "telephone-event"]
    return events[0] if events else None


def _key(audio: MediaDescription) -> bytes:
    for line in audio.attributes.get("crypto", []):
        parts = line.split()
        if len(parts) < 3 or parts[1] != SUITE or not parts[2].startswith("inline:"):
            continue
        try:
            key = base64.b64decode(parts[2].removeprefix("inline:").split("|")[0], validate=True)
        except ValueError:  # also of letters that are not ASCII
            continue
        if len(key) == KEY_BYTES:
            return key
    raise MediaRefusedError("the answer does not protect the sound with SRTP")
