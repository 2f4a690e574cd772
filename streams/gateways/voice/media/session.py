"""Session descriptions (SDP): this side's offer, and the called side's answer (RFC 3264, RFC 4568)."""

import base64
import re
import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address

from aiosipua.sdp import MediaDescription, SdpMessage, parse_sdp

from streams.gateways.voice.media.g711 import G711, LAWS

KEYS_PAYLOAD = 101  # of events, as offered (RFC 4733)
DIRECTIONS = {
    "sendrecv": (True, True),
    "sendonly": (True, False),
    "recvonly": (False, True),
    "inactive": (False, False),
}
"""By attribute: whether its side sends, and receives (RFC 8866, 6.7)."""
DYNAMIC = range(96, 128)
SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY_BYTES = 30  # master key and salt of the suite
_ORIGIN = re.compile(r"^(o=- [0-9]+ )([0-9]+)", re.MULTILINE)
PLAIN, SECURE = "RTP/AVP", "RTP/SAVP"


class MediaRefusedError(ValueError):
    """No sound can be exchanged with the called side. The text says why, and contains no telephone number."""


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """The agreed way to exchange sound.

    `remote`: host and port to which packets are sent; `law`: the coding; `keys_payload`: the payload type of key
    events, None if keys come as tones; `we_send`, `they_send`: whether this side sends sound, and the called side does;
    `key`: of the called side's SRTP, None without SRTP.
    """

    remote: tuple[str, int]
    law: G711
    keys_payload: int | None
    we_send: bool = True
    they_send: bool = True
    key: bytes | None = field(default=None, repr=False)

    @property
    def direction(self) -> str:
        """The direction of sound as this side's answer states it: sendrecv, sendonly, recvonly or inactive (RFC 3264,
        6.1).
        """
        return next(name for name, ways in DIRECTIONS.items() if ways == (self.we_send, self.they_send))


def new_srtp_key() -> bytes:
    """Return a new random SRTP master key with its salt: 30 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def offer(host: str, port: int, key: bytes | None) -> str:
    """Return the session description to offer in a call.

    `host`, `port`: where this side receives sound; `key`: of this side's SRTP, None: sound is not encrypted.
    """
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


def directed(offered: str, direction: str, version: int) -> str:
    """Return a later session description of this side: its first one, `offered`, with another direction and version.
    `direction`: sendrecv, sendonly, recvonly or inactive; `version`: 0 for the first description, and one higher after
    each change (RFC 3264, 8).
    """
    text = offered.replace("a=sendrecv", f"a={direction}")
    return _ORIGIN.sub(lambda found: f"{found[1]}{int(found[2]) + version}", text, count=1)


def agreed(text: str, *, secure: bool) -> MediaPlan:
    """Parse the other side's session description `text`, an answer or an offer, and return what was agreed.

    `secure`: True: the sound must be encrypted with SRTP; False: it is not, and may be sent to this machine only.
    Raises MediaRefusedError if the description is invalid, has no coding that this side supports, has no SRTP key
    although `secure` is True, or would have sound leave this machine although it is False.
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
    receives, sends = DIRECTIONS[_direction(description, audio)]
    if ip_address(host).is_unspecified:  # 0.0.0.0 is a hold too (RFC 3264, 8.4)
        receives = sends = False
    if sends and not secure and not ip_address(host).is_loopback:
        raise MediaRefusedError("sound would leave this machine without SRTP")
    key = crypto_of(audio)[1] if secure else None
    return MediaPlan((host, audio.port), _law(audio), _keys_payload(audio), sends, receives, key)


def _direction(description: SdpMessage, audio: MediaDescription) -> str:
    """Return which way the called side wants sound: of the stream, else of the session, else both."""
    found = (name for given in (audio.attributes, description.attributes) for name in DIRECTIONS if name in given)
    return next(found, "sendrecv")


def _address(description: SdpMessage, audio: MediaDescription) -> str:
    connection = audio.connection or description.connection
    try:
        return str(ip_address(connection.address if connection else ""))
    except ValueError:
        raise MediaRefusedError("the answer has no IP address for the sound") from None


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
    """Return the payload type of key events: a dynamic one (RFC 3551, table 5)."""
    events = [codec.payload_type for codec in audio.codecs if codec.encoding_name.lower() == "telephone-event"]
    return next((each for each in events if each in DYNAMIC), None)


def crypto_of(audio: MediaDescription) -> tuple[str, bytes]:
    """Return (tag, master key with its salt: 30 bytes) of the first crypto line that this side supports (RFC 4568).
    Raises MediaRefusedError if there is none.
    """
    for line in audio.attributes.get("crypto", []):
        parts = line.split()
        if len(parts) < 3 or parts[1] != SUITE or not parts[2].startswith("inline:"):
            continue
        try:
            key = base64.b64decode(parts[2].removeprefix("inline:").split("|")[0], validate=True)
        except ValueError:  # also of letters that are not ASCII
            continue
        if len(key) == KEY_BYTES and parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 10:
            return parts[0], key
    raise MediaRefusedError("the answer does not protect the sound with SRTP")
