"""The notation of fields in 3GPP's call records: BCD times and numbers, addresses, and causes.

Sources: TS 32.298 clause 5.1 (TimeStamp, BCDDirectoryNumber, InvolvedParty), TS 24.008 clause 10.5.4.7 (numbers) and
table 10.5.123 (causes), TS 29.002 (AddressString). No error text contains a value.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from domain.carriers.call_causes import end_by_q850, end_by_sip
from schemas.risk.signals import CallEnd

_TIME_BYTES = 9
_DIGITS = "0123456789*#abc"  # a half byte of 15 ends the number
_INTERNATIONAL, _NATIONAL = 1, 2  # types of number
_ADDRESS = re.compile(r"(?:sips?|tel):(?://)?", re.IGNORECASE)
_REASON = re.compile(r"\s*(Q\.850|SIP)\s*;.*?\bcause\s*=\s*([0-9]{1,3})\b", re.IGNORECASE)
# Causes of TS 24.008 that Q.850 does not have: rejected by a feature of the destination; no more credit.
_GSM = {24: CallEnd.REFUSED, 68: CallEnd.FAILED}


def charging_time(octets: bytes) -> datetime:
    """Return the aware time of a TimeStamp: YYMMDDhhmmss of the years 2000 to 2099, the sign in ASCII, and the offset
    hhmm; all but the sign in BCD.

    Raises ValueError if it does not have nine bytes of this form or is no valid time.
    """
    if len(octets) != _TIME_BYTES or octets[6:7] not in (b"+", b"-"):
        raise ValueError("not a time of nine bytes")
    digits = (octets[:6] + octets[7:]).hex()
    if not digits.isdecimal():
        raise ValueError("a time has digits only")
    year, month, day, hour, minute, second, far, near = (int(digits[at : at + 2]) for at in range(0, 16, 2))
    offset = timedelta(hours=far, minutes=near) * (1 if octets[6:7] == b"+" else -1)
    return datetime(2000 + year, month, day, hour, minute, second, tzinfo=timezone(offset))


def charging_number(octets: bytes) -> str:
    """Return the telephone number in a field BCDDirectoryNumber or AddressString: with + and the country code if it is
    international, otherwise as it is dialled within the country.

    A national number gets a leading 0 unless it begins with 0 or 1 (a mobile's). "" if there are no digits: the number
    is withheld.
    """
    start = 1 if octets[:1] and octets[0] & 0x80 else 2  # a second byte says whether the number may be shown
    digits = "".join(_half(half) for octet in octets[start:] for half in (octet & 15, octet >> 4))
    if not digits:
        return ""
    match octets[0] >> 4 & 7:
        case type_ if type_ == _INTERNATIONAL:
            return f"+{digits}"
        case type_ if type_ == _NATIONAL and not digits.startswith(("0", "1")):
            return f"0{digits}"
        case _:
            return digits


def address_number(address: str) -> str:
    """Return the number or name in a SIP or tel URI: the text before @ and the parameters; "" if there is none."""
    return re.split("[@;?]", _ADDRESS.sub("", address.strip(), count=1), maxsplit=1)[0]


def end_by_gsm(cause: int) -> CallEnd | None:
    """Return how an unanswered call ended, by the cause of TS 24.008; None for an unknown cause."""
    return _GSM.get(cause) or end_by_q850(cause)


def end_by_reasons(reasons: Iterable[str]) -> CallEnd | None:
    """Return how an unanswered call ended, from its SIP Reason headers (RFC 3326): by the first known Q.850 cause, else
    by the first known SIP status; None if there is neither.
    """
    found = [(match[1].upper(), int(match[2])) for reason in reasons if (match := _REASON.match(reason))]
    ends = [end_by_q850(cause) for protocol, cause in found if protocol == "Q.850"]
    ends += [end_by_sip(cause) for protocol, cause in found if protocol == "SIP"]
    return next(filter(None, ends), None)


def _half(half: int) -> str:
    return _DIGITS[half] if half < len(_DIGITS) else ""
