"""Simulated residents on the telephone, who answer the calls of a demo's user."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from schemas.levels import CallResult, Outcome
from simulators.world.contacts import Contacts
from streams.casework.claims import CaseClaims
from streams.channels.telephone import Call
from streams.runtime.clock import Clock

Spoken = Literal[Outcome.DISSUADED, Outcome.NOT_PERSUADED, Outcome.ALREADY_DEFRAUDED, Outcome.FALSE_ALARM]
WORDS: Mapping[Spoken, str] = {
    Outcome.DISSUADED: "“……原来是骗子。我不转了，谢谢你们。”",
    Outcome.NOT_PERSUADED: "“你们才是骗子吧？我自己的事自己清楚。”（挂断）",
    Outcome.ALREADY_DEFRAUDED: "“……我刚才已经转过去了，怎么办？”",
    Outcome.FALSE_ALARM: "“是我给家里人转的，收款人我认识，没有人教我。”",
}


class Telephone:
    """Places calls of a demo's user to the province's simulated people."""

    def __init__(self, contacts: Contacts, desk: CaseClaims, clock: Clock) -> None:
        self._contacts, self._desk, self._clock = contacts, desk, clock

    async def call(self, case_id: str, answered: Callable[[], Awaitable[None]]) -> Call:
        """Call the simulated resident of a case (its id); the call may dissuade them. Return the result: BUSY,
        NO_ANSWER, or ANSWERED with the resident's words, the transfers that they will not make, each with its amount
        (`kept`; empty unless they are dissuaded), and the money lost so far (`lost_fen`). Amounts are in fen.

        The function takes as long as the conversation does, by the province's clock (simulated time). `answered` is
        awaited as soon as the resident answers. Its errors, and those of Redis, pass through.
        """
        talk = self._contacts.talk(case_id, self._clock.now())
        if talk.outcome is not Outcome.UNREACHABLE:
            await answered()
        await self._clock.sleep(talk.lasted)
        if talk.outcome is Outcome.UNREACHABLE:
            return Call(CallResult.BUSY if talk.because == "busy" else CallResult.NO_ANSWER)
        case = await self._desk.load(case_id)
        payments = case.payments if case else ()
        act = self._contacts.outcome(case_id, talk, self._clock.now(), payments)
        return Call(CallResult.ANSWERED, WORDS[talk.outcome], tuple(act.kept), act.lost_fen)
