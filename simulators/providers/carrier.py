"""A simulated carrier: text messages and automated calls, and their results."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from domain.policy.messages import KEYS, WEEK_REPLIES
from schemas.base import Partial
from schemas.channels.receipts import CallState, SmsState
from schemas.levels import WEEK_ANSWERS, Action, Channel, Result
from simulators.providers.base import Contact, Receipt, SimulatedProvider
from streams.channels.provider import Kind
from streams.runtime.clock import Clock

Answers = Sequence[tuple[timedelta, Result]]


@dataclass(frozen=True, slots=True)
class Ringing:
    """A telephone that gets a message or a call. `dispatch`: the order's id; `phone`: E.164."""

    dispatch: str
    phone: str
    action: Action


Answering = Callable[[Ringing, datetime], Awaitable[Answers]]
"""How the telephone's holder reacts: `answer(ringing, now)` returns the results and after how long each comes."""

PRESSED = Partial({result: digit for digit, result in (*KEYS.items(), *WEEK_REPLIES.items())})
REPLIES = "/replies"  # no path of orders: where replies to messages go

# Assumed, around "phone alone fails" (Shenzhen: about 40 % refuse).
CALLS = {
    Result.ACKNOWLEDGED: 0.34, Result.WANTS_OPERATOR: 0.08, Result.HUNG_UP: 0.16, Result.NO_ANSWER: 0.2,
    Result.REFUSED: 0.1, Result.BUSY: 0.06, Result.VOICEMAIL: 0.04, Result.WRONG_NUMBER: 0.02,
}  # fmt: skip
DELIVERED = 0.96  # assumed


def by_chance(seed: int) -> Answering:
    """Return an async function that answers a call or message at random. With the same seed, the same dispatch always
    gets the same result after the same delay.
    """

    async def answer(ringing: Ringing, now: datetime) -> Answers:
        chance = Random(f"{seed}:{ringing.dispatch}")
        if ringing.action.channel is Channel.SMS:
            result = Result.DELIVERED if chance.random() < DELIVERED else Result.UNDELIVERED
            return [(timedelta(seconds=chance.uniform(1, 5)), result)]
        return [(timedelta(seconds=chance.uniform(8, 45)), chance.choices([*CALLS], [*CALLS.values()])[0])]

    return answer


class Carrier(SimulatedProvider):
    """A simulated carrier: `POST /sms` accepts text messages, `POST /calls` automated calls. `answer`: how people
    react; None: at random.
    """

    def __init__(
        self,
        clock: Clock,
        receipts_url: str,
        keys: Mapping[str, bytes],
        mode: Kind = Kind.IDEMPOTENT,
        answer: Answering | None = None,
    ) -> None:
        super().__init__(clock, receipts_url, keys, mode)
        self._answer = answer or by_chance(0)

    def paths(self) -> dict[str, str]:
        """Return the webhook of each path: `sms` for `/sms`, `voice` for `/calls`."""
        return {"/sms": "sms", "/calls": "voice"}

    def webhook(self, path: str) -> str:
        """Return the name of the webhook of a path, or of replies to messages (REPLIES)."""
        return "sms/replies" if path == REPLIES else super().webhook(path)

    def channel(self, path: str) -> str:
        """Return the name of the channel that signatures state: replies are signed as messages are."""
        return "sms" if path == REPLIES else super().channel(path)

    def contact(self, key: str, path: str, order: dict[str, Any]) -> Contact:
        """Return the log entry of a message (`path` /sms) or an automated call (/calls), with the message's text or the
        call's script. No order is refused. `key`: the dispatch's id. Raises KeyError if a field of the order is
        missing.
        """
        said = order["text"] if path == "/sms" else order["script"]
        return Contact(key, order["action"], order["to"], self.clock.now().isoformat(), said)

    async def later(self, key: str, path: str, order: dict[str, Any], now: datetime) -> Sequence[Receipt]:
        """Return the receipts of a message (`path` /sms) or an automated call (/calls), each as (delay after `now`,
        JSON); empty if the carrier learns no result. If the answers to a message include a reply, a background task
        sends it after its delay. `key`: the dispatch's id. Raises KeyError if a field of the order is missing, and
        ValueError if its action is unknown.
        """
        answers = await self._answer(Ringing(key, order["to"], Action(order["action"])), now)
        told = _sms if path == "/sms" else _call
        for delay, result in answers if path == "/sms" else ():
            if result in WEEK_ANSWERS and (figure := PRESSED.get(result)):
                self._start(self._reply_later(key, figure, now + delay))
        return [(delay, receipt) for delay, result in answers if (receipt := told(result))]

    async def _reply_later(self, key: str, text: str, at: datetime) -> None:
        await self.clock.sleep_until(at)
        self.tell(key, REPLIES, {"text": text})


def _sms(result: Result) -> dict[str, Any] | None:
    """Return a message's receipt; None unless the result is DELIVERED or UNDELIVERED, because a carrier knows nothing
    else.
    """
    return {"result": result.value} if result.value in [*SmsState] else None


def _call(result: Result) -> dict[str, Any] | None:
    """Return a call's receipt, or None if a carrier would not know the result. A key press is reported as its digit."""
    if result is Result.HUNG_UP:
        return {"result": CallState.ANSWERED.value}
    if key := PRESSED.get(result):
        return {"result": CallState.ANSWERED.value, "key": key}
    return {"result": result.value} if result.value in [*CallState] else None
