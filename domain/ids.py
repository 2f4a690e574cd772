"""Deterministic ids: the same parts give the same id on every machine."""

import hashlib

CASE_DIGITS = 12
GROUP = 4  # digits that are said in one breath


def resident_of(name: str) -> str:
    """Return the resident's id of a case or dispatch id: the part before the first `-`."""
    return name.partition("-")[0]


def result_id(dispatch: str, state: str, receipt: str = "") -> str:
    """Return the id of the input that reports a result of a dispatch: the same report twice counts once.

    `state`: a result, a bank's state or a visit's stage. `receipt`: the provider's id, if reports of one state may
    repeat, as a bank's do.
    """
    return f"{dispatch}:{state}:{receipt}" if receipt else f"{dispatch}:{state}"


def deadline_id(case: str, step: str, due: int) -> str:
    """Return the id of a step's deadline that was due at `due`, in ms since 1970."""
    return f"{_deadlines_of(case, step)}{due}"


def is_deadline_of(input_id: str, case: str, step: str) -> bool:
    """Return whether an input id is that of a deadline of this step of this case, whenever due."""
    return input_id.startswith(_deadlines_of(case, step))


def _deadlines_of(case: str, step: str) -> str:
    return f"d:{case}:{step}:"


def short_hash(*parts: str | int) -> str:
    """Return 20 hexadecimal digits (80 bits) of a hash of the parts, which may contain any characters."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def case_digits(case_id: str) -> str:
    """Return the 12 digits (CASE_DIGITS) of a case's number, derived from a hash of its id: nobody can count cases by
    it.
    """
    return f"{int(short_hash('case-number', case_id), 16) % 10**CASE_DIGITS:0{CASE_DIGITS}}"


def in_groups(digits: str) -> str:
    """Return digits as they are written and said, in groups of four with dashes: 4817-3305-1192."""
    return "-".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))


def fingerprint(secret: bytes) -> str:
    """Return 20 hexadecimal digits by which a secret is recognized without revealing it.

    Raises UnicodeDecodeError if the secret is not UTF-8.
    """
    return short_hash("fingerprint", secret.decode())
