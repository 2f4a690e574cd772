"""The HTTP commands of the Asterisk REST Interface.

Everything that a command says is in its JSON body, which Asterisk reads like a query: a number in a query would stand
in the logs of each proxy on the way.
"""

import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from pydantic import ValidationError

from streams.gateways.voice.asterisk.events import ChannelShape
from streams.gateways.voice.asterisk.table import AsteriskTable

COMMAND_SECONDS = 10.0
ANSWER_BYTES = 1024 * 1024
KEPT_IDLE_SECONDS = 5.0  # Asterisk closes a connection after 15 s: one used at that moment would lose the command
_NOT_DONE = "Allocation failed"  # Asterisk's own 500 of an originate that was not begun, as for an unknown endpoint


class AriUnansweredError(RuntimeError):
    """Asterisk did not answer a command as documented: it is unknown whether the command was carried out."""


class AriUnreachedError(AriUnansweredError):
    """No connection to Asterisk: nothing was sent."""


class Originated(StrEnum):
    """The result of the command to call. BEGUN: the call has begun; REFUSED: nobody is called; UNKNOWN: a call may or
    may not have begun.
    """

    BEGUN = "begun"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class HungUp(StrEnum):
    """The result of the command to hang up. DONE: the channel is hung up; GONE: there was no such channel any more;
    UNKNOWN: no usable answer came.
    """

    DONE = "done"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AriCall:
    """A call to be placed. `channel`: its id; `endpoint`: with the number; `ring_seconds`, `longest_seconds`: after
    which Asterisk ends it even if this gateway is gone: while it rings, and in all.
    """

    channel: str
    endpoint: str = field(repr=False)
    ring_seconds: float
    longest_seconds: float


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: object = field(repr=False)

    def says(self, key: str) -> object:
        """Return a field of the body, None without it."""
        return self.body.get(key) if isinstance(self.body, dict) else None


class AriCommands:
    """Sends commands to Asterisk. An asynchronous context manager. `session` is also for the WebSocket."""

    def __init__(self, table: AsteriskTable, password: str, context: ssl.SSLContext | None) -> None:
        self._table = table
        connector = aiohttp.TCPConnector(ssl=context or True, keepalive_timeout=KEPT_IDLE_SECONDS)
        self.session = aiohttp.ClientSession(
            connector=connector,
            headers={"Authorization": aiohttp.encode_basic_auth(table.username, password)},
            timeout=aiohttp.ClientTimeout(total=COMMAND_SECONDS),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def originate(self, call: AriCall) -> tuple[Originated, str]:
        """Ask Asterisk to place a call, in one attempt of up to 10 s. Returns (BEGUN, REFUSED if nobody is called, or
        UNKNOWN if a call may have begun; the reason in English, "" if it has begun). UNKNOWN too if a channel with this
        id exists: another process began the call. AriUnansweredError is not raised.
        """
        body = {
            "endpoint": call.endpoint,
            "app": self._table.app,
            "callerId": self._table.caller,
            "timeout": math.ceil(call.ring_seconds),
            "variables": {"TIMEOUT(absolute)": str(math.ceil(call.longest_seconds))},
        }
        try:
            answer = await self._ask("POST", f"/channels/{call.channel}", body)
        except AriUnreachedError:
            return Originated.REFUSED, "not dialled: Asterisk cannot be reached"
        except AriUnansweredError as error:
            return Originated.UNKNOWN, str(error)
        return _originated(answer, call.channel)

    async def channel(self, channel: str) -> ChannelShape | None:
        """Return the state of the channel with this id, or None if there is none. Raises AriUnansweredError if no
        usable answer comes within 10 s, or AriUnreachedError, one of its kind, if there is no connection.
        """
        answer = await self._ask("GET", f"/channels/{channel}")
        if answer.status == 404:
            return None
        try:
            found = ChannelShape.model_validate(answer.body)
        except ValidationError:
            raise AriUnansweredError(f"status {answer.status} without a channel") from None
        if answer.status != 200 or found.id != channel:
            raise AriUnansweredError(f"status {answer.status} about another channel")
        return found

    async def channels(self) -> list[str]:
        """Return the ids of the channels of this application. Raises AriUnansweredError if no usable answer comes
        within 10 s, or AriUnreachedError, one of its kind, if there is no connection.
        """
        answer = await self._ask("GET", f"/applications/{self._table.app}")
        found = answer.says("channel_ids")
        if answer.status != 200 or not isinstance(found, list):
            raise AriUnansweredError(f"status {answer.status} without the application's channels")
        return [each for each in found if isinstance(each, str)]

    async def hang_up(self, channel: str) -> HungUp:
        """Hang up a channel, in one attempt of up to 10 s. Returns DONE, GONE if there is no such channel any more, or
        UNKNOWN without a usable answer.
        """
        try:
            answer = await self._ask("DELETE", f"/channels/{channel}")
        except AriUnansweredError:
            return HungUp.UNKNOWN
        if answer.status == 404:
            return HungUp.GONE
        return HungUp.DONE if answer.status in (200, 204) else HungUp.UNKNOWN

    async def play(self, channel: str, playback: str, url: str) -> int:
        """Begin to play the sound at `url` to an answered channel; `playback`: the id to give it. Returns the HTTP
        status: 200 or 201 if it was begun, others if not. Raises AriUnansweredError if no answer comes within 10 s.
        """
        return (await self._ask("POST", f"/channels/{channel}/play/{playback}", {"media": [f"sound:{url}"]})).status

    async def stop(self, playback: str) -> None:
        """Stop a playback by its id; nothing happens if it has ended. Raises AriUnansweredError if no answer comes
        within 10 s.
        """
        await self._ask("DELETE", f"/playbacks/{playback}")

    async def detect_talk(self, channel: str, pause_seconds: float, loud: float) -> None:
        """Have Asterisk report when the called side begins to talk, and when it has paused for `pause_seconds`. `loud`:
        the mean of samples of 16 bits from which sound counts as talk.

        Nothing happens if the channel is gone or this Asterisk lacks the function. Raises AriUnansweredError if no
        answer comes within 10 s.
        """
        values = {"variable": "TALK_DETECT(set)", "value": f"{pause_seconds * 1000:.0f},{loud:.0f}"}
        await self._ask("POST", f"/channels/{channel}/variable", values)

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> _Answer:
        """Send one request, and return Asterisk's answer. Raises AriUnansweredError, whose words name no path."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        data = orjson.dumps(body) if body is not None else None
        url = self._table.root + path
        try:
            async with self.session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
                return _Answer(answer.status, _json(await _limited(answer)))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise AriUnreachedError(f"no connection ({type(error).__name__})") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AriUnansweredError(f"no answer ({type(error).__name__})") from None


def _originated(answer: _Answer, channel: str) -> tuple[Originated, str]:
    if answer.status == 200 and answer.says("id") == channel:
        return Originated.BEGUN, ""
    said = f"Asterisk answered {answer.status}"
    if answer.status == 500 and answer.says("error") == _NOT_DONE:
        return Originated.REFUSED, f"{said}: it cannot call through this endpoint"
    if 300 <= answer.status < 500 and answer.status not in (408, 409):
        return Originated.REFUSED, said
    return Originated.UNKNOWN, said


async def _limited(answer: aiohttp.ClientResponse) -> bytes:
    data = b""
    while chunk := await answer.content.read(ANSWER_BYTES + 1 - len(data)):
        data += chunk
        if len(data) > ANSWER_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return data


def _json(data: bytes) -> object:
    try:
        found: object = orjson.loads(data) if data else None
    except orjson.JSONDecodeError:
        return None
    return found
