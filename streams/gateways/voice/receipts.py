"""Reports results to Quanzu: signed, and again with growing pauses until they are accepted."""

import asyncio
import logging
import secrets
import time
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
DETAIL = 200  # characters


class ReceiptSender:
    """Sends receipts to `url`. `keys`: the current one first; both sign while they are exchanged."""

    def __init__(self, url: str, keys: tuple[bytes, ...]) -> None:
        self._url, self._keys = url, keys
        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def report(self, dispatch: str, ending: CallEnding) -> None:
        """Report how the call of a dispatch ended. Returns once the receipt is accepted, however long that takes.

        A refusal is tried again too: a wrong key or clock is put right by a person, and the result is not lost by then.
        """
        body = receipt_of(dispatch, ending)
        wait = FIRST_WAIT_SECONDS
        while not await self._accepted(body):
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _accepted(self, body: bytes) -> bool:
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
        if not answer.is_success:
            log.warning("a receipt was answered with %d: it is sent again", answer.status_code)
        return answer.is_success


def receipt_of(dispatch: str, ending: CallEnding) -> bytes:
    """Return the JSON of a receipt. A call has one, so that its id is the same whenever it is sent."""
    told = {"id": f"{dispatch}#1"[-100:], "dispatch": dispatch, "result": ending.state.value}
    if ending.key is not None:
        told["key"] = ending.key
    if ending.detail:
        told["detail"] = ending.detail[:DETAIL]
    return orjson.dumps(told)
