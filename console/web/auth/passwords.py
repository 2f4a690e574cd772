"""Hashes and checks passwords with argon2id, in separate threads so that other requests do not wait; and finds those
that became public in breaches, in a file of the installation.

The file has in each line a SHA-1 in capital hexadecimal digits, perhaps with a colon and a count, sorted: as
haveibeenpwned.com publishes it, ordered by hash.
"""

import asyncio
import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import BinaryIO, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.access.accounts import plain

log = logging.getLogger(__name__)

_HASHER = PasswordHasher()  # argon2-cffi's own figures: RFC 9106's second choice, 64 MiB, 3 passes, 4 lanes
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")  # each takes 64 MiB while it works
ONE_TIME = timedelta(days=3)  # validity of a one-time password
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike
_GROUPS, _GROUP = 4, 5  # 99 bits
_DIGITS = 40  # of a SHA-1
_END = b"G"  # after every hash
_LINE = re.compile(rb"[0-9A-F]{40}(:[0-9]+)?\r?\n")

Answer = TypeVar("Answer")


async def hashed(password: str) -> str:
    """Return the argon2id hash of a password, for storage."""
    return await _thread(lambda: _HASHER.hash(plain(password)))


async def fits(hashed: str | None, password: str) -> bool:
    """Return True if the password matches the hash; False if it does not, or if `hashed` is no argon2 hash. For None
    (unknown login, no password) the result is False, after the same time.
    """
    return await _thread(lambda: _fits(hashed, plain(password)))


def outdated(hashed: str) -> bool:
    """Return True if the hash was made with other parameters than the present ones, so that it should be made again.
    Raises InvalidHashError (a ValueError) if `hashed` is no argon2 hash.
    """
    return _HASHER.check_needs_rehash(hashed)


def one_time() -> str:
    """Return a new one-time password: 20 letters and digits in groups of five, easy to read out or write down."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


async def opened_by(word: str, now: datetime) -> dict[str, object]:
    """Return the fields of an account (password: the hash, must_change, password_until) that let it sign in once with
    the one-time password `word`, within ONE_TIME (3 days) from `now`, a wall-clock time. It must then choose another.
    """
    return {"password": await hashed(word), "must_change": True, "password_until": now + ONE_TIME}


def require_list(file: Path) -> Path:
    """Return `file` if it begins like a list of breached passwords. Raises ValueError if not, or if it cannot be
    read.
    """
    try:
        with file.open("rb") as lines:
            first = lines.readline(_DIGITS * 2)
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    if not _LINE.fullmatch(first):
        raise ValueError(f"{file}: write a SHA-1 in capital hexadecimal digits in each line, sorted")
    return file


def breached(file: Path | None, password: str) -> bool:
    """Return True if the list in `file` has the password; False if not, or without a file. If the file cannot be read,
    that is logged, and the result is False, so that a password that must be changed can be changed.
    """
    if file is None:
        return False
    wanted = hashlib.sha1(plain(password).encode(), usedforsecurity=False).hexdigest().upper().encode()
    try:
        with file.open("rb") as lines:
            return _first_from(lines, wanted, file.stat().st_size) == wanted
    except OSError as error:
        log.warning("QUANZU_CONSOLE_BREACHED_PASSWORDS: %s: %s. It refuses no password", file, error.strerror)
        return False


async def is_breached(file: Path | None, password: str) -> bool:
    """Return what `breached` returns, in a thread: the file may have 40 GB."""
    return await _thread(lambda: breached(file, password))


def _fits(hashed: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(hashed or _nobodys(), password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """Return the hash of a random password, with which the check of an unknown login takes as long as
    any other check.
    """
    return _HASHER.hash(secrets.token_hex())


async def _thread(work: Callable[[], Answer]) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def _first_from(lines: BinaryIO, wanted: bytes, size: int) -> bytes:
    """Search the sorted file and return its smallest hash that is equal to `wanted` or greater; _END if all hashes are
    smaller. `size`: the file's length in bytes.
    """
    low, high = 0, size  # the line begins after `low` and not after `high`
    while low < high:
        middle = (low + high) // 2
        if _hash_after(lines, middle) < wanted:
            low = middle + 1
        else:
            high = middle
    return _hash_after(lines, low)


def _hash_after(lines: BinaryIO, place: int) -> bytes:
    """Return the hash in the first line that begins at the byte `place` or after it; _END if no line does."""
    lines.seek(max(0, place - 1))
    if place:
        lines.readline()
    return lines.readline()[:_DIGITS] or _END
