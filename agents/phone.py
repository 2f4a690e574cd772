"""Calls: a robot's by the voice gateway; an operator's wait on the desk, where the case's queue has them."""

from schemas.casework.events import Dispatch
from schemas.codes.channels import NoTelephone, OnTheDesk
from schemas.levels import Action, Result
from schemas.levels import Channel as Name
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer, Gateway, Order


class VoiceProvider(Gateway):
    """The gateway of robot calls."""

    def __init__(self, outgoing: Outgoing) -> None:
        channels = outgoing.channels
        kind, refusals = channels.kind(Name.PHONE), channels.refusals(Name.PHONE)
        super().__init__(outgoing.client, outgoing.settings.voice_url, kind, refusals)
        self._outgoing = outgoing

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """The script, in the receiver's language."""
        if dispatch.action is Action.OPERATOR_CALL:
            return Answer(Result.SENT, OnTheDesk())
        to = await self._outgoing.recipient(dispatch)
        if to is None:
            return Answer(Result.FAILED, NoTelephone())
        script = await self._outgoing.words(dispatch, to)
        language = to.language.value
        return Order(
            "/calls", {"to": to.phone, "script": script, "language": language, "action": dispatch.action.value}
        )
