"""Reads a carrier's delivery receipts in their usual spellings, and its answers to queries about a message."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.channels.receipts import SmsState

RECEIPTED_MESSAGE_ID, MESSAGE_STATE, MESSAGE_PAYLOAD = 0x001E, 0x0427, 0x0424  # SMPP 3.4, 5.3.2

_STATES = {2: SmsState.DELIVERED, **dict.fromkeys((3, 4, 5, 8), SmsState.UNDELIVERED)}  # SMPP 3.4, 5.2.28
_DELIVERED = ("DELIVRD", "DELIVERED", "DELIVERD", "RETRIEV", "SUCCESS")
_LOST = ("EXPIRED", "DELETED", "UNDELIV", "REJECT", "FAIL", "DELIVERY_FAIL")
_PENDING = ("ENROUTE", "ACCEPT", "SCHEDUL", "BUFFER", "SUBMIT", "UNKNOWN", "TRANSIT")
_GATEWAY_CODE = re.compile(r"(?:[A-Z]{2}:)?[A-Z]?[0-9]{2,6}")  # such as MK:0001: not delivered, by a Chinese gateway
_CMPP_GATEWAY_CODE = re.compile(r"[A-Z]{2}:[0-9A-Z]{1,4}")  # MA:xxxx, CB:xxxx, …: a part of the network gave it up
_ID = re.compile(r"\bid\s*[:=]\s*[\"']?([^\s\"',;&]{1,64})", re.IGNORECASE)
_STAT = re.compile(r"\b(?:stat|status|state)\s*[:=]\s*[\"']?([A-Za-z0-9:_]{1,20})", re.IGNORECASE)


class IdNotation(StrEnum):
    """The notation of a message's id in a carrier's receipt, compared with the id in the carrier's answer to the
    message.

    SAME: the same notation. DECIMAL_OF_HEX: decimal in the receipt, hexadecimal in the answer. HEX_OF_DECIMAL: the
    reverse.
    """

    SAME = "same"
    DECIMAL_OF_HEX = "decimal-of-hex"
    HEX_OF_DECIMAL = "hex-of-decimal"


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """A carrier's delivery receipt for a segment.

    `message`: the carrier's id of the segment, as `receipt_key` writes it. `state`: None while it is not final, or if
    the carrier's word for it is unknown. `word`: the carrier's word for the state, such as DELIVRD, without any part of
    the text.
    """

    message: str
    state: SmsState | None
    word: str


def answer_key(message: str, notation: IdNotation) -> str:
    """Return the id in a carrier's answer in the form in which it is compared with ids in receipts (`receipt_key`).

    Letters become capitals; unless the notation is SAME, leading zeros are dropped.
    """
    text = message.strip().upper()
    return text if notation is IdNotation.SAME else text.lstrip("0") or "0"


def receipt_key(message: str, notation: IdNotation) -> str:
    """Return the id in a receipt, converted to the notation of the carrier's answer, for comparison with `answer_key`.

    An id that is not a number in the expected notation stays as it is, in capitals.
    """
    text = message.strip().upper()
    try:
        if notation is IdNotation.DECIMAL_OF_HEX:
            return f"{int(text):X}"
        if notation is IdNotation.HEX_OF_DECIMAL:
            return str(int(text, 16))
    except ValueError:
        return text
    return text


def read_receipt(text: bytes, parameters: Mapping[int, bytes], notation: IdNotation) -> DeliveryReceipt | None:
    """Return the receipt in a deliver_sm (SMPP), or None if it has no message id (or one of over 65 characters) or no
    state.

    `text`: its short_message; `parameters`: its optional parameters by tag; `notation`: how the carrier writes ids in
    receipts. The parameters take precedence over the text, because some carriers cut the text off.
    """
    words = (text or parameters.get(MESSAGE_PAYLOAD, b"")).decode("latin-1").replace("\0", "")  # some write UCS-2
    named = parameters.get(RECEIPTED_MESSAGE_ID, b"").split(b"\0")[0].decode("latin-1").strip()
    found = _ID.search(words)
    message = named or (found.group(1) if found else "")
    stated = _STAT.search(words)
    number = parameters.get(MESSAGE_STATE, b"")
    if not message or len(message) > 65 or not (stated or number):
        return None
    word = stated.group(1).upper() if stated else f"STATE{number[0]}"
    state = query_result(number[0]) if number else _state(word)
    return DeliveryReceipt(receipt_key(message, notation), state, word)


def cmpp_receipt(message: str, stat: bytes) -> DeliveryReceipt:
    """Return the receipt in a status report of CMPP. `stat`: its field Stat, of seven octets (CMPP 3.0, 7.4.3.1).

    The state is DELIVERED for DELIVRD only, UNDELIVERED for a failure or a gateway's error code such as MA:0001, else
    None.
    """
    word = "".join(char for char in stat.decode("latin-1").upper() if char.isascii() and char.isprintable()).strip()
    lost = word.startswith(_LOST) or _CMPP_GATEWAY_CODE.fullmatch(word) is not None
    state = SmsState.DELIVERED if word == "DELIVRD" else SmsState.UNDELIVERED if lost else None
    return DeliveryReceipt(receipt_key(message, IdNotation.SAME), state, word or "EMPTY")


def query_result(state: int) -> SmsState | None:
    """Return the message's result for a `message_state` of SMPP 3.4 (5.2.28), DELIVERED or UNDELIVERED; None if that
    state is not final.
    """
    return _STATES.get(state)


def _state(word: str) -> SmsState | None:
    if word.startswith(_DELIVERED) or word in ("0", "000", "OK"):
        return SmsState.DELIVERED
    if word.startswith(_PENDING):
        return None
    return SmsState.UNDELIVERED if word.startswith(_LOST) or _GATEWAY_CODE.fullmatch(word) else None
