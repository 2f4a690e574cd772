"""Asks the HSM in a thread of its own, for at most 10 s: an HSM that hangs, or is far away, must not stop a process.

Within an event loop, nobody waits for the answer: the caller goes on with what it has, and asks again. A library of
PKCS #11 that hangs cannot be ended, so its thread stays, and nothing is asked of the HSM about the same text meanwhile.
The threads do not keep the process from ending.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

from streams.security.hsm import HsmError

BOUND_SECONDS = 10.0

Decrypt = Callable[[str], str]
"""Decrypts a text by the HSM. Raises HsmError."""


class NotAnsweredYetError(Exception):
    """The HSM was asked, and has not answered yet: call `hsm_answer` again later with the same text."""


class _Asked(NamedTuple):
    answer: "Future[str]"
    since: float


_asked: dict[str, _Asked] = {}  # by encrypted text, until its answer was taken
_change = threading.Lock()


def hsm_answer(decrypt: Decrypt, text: str, *, wait: bool) -> str:
    """Return the result of `decrypt` for `text`. It runs in a thread; while it runs, another call with the same text
    waits for the same result.

    `wait` True: block until there is a result, at most until 10 s after `decrypt` began. `wait` False: never block, and
    raise NotAnsweredYetError while there is no result. Raises HsmError if there is none 10 s after `decrypt` began, and
    what `decrypt` raises.
    """
    with _change:
        if text not in _asked:
            _asked[text] = _Asked(_started(decrypt, text), time.monotonic())
        answer, since = _asked[text]
    left = since + BOUND_SECONDS - time.monotonic()
    try:
        found = answer.result(max(0.0, left) if wait else 0.0)
    except TimeoutError:
        if answer.done():  # what `decrypt` raised
            _taken(text)
            raise
        if left > 0 and not wait:
            raise NotAnsweredYetError from None
        raise HsmError(f"the HSM has not answered for {BOUND_SECONDS:g} s. Check that it is reachable") from None
    except BaseException:
        _taken(text)
        raise
    _taken(text)
    return found


def within_loop() -> bool:
    """Return True if the caller runs in an event loop, which it must not block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _started(decrypt: Decrypt, text: str) -> "Future[str]":
    answer: Future[str] = Future()

    def run() -> None:
        try:
            answer.set_result(decrypt(text))
        except BaseException as error:  # is raised where the answer is taken
            answer.set_exception(error)

    threading.Thread(target=run, name="hsm", daemon=True).start()
    return answer


def _taken(text: str) -> None:
    """Forget the answer about this text. Those about others are forgotten once they are there: their file has changed
    again, so nobody takes them, and they hold keys.
    """
    with _change:
        _asked.pop(text, None)
        others = dict(_asked)
    for other, asked in others.items():
        asked.answer.add_done_callback(partial(_drop, other))


def _drop(text: str, answer: "Future[str]") -> None:
    with _change:
        if text in _asked and _asked[text].answer is answer:
            del _asked[text]
