"""Passwords: kept by argon2id, looked at in threads of their own so that nobody else's page waits for it."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.access.accounts import plain

_HASHER = PasswordHasher()  # argon2-cffi's own figures: RFC 9106's second choice, 64 MiB, 3 passes, 4 lanes
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")  # each takes 64 MiB while it works
ONE_TIME = timedelta(days=3)  # how long a one-time password opens the account
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_GROUPS, _GROUP = 4, 5  # 99 bits

Answer = TypeVar("Answer")


async def kept(password: str) -> str:
    """What is kept of a password."""
    return await _thread(lambda: _HASHER.hash(plain(password)))


async def fits(hashed: str | None, password: str) -> bool:
    """Whether it is the password. Without one (an unknown login, an account without a password) it takes as long."""
    return await _thread(lambda: _fits(hashed, plain(password)))


def outdated(hashed: str) -> bool:
    """Whether it was kept by other figures than today's: then it is kept anew while the password is at hand."""
    return _HASHER.check_needs_rehash(hashed)


def one_time() -> str:
    """A new one-time password, to be read out or written down."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _fits(hashed: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(hashed or _nobodys(), password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """The password of nobody, for who is not there to be looked up as long as anybody."""
    return _HASHER.hash(secrets.token_hex())


async def _thread(work: Callable[[], Answer]) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
