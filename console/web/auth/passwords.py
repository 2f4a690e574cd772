"""Hashes and checks passwords with argon2id, in separate threads so that other requests do not wait."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.access.accounts import plain

_HASHER = PasswordHasher()  # argon2-cffi's own figures: RFC 9106's second choice, 64 MiB, 3 passes, 4 lanes
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")  # each takes 64 MiB while it works
ONE_TIME = timedelta(days=3)  # validity of a one-time password
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike
_GROUPS, _GROUP = 4, 5  # 99 bits

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
