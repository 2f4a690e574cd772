"""Sends a gateway's receipts and replies to Quanzu: signed, and with one meaning of each answer."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx

from streams.channels.signing import Signer
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0  # for one attempt
AT_ONCE = 16  # receipts on their way to Quanzu
DENIED_AGAIN_SECONDS = 60.0  # after 403 or 404: a proxy or a wrong path, until a person mends it
_FOR_GOOD = frozenset({400, 422})  # intake calls the receipt invalid: a repetition would not help
_DENIED = frozenset({403, 404})
_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)  # httpx parses an answer's Location even unfollowed


Look = Callable[[Collection[str]], Awaitable[Mapping[str, Coroutine[Any, Any, None]]]]
"""Returns the work that sends each receipt that is due, by the receipt's name, without those that are being sent."""


async def keep_sending(look: Look, due: asyncio.Event, pause: Callable[[Collection[str]], float]) -> None:
    """Send each receipt in a task of its own until cancelled: one that Quanzu does not answer holds up no other.

    Looks for receipts at first, whenever one was sent or `due` is set, and after `pause` seconds. Both functions get
    the names of the receipts that are being sent. An error of the work ends this, and the other work with it.
    """
    sending: dict[str, asyncio.Task[None]] = {}
    try:
        while wanted():
            due.clear()
            sending |= {name: asyncio.create_task(work) for name, work in (await look(sending)).items()}
            done = await _first_sent(sending.values(), due, pause(sending))
            sending = {name: task for name, task in sending.items() if task not in done}
            for task in done:
                task.result()
    finally:
        for task in sending.values():
            task.cancel()
        await asyncio.gather(*sending.values(), return_exceptions=True)


async def _first_sent(
    sending: Collection["asyncio.Task[None]"], due: asyncio.Event, seconds: float
) -> "set[asyncio.Task[None]]":
    """Return those of the tasks that are done, once one is, `due` is set, or `seconds` have passed."""
    wakes = asyncio.create_task(due.wait())
    try:
        done, _ = await asyncio.wait([*sending, wakes], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        wakes.cancel()
    return {task for task in sending if task in done}


class ReceiptAnswer(StrEnum):
    """The result of sending a receipt. REFUSED: refused for good; DENIED: refused by a proxy or because of a wrong
    path, until a person corrects it; LATER: any other refusal; UNREACHABLE: there was no answer.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DENIED = "denied"
    LATER = "later"
    UNREACHABLE = "unreachable"

    @property
    def is_settled(self) -> bool:
        """True if the receipt need not be sent again: it was accepted, or refused for good. After any other answer it
        is sent again, so that no result is lost until a person has corrected a key, a clock or a path.
        """
        return self in (ReceiptAnswer.ACCEPTED, ReceiptAnswer.REFUSED)

    def pause(self, usual: float) -> float:
        """Return the seconds until a receipt with this answer is sent again: 60 if it was DENIED, else `usual`."""
        return DENIED_AGAIN_SECONDS if self is ReceiptAnswer.DENIED else usual


@dataclass(frozen=True, slots=True)
class ReceiptAddress:
    """The address to which a channel's receipts, or the replies to its messages, are sent. `keys`: the current one
    first; both sign while they are exchanged.
    """

    channel: str
    url: str
    keys: tuple[bytes, ...]

    async def send(self, client: httpx.AsyncClient, body: bytes) -> ReceiptAnswer:
        """Send a receipt (JSON) once, signed. Returns ACCEPTED for a status of 2xx, REFUSED for 400 or 422, DENIED for
        403 or 404, LATER for any other status, and UNREACHABLE if no answer came, the URL cannot be used, or the
        answer leads to an invalid one: httpx.HTTPError, httpx.InvalidURL and UnicodeError are not raised. Connecting,
        sending and each read may take 10 s.
        """
        signer = Signer(self.channel, {self.channel: self.keys}, time.time)
        signed = signer.headers(self.channel, "POST", urlsplit(self.url).path, body)
        headers = {"Content-Type": "application/json", **signed}
        try:
            answer = await client.post(self.url, content=body, headers=headers, timeout=ANSWER_SECONDS)
        except _NO_ANSWER as error:
            log.warning("a receipt could not be sent (%s): it is sent again", type(error).__name__)
            return ReceiptAnswer.UNREACHABLE
        if answer.is_success:
            return ReceiptAnswer.ACCEPTED
        if answer.status_code in _FOR_GOOD:
            log.error("Quanzu refuses a receipt for good with status %d: it is dropped", answer.status_code)
            return ReceiptAnswer.REFUSED
        log.warning("a receipt was answered with %d: it is sent again", answer.status_code)
        return ReceiptAnswer.DENIED if answer.status_code in _DENIED else ReceiptAnswer.LATER
