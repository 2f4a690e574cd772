"""Calls: automated calls go to the voice gateway; operators' calls wait in the case queue of the desk."""

from schemas.casework.events import Dispatch
from schemas.codes.channels import NoTelephone, OnTheDesk
from schemas.levels import Action, Result
from schemas.levels import Channel as Name
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer, Gateway, Order


class VoiceProvider(Gateway):
    """The provider of the channel `phone`: the gateway of automated calls."""

    def __init__(self, outgoing: Outgoing) -> None:
        channels = outgoing.channels
        kind, refusals = channels.kind(Name.PHONE), channels.refusals(Name.PHONE)
        super().__init__(outgoing.client, outgoing.settings.voice_url, kind, outgoing.signer("voice"), refusals)
        self._outgoing = outgoing

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """Return the request for an automated call, with the script in the recipient's language. Nothing is sent.

        Returns an Answer instead, with the result SENT for an operator's call (it waits on the desk), and FAILED if the
        recipient has no telephone. Raises UnknownPolicyError if the policy in force is stored nowhere, PolicyError if
        it is invalid, and OSError if the settings' policy file is needed and cannot be read. Errors of Redis and Kafka
        pass through.
        """
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
