"""Text messages: to a resident (shown at once on the screen for red) or to a trusted contact."""

from schemas.casework.events import Dispatch
from schemas.codes.channels import NoTelephone
from schemas.levels import Action, Result
from schemas.levels import Channel as Name
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer, Gateway, Order


class SmsProvider(Gateway):
    """The provider of the channel `sms`: the SMS gateway."""

    def __init__(self, outgoing: Outgoing) -> None:
        channels = outgoing.channels
        kind, refusals = channels.kind(Name.SMS), channels.refusals(Name.SMS)
        super().__init__(outgoing.client, outgoing.settings.sms_url, kind, outgoing.signer("sms"), refusals)
        self._outgoing = outgoing

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """Return the request with the message in the recipient's language, or an Answer with the result FAILED if the
        recipient has no telephone. Nothing is sent.

        Raises UnknownPolicyError if the policy in force is stored nowhere, PolicyError if it is invalid, and OSError if
        the settings' policy file is needed and cannot be read. Errors of Redis and Kafka pass through.
        """
        to = await self._outgoing.recipient(dispatch)
        if to is None:
            return Answer(Result.FAILED, NoTelephone())
        text = await self._outgoing.words(dispatch, to)
        flash = dispatch.action is Action.FLASH_SMS
        return Order("/sms", {"to": to.phone, "text": text, "flash": flash, "action": dispatch.action.value})
