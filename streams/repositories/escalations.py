"""What was tried to make officers accept visits, and the devices that take push messages: on the topic `rosters`, and
in Redis.
"""

import hashlib

import orjson

from schemas.people.escalations import Escalation, PushSubscription
from streams.messaging.topics import ROSTERS
from streams.security import encryption
from streams.state.compacted_table import CompactedTable, Place
from streams.state.keys import ESCALATIONS, PUSH_SUBSCRIPTIONS

PURPOSE = "push"  # the context of the encryption of endpoints and keys


class Escalations(CompactedTable[Escalation]):
    """What was tried for each visit, by its dispatch."""

    place = Place(ROSTERS, Escalation, ESCALATIONS, prefix="escalation/", name="dispatch")


class PushSubscriptions(CompactedTable[PushSubscription]):
    """The devices that take push messages. Endpoints and keys are encrypted under a key derived from QUANZU_SECRET."""

    place = Place(ROSTERS, PushSubscription, PUSH_SUBSCRIPTIONS, prefix="push/")

    async def of_officer(self, officer: str) -> list[PushSubscription]:
        """Return the devices of an officer (their id on the roster), the newest first."""
        found = [each for each in await self.all() if each.officer == officer]
        return sorted(found, key=lambda each: each.made_at, reverse=True)

    async def of_login(self, login: str) -> list[PushSubscription]:
        """Return the devices of an account, the newest first."""
        found = [each for each in await self.all() if each.login == login]
        return sorted(found, key=lambda each: each.made_at, reverse=True)

    async def end_session(self, session: str) -> None:
        """Delete the devices that were subscribed in a session, by the hash of its token."""
        for each in await self.all():
            if each.session == session:
                await self.drop(each.id)

    def sealed(self, endpoint: str, p256dh: str, auth: str) -> str:
        """Return an endpoint and its keys (base64url), encrypted for storage."""
        return encryption.sealed(self._settings.key(), PURPOSE, orjson.dumps([endpoint, p256dh, auth]).decode())

    def opened(self, subscription: PushSubscription) -> tuple[str, str, str]:
        """Return the endpoint, and the keys p256dh and auth (base64url). Raises joserfc's JoseError under another
        QUANZU_SECRET.
        """
        found = orjson.loads(encryption.opened(self._settings.key(), PURPOSE, subscription.sealed))
        return found[0], found[1], found[2]


def opaque_id(text: str) -> str:
    """Return an id that tells nothing of a text, always the same for it: of an endpoint, or of a task."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
