"""This side's answer to a session description that an incoming call offers (RFC 3264, section 6)."""

import base64
import secrets
from dataclasses import dataclass

from aiosipua.sdp import MediaDescription, parse_sdp

from streams.gateways.voice.media.session import PLAIN, SECURE, SUITE, MediaPlan, MediaRefusedError, agreed, crypto_of

MOST_MEDIA = 8  # lines of media in an offer; one with more is refused


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """The answer to an offer. `plan`: how sound is exchanged; `text`: the session description, both ways."""

    plan: MediaPlan
    text: str


def answer_to(offered: str, host: str, port: int, key: bytes | None) -> MediaAnswer:
    """Return the answer to the session description `offered`: it takes the first audio, with one coding, and refuses
    the other streams. `host`, `port`: where this side receives sound; `key`: of this side's SRTP, None: sound is not
    encrypted, and may be sent to this machine only.

    Raises MediaRefusedError if the offer is invalid, has no coding that this side supports or over 8 streams, or
    encrypts sound otherwise than `key` demands.
    """
    plan = agreed(offered, secure=key is not None)
    media = parse_sdp(offered).media
    if len(media) > MOST_MEDIA:
        raise MediaRefusedError("the offer has too many streams")
    audio = next(each for each in media if each.media == "audio")
    if audio.proto != (SECURE if key else PLAIN):
        raise MediaRefusedError("the offer's sound is neither RTP/AVP nor RTP/SAVP as configured")
    family = "IP6" if ":" in host else "IP4"
    number = secrets.randbits(31)
    lines = ["v=0", f"o=- {number} {number} IN {family} {host}", "s=-", f"c=IN {family} {host}", "t=0 0"]
    for each in media:
        lines += _sound(each, plan, port, key) if each is audio else [_refused(each)]
    return MediaAnswer(plan, "".join(f"{line}\r\n" for line in lines))


def _sound(audio: MediaDescription, plan: MediaPlan, port: int, key: bytes | None) -> list[str]:
    law, events = plan.law, plan.keys_payload
    formats = f"{law.payload_type}" if events is None else f"{law.payload_type} {events}"
    lines = [f"m=audio {port} {SECURE if key else PLAIN} {formats}", f"a=rtpmap:{law.payload_type} {law.name}/8000"]
    if events is not None:
        lines += [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-16"]
    lines += ["a=ptime:20", "a=sendrecv"]
    if key:
        lines.append(f"a=crypto:{crypto_of(audio)[0]} {SUITE} inline:{base64.b64encode(key).decode()}")
    return lines


def _refused(media: MediaDescription) -> str:
    """Return the line of a stream that is not taken: its port is 0."""
    if not all(word.isascii() and word.isprintable() for word in (media.media, media.proto, *media.formats)):
        raise MediaRefusedError("the session description cannot be read")
    return f"m={media.media} 0 {media.proto} {' '.join(media.formats) or '0'}"
