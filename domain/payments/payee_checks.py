"""The answer to a bank's question about a payee before a payment, and the names of such answers.

An answer's name contains the answer, the time and a signature for the source that asked. So a payment abandoned after
an answer can be counted without storing each check, and nobody can name a check that was not made.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.payee_checks import PayeeAnswer, PayeeReason

ABANDONED_WITHIN = timedelta(days=1)  # after the check; later nobody can say that the one followed from the other
RANDOM = 9  # bytes that make a name unique
_SIGNED = 16  # bytes of the signature
_ANSWERS = tuple(PayeeAnswer)


@dataclass(frozen=True, slots=True)
class PayeeCheckResult:
    """The answer about a payee and its reason. `since`: when the watchlist entry behind it was made; None without an
    entry.
    """

    answer: PayeeAnswer
    reason: PayeeReason
    since: datetime | None = None


def known_of(entries: Sequence[WatchEntry | None]) -> PayeeCheckResult:
    """Return the answer about a payee: CONFIRMED, REPORTED or NOT_KNOWN, with the reason. `entries`: the watchlist
    entry of the payee itself, then those of the domains above it, the nearest first; None stands for no entry.

    A confirmed domain covers all links below it. A report covers only its own link, because anybody can report a whole
    domain. A lifted entry counts as no entry: it was wrong, and must not harm its holder any more. Raises ValueError if
    `entries` is empty.
    """
    own, *above = entries
    if own is not None and own.standing is WatchStatus.CONFIRMED:
        return PayeeCheckResult(PayeeAnswer.CONFIRMED, PayeeReason.LISTED, own.at)
    for entry in above:
        if entry is not None and entry.standing is WatchStatus.CONFIRMED:
            return PayeeCheckResult(PayeeAnswer.CONFIRMED, PayeeReason.DOMAIN_LISTED, entry.at)
    if own is not None and own.standing is WatchStatus.REPORTED:
        return PayeeCheckResult(PayeeAnswer.REPORTED, PayeeReason.REPORT_UNVERIFIED, own.at)
    return PayeeCheckResult(PayeeAnswer.NOT_KNOWN, PayeeReason.NO_ENTRY)


def check_name(secret: bytes, source: str, answer: PayeeAnswer, at: datetime, randomness: bytes) -> str:
    """Return the name of an answer that `source` got at `at`: 40 characters that may be used in a URL. It contains the
    answer and the time, signed with `secret`.

    Raises ValueError if `randomness` is not RANDOM (9) bytes long.
    """
    if len(randomness) != RANDOM:
        raise ValueError(f"a check's name takes {RANDOM} random bytes")
    told = int(at.timestamp()).to_bytes(4) + bytes([_ANSWERS.index(answer)]) + randomness
    return urlsafe_b64encode(told + _signature(secret, source, told)).decode()


def answer_named(secret: bytes, source: str, name: str, now: datetime) -> PayeeAnswer:
    """Return the payee answer that a check's name contains. `secret`: the one with which `check_name` made it;
    `source`: the source that reports the name.

    Raises ValueError if the name was not given to this source, is no name of a check, or was given more than a day ago.
    """
    told, signature = (raw := urlsafe_b64decode(name))[:-_SIGNED], raw[-_SIGNED:]
    if not hmac.compare_digest(signature, _signature(secret, source, told)):
        raise ValueError("no check of this source has this name")
    if now - datetime.fromtimestamp(int.from_bytes(told[:4]), UTC) > ABANDONED_WITHIN:
        raise ValueError("the check is more than a day old")
    return _ANSWERS[told[4]]


def _signature(secret: bytes, source: str, told: bytes) -> bytes:
    return hmac.digest(secret, f"payee-check\0{source}\0".encode() + told, "sha256")[:_SIGNED]
