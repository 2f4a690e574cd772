"""Reports results to Quanzu: signed, and again with growing pauses until they are accepted or refused for good."""

import logging
import secrets
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx
import orjson

from domain.carriers.voice import CallEnding
from streams.channels.signing import SIGNATURE, SignedMessage, sign
from streams.gateways.voice.measures import VOICE_RECEIPTS

log = logging.getLogger(__name__)

CHANNEL = "voice"
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 60.0
ANSWER_SECONDS = 10.0
AT_ONCE = 16  # receipts on their way to Quanzu
FOR_GOOD = frozenset({400, 422})  # of intake: a repetition would not help
DETAIL = 200  # characters

Unreported = tuple[str, CallEnding]  # the dispatch, and how its call ended


class ReceiptSender:
    """Sends receipts to `url`. `keys`: the current one first; both sign while they are exchanged."""

    def __init__(self, url: str, keys: tuple[bytes, ...]) -> None:
        self._url, self._keys = url, keys
        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def report(self, dispatch: str, ending: CallEnding) -> bool:
        """Report how the call of a dispatch ended, once. Returns whether it is settled: accepted, or refused for good.

        Other refusals are passing ones: a wrong key or clock is put right by a person, and the result is not lost by
        then; also a 404 or 403 may come from a proxy that is set up wrongly.
        """
        body = receipt_of(dispatch, ending)
        message, nonce = SignedMessage(CHANNEL, urlsplit(self._url).path, body), secrets.token_hex(12)
        signed = [sign(key, message, time.time(), nonce) for key in self._keys]
        headers = signed[0] | {SIGNATURE: ",".join(each[SIGNATURE] for each in signed)}
        try:
            answer = await self._client.post(
                self._url, content=body, headers={"Content-Type": "application/json", **headers}
            )
        except httpx.HTTPError as error:
            VOICE_RECEIPTS.labels("unreachable").inc()
            log.warning("a receipt could not be sent (%s): it is sent again", type(error).__name__)
            return False
        VOICE_RECEIPTS.labels("accepted" if answer.is_success else "refused").inc()
        if answer.status_code in FOR_GOOD:
            log.error("Quanzu refuses a receipt for good with status %d: it is dropped", answer.status_code)
        elif not answer.is_success:
            log.warning("a receipt was answered with %d: it is sent again", answer.status_code)
        return answer.is_success or answer.status_code in FOR_GOOD


class ReceiptPlan:
    """When each receipt that was not accepted is sent again, by the monotonic clock."""

    def __init__(self) -> None:
        self._again: dict[str, tuple[float, float]] = {}  # by dispatch: when, and the pause after that

    def due(self, unreported: Sequence[Unreported], now: float) -> list[Unreported]:
        """Return the oldest receipts that may be sent now, at most AT_ONCE. `unreported`: all, the oldest first."""
        known = {dispatch for dispatch, _ in unreported}
        self._again = {dispatch: again for dispatch, again in self._again.items() if dispatch in known}
        return [each for each in unreported if self._again.get(each[0], (now, 0.0))[0] <= now][:AT_ONCE]

    def note(self, dispatch: str, now: float, *, done: bool) -> None:
        """Note an attempt. `done`: nothing remains to be sent."""
        if done:
            self._again.pop(dispatch, None)
            return
        _, wait = self._again.get(dispatch, (now, FIRST_WAIT_SECONDS))
        self._again[dispatch] = (now + wait, min(2 * wait, LONGEST_WAIT_SECONDS))

    def pause(self, now: float) -> float:
        """Return the seconds until the next receipt is due, at most LONGEST_WAIT_SECONDS."""
        waits = [when - now for when, _ in self._again.values()]
        return max(min([*waits, LONGEST_WAIT_SECONDS]), 0.0)


def receipt_of(dispatch: str, ending: CallEnding) -> bytes:
    """Return the JSON of a receipt. A call has one, so that its id is the same whenever it is sent."""
    told = {"id": f"{dispatch}#1"[-100:], "dispatch": dispatch, "result": ending.state.value}
    if ending.key is not None:
        told["key"] = ending.key
    if ending.detail:
        told["detail"] = ending.detail[:DETAIL]
    return orjson.dumps(told)
