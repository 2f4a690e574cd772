"""Deterministic ids: the same parts give the same id on every machine."""

import hashlib

from schemas.levels import CHANNEL_REPORTS

CASE_DIGITS = 12
DISPATCH_PARTS = 4  # of a dispatch's id, case:step:attempt:channel
GROUP = 4  # digits that are said in one breath


def resident_of(name: str) -> str:
    """Return the resident's id in a case id or dispatch id: the part before the first `-`, or all of the text if it has
    none.
    """
    return name.partition("-")[0]


def result_id(dispatch: str, state: str, receipt: str = "") -> str:
    """Return the id of the input that reports a result of a dispatch: DISPATCH:STATE or DISPATCH:STATE:RECEIPT. A
    repeated report has the same id, so it counts once.

    `state`: a result, a bank's state or a visit's stage. `receipt`: the provider's id of the report if a state may be
    reported repeatedly, as by banks; else empty.
    """
    return f"{dispatch}:{state}:{receipt}" if receipt else f"{dispatch}:{state}"


def reported_dispatch(name: str) -> str:
    """Return the id of the dispatch whose result the input with the id `name` reports, if our own channel reported it
    (states in CHANNEL_REPORTS; see `result_id`). Return "" for any other input, such as a provider's receipt.
    """
    dispatch, _, state = name.rpartition(":")
    return dispatch if state in CHANNEL_REPORTS and dispatch.count(":") == DISPATCH_PARTS - 1 else ""


def deadline_id(case: str, step: str, due: int) -> str:
    """Return the id of the deadline of a case's step that falls due at `due`, in ms since 1970."""
    return f"{_deadlines_of(case, step)}{due}"


def is_deadline_of(input_id: str, case: str, step: str) -> bool:
    """Return True if an input id is that of a deadline of this step of this case, for any due time."""
    return input_id.startswith(_deadlines_of(case, step))


def _deadlines_of(case: str, step: str) -> str:
    return f"d:{case}:{step}:"


def short_hash(*parts: str | int) -> str:
    """Return a hash of the parts, in order, as 20 hexadecimal digits (80 bits). The parts may contain any
    characters.
    """
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def case_digits(case_id: str) -> str:
    """Return the 12 digits (CASE_DIGITS) of a case's number, without the year. They come from a hash of the case's id,
    so they do not reveal how many cases exist.
    """
    return f"{int(short_hash('case-number', case_id), 16) % 10**CASE_DIGITS:0{CASE_DIGITS}}"


def in_groups(digits: str) -> str:
    """Return digits in groups of four with dashes between, as people write and say them: 4817-3305-1192."""
    return "-".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))


def fingerprint(secret: bytes) -> str:
    """Return 20 hexadecimal digits, from a hash, by which a secret can be recognized but not reconstructed.

    Raises UnicodeDecodeError if the secret is not UTF-8.
    """
    return short_hash("fingerprint", secret.decode())
