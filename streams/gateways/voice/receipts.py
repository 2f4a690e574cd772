"""The voice gateway's receipts: what they say, and when each is sent again until it is accepted or refused for good."""

from collections.abc import Collection, Sequence

import httpx
import orjson

from domain.carriers.voice import CallEnding
from streams.gateways.receipts import AT_ONCE, ReceiptAddress, ReceiptAnswer
from streams.gateways.voice import gateway_metrics as metrics

CHANNEL = "voice"
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 60.0
DETAIL = 200  # characters
_OUTCOMES = dict.fromkeys(ReceiptAnswer, "refused") | {
    each: each.value for each in (ReceiptAnswer.ACCEPTED, ReceiptAnswer.UNREACHABLE)
}

Unreported = tuple[str, CallEnding]  # the dispatch, and how its call ended


class ReceiptSender:
    """Sends receipts to `url`. `keys`: the current one first; each receipt is signed with both while the key
    changes.
    """

    def __init__(self, url: str, keys: tuple[bytes, ...]) -> None:
        self._address = ReceiptAddress(CHANNEL, url, keys)
        self._client = httpx.AsyncClient()

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._client.aclose()

    async def report(self, dispatch: str, ending: CallEnding) -> bool:
        """Send the receipt of how the call of a dispatch ended, in one attempt, and count it in the metric. Returns
        True if it was accepted or refused for good, False if it must be sent again.
        """
        answer = await self._address.send(self._client, receipt_of(dispatch, ending))
        metrics.RECEIPTS.labels(outcome_label(answer)).inc()
        return answer.is_settled


def outcome_label(answer: ReceiptAnswer) -> str:
    """Return the label of an answer in the metric of receipts: "accepted", "unreachable", or else "refused"."""
    return _OUTCOMES[answer]


class ReceiptPlan:
    """Decides when receipts that were not accepted are sent again. All times are monotonic seconds."""

    def __init__(self) -> None:
        self._again: dict[str, tuple[float, float]] = {}  # by dispatch: when, and the pause after that

    def due(
        self, unreported: Sequence[Unreported], now: float, sending: Collection[str] = frozenset()
    ) -> list[Unreported]:
        """Return the receipts that may be sent at `now` (monotonic seconds) beside those that are on their way
        (`sending`, by dispatch): at most 16 with them, the oldest first. `unreported`: all receipts to be sent, the
        oldest first; the plan forgets all others.
        """
        known = {dispatch for dispatch, _ in unreported}
        self._again = {dispatch: again for dispatch, again in self._again.items() if dispatch in known}
        waiting = [each for each in unreported if each[0] not in sending]
        room = max(AT_ONCE - len(sending), 0)
        return [each for each in waiting if self._again.get(each[0], (now, 0.0))[0] <= now][:room]

    def note(self, dispatch: str, now: float, *, done: bool) -> None:
        """Plan the next attempt after one at `now` (monotonic seconds); none if `done`: the receipt was accepted or
        permanently refused. The pause is 0.5 s at first and doubles with each attempt, to at most 60 s.
        """
        if done:
            self._again.pop(dispatch, None)
            return
        _, wait = self._again.get(dispatch, (now, FIRST_WAIT_SECONDS))
        self._again[dispatch] = (now + wait, min(2 * wait, LONGEST_WAIT_SECONDS))

    def pause(self, now: float, sending: Collection[str] = frozenset()) -> float:
        """Return the seconds from `now` (monotonic seconds) until the next receipt is due that is not on its way
        (`sending`, by dispatch), 0 to 60; 60 if none is planned, or if 16 are on their way.
        """
        if len(sending) >= AT_ONCE:
            return LONGEST_WAIT_SECONDS
        waits = [when - now for dispatch, (when, _) in self._again.items() if dispatch not in sending]
        return max(min([*waits, LONGEST_WAIT_SECONDS]), 0.0)


def receipt_of(dispatch: str, ending: CallEnding) -> bytes:
    """Return the receipt for a call as JSON bytes: id, dispatch, result and, if there are any, key and detail (at most
    200 characters). Its id depends only on the dispatch, so it is the same in each attempt.
    """
    told = {"id": f"{dispatch}#1"[-100:], "dispatch": dispatch, "result": ending.state.value}
    if ending.key is not None:
        told["key"] = ending.key
    if ending.detail:
        told["detail"] = ending.detail[:DETAIL]
    return orjson.dumps(told)
